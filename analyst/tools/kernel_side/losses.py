"""Rows that went missing without a word: dropped for columns that play no part, or in no group."""

from __future__ import annotations

import ast
import re
from typing import Any

from .columns import column, methods, named, parsed, texts_in

LOST_SHARE = 0.05
LISTED = 4
TOLERANCE = 0.01

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
    words = named(tree)
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "dropna"
            and isinstance(node.func.value, ast.Name)
            and not node.args
            and not {item.arg for item in node.keywords} - {"inplace"}
        ):
            continue
        name = node.func.value.id
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


def share_doubts(code: str, namespace: dict[str, Any]) -> list[str]:
    """Doubt shares of a whole, by the name of a variable, that add up to more than it.

    Only where the code counts or sums groups and divides: shares within groups (a mean, a rate)
    are not of one whole and need not add up.
    """
    tree = parsed(code)
    called = methods(tree)
    if not called & {"size", "count", "value_counts", "sum"} or called & {"mean", "apply", "agg"}:
        return []
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        name = node.targets[0].id
        divided = [part for part in ast.walk(node.value) if isinstance(part, ast.BinOp)]
        if "share" not in name.lower() and "proportion" not in name.lower():
            continue
        if not any(isinstance(part.op, ast.Div) for part in divided):
            continue
        series: Any = namespace.get(name)
        if type(series).__name__ != "Series" or not 2 <= len(series) <= 200:
            continue
        if str(series.dtype) not in {"float64", "float32"} or float(series.min()) < 0:
            continue
        factors = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        whole = 100.0 if 100 in factors else 1.0
        total = float(series.sum())
        if total > whole * (1 + TOLERANCE) and _is_one_whole(node.value):
            found.append(
                f"The shares in {name} add up to {total:.4g}, not to {whole:g}. "
                "Divide by the sum of the same numbers."
            )
    return found


def _is_one_whole(value: ast.expr) -> bool:
    """Tell whether all is divided by one number: a sum or a length, not by another column."""
    for part in ast.walk(value):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div):
            divisor = part.right
            if isinstance(divisor, ast.Call) and isinstance(divisor.func, ast.Name):
                return divisor.func.id == "len"
            if isinstance(divisor, ast.Call) and isinstance(divisor.func, ast.Attribute):
                owner = divisor.func.value
                return divisor.func.attr == "sum" and (
                    isinstance(owner, ast.Name) or column(owner) is not None
                )
    return False
