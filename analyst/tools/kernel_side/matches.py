"""Comparisons of a column with a text that stands nowhere in it: the filter matches nothing."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from typing import Any

from .asked import names
from .columns import column, is_text, parsed, text, texts_in
from .texts import short

MOST_DISTINCT = 2000
MOST_ALIKE = 100_000
"""Different texts among which one is sought that differs only in case or spaces."""

SHOWN = 5

_BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])")


def match_look(
    code: str, before: dict[str, Any], after: dict[str, Any], question: str = ""
) -> tuple[list[str], list[str]]:
    """Doubt ``df["region"] == "nort"`` where no row ever held that.

    A column counts as it was before the code and as it is after it: either may hold the text.
    What the question itself names is told as a remark, unless the column holds the same in other
    letters. Returns doubts and remarks.
    """
    doubts: dict[str, None] = {}
    remarks: dict[str, None] = {}
    for (frame, label), wanted in _comparisons(parsed(code)):
        columns = [
            one[frame][label]
            for one in (before, after)
            if frame in one and list(one[frame].columns).count(label) == 1
        ]
        columns = [series for series in columns if len(series)]
        if not columns or any(_holds(series, one) for series in columns for one in wanted):
            continue
        sentence, is_alike = _sentence(frame, label, wanted, columns[0])
        asked = is_text(columns[0]) and all(names(question, one) for one in wanted)
        if sentence:
            (remarks if asked and not is_alike else doubts)[sentence] = None
    return [*doubts], [*remarks]


def _comparisons(tree: ast.Module) -> Iterator[tuple[tuple[str, str], list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            sides = (node.left, node.comparators[0])
            for one, other in (sides, sides[::-1]):
                place, wanted = column(one), text(other)
                if place is not None and wanted is not None:
                    yield place, [wanted]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "isin"
            and len(node.args) == 1
        ):
            place, listed = column(node.func.value), texts_in(node.args[0])
            if place is not None and listed:
                yield place, listed


def _holds(series: Any, wanted: str) -> bool:
    return bool((series == wanted).any())


def _sentence(frame: str, label: str, wanted: list[str], series: Any) -> tuple[str, bool]:
    """Word what the column holds; and tell whether that differs only in case or spaces."""
    shown = ", ".join(map(repr, wanted[:SHOWN]))
    sentence = f"No row of {frame} has {shown} in {label!r}"
    if str(series.dtype).startswith(("int", "float")):
        return f"{sentence}, which holds numbers. Compare it with numbers.", False
    if not is_text(series):
        return "", False
    distinct = series.dropna().astype(str).unique()[:MOST_ALIKE].tolist()
    letters = {_letters(value): value for value in distinct}
    alike = [letters[key] for one in wanted if (key := _letters(one)) in letters]
    distinct = distinct[:MOST_DISTINCT]
    near = alike or [
        value for one in wanted for value in difflib.get_close_matches(one, distinct, n=2)
    ]
    values = near or distinct[:SHOWN]
    more = "" if near or len(distinct) <= SHOWN else ", …"
    held = f"It holds {', '.join(repr(short(v)) for v in values)}{more}."
    return f"{sentence}. {held}", bool(alike)


def _letters(value: str) -> str:
    return _BETWEEN_LETTERS.sub("", value.strip().casefold())
