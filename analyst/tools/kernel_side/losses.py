"""Rows that went missing without a word: dropped for columns that play no part, or in no group."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from .columns import named, parsed, stored_lines, texts_in

LOST_SHARE = 0.05
LISTED = 4

_ASKED_FOR = re.compile(
    r"\bany (?:missing|null|nan)|(?:all|any|every|each) (?:the )?(?:columns?|variables|features)"
    r"|complete (?:cases|rows|records)|dropna\(\)"
    r"|\b(?:drop|remove|exclude|discard|delete|eliminat)\w*\b[^.]{0,40}\b(?:rows|records|entries"
    r"|observations|cases)\b[^.]{0,40}\b(?:missing|null|nan|incomplete)",
    re.IGNORECASE,
)


def loss_doubts(code: str, before: dict[str, Any], question: str = "") -> list[str]:
    """Doubt ``df.dropna()`` that drops rows for nulls in columns which the code does not use.

    None where the question may ask for just that.
    """
    if _ASKED_FOR.search(question):
        return []
    tree = parsed(code)
    words, stored = named(tree), stored_lines(tree)
    found: dict[str, None] = {}
    for statement, node in _calls(tree):
        if not (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "dropna"
            and isinstance(node.func.value, ast.Name)
            and not node.args
            and not {item.arg for item in node.keywords} - {"inplace"}
        ):
            continue
        name = node.func.value.id
        if any(line < statement.lineno for line in stored.get(name, ())):
            # What it was before the code is not what rows are dropped of.
            continue
        frame = before.get(name)
        if frame is None or not len(frame) or not frame.columns.is_unique:
            continue
        nulls = frame.isna()
        used = [label for label in frame.columns if label in words]
        if not used or len(used) == len(frame.columns):
            continue
        kept, wanted = (int((~part.any(axis=1)).sum()) for part in (nulls, nulls[used]))
        if wanted - kept <= LOST_SHARE * len(frame):
            continue
        guilty = [label for label in frame.columns if label not in used and nulls[label].any()]
        found[
            f"dropna() left {kept} of {len(frame)} rows of {name}, for nulls in "
            f"{', '.join(map(repr, guilty[:LISTED]))}, which the code does not use. "
            f"Write {name}.dropna(subset={used!r}): that leaves {wanted}."
        ] = None
    return [*found]


def _calls(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.Call]]:
    """Yield all calls with the statement of their own in which they stand."""
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and not hasattr(statement, "body"):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    yield statement, node


def group_remarks(code: str, after: dict[str, Any]) -> list[str]:
    """Say how many rows are in no group, since nulls are left out of ``groupby``."""
    found: dict[str, None] = {}
    for node in ast.walk(parsed(code)):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "groupby"
            and isinstance(node.func.value, ast.Name)
            and node.args
            and "dropna" not in {item.arg for item in node.keywords}
        ):
            continue
        frame = after.get(node.func.value.id)
        keys = texts_in(node.args[0])
        if frame is None or not keys or set(keys) - set(frame.columns):
            continue
        count = int(frame[keys].isna().any(axis=1).sum())
        if count:
            listed = " or ".join(map(repr, keys))
            found[f"{count} of {len(frame)} rows have no {listed} and are in no group."] = None
    return [*found]
