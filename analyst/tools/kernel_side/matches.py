"""Comparisons of a column with a text that stands nowhere in it: the filter matches nothing."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from typing import Any

from .columns import column, is_text, parsed, text, texts_in
from .texts import short

MOST_DISTINCT = 2000
SHOWN = 5


def match_doubts(code: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Doubt ``df["region"] == "nort"`` where no row ever held that.

    A column counts as it was before the code and as it is after it: either may hold the text.
    """
    found: dict[str, None] = {}
    for (frame, label), wanted in _comparisons(parsed(code)):
        columns = [
            one[frame][label]
            for one in (before, after)
            if frame in one and list(one[frame].columns).count(label) == 1
        ]
        columns = [series for series in columns if len(series)]
        if not columns or any(_holds(series, one) for series in columns for one in wanted):
            continue
        if doubt := _doubt(frame, label, wanted, columns[0]):
            found[doubt] = None
    return [*found]


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


def _doubt(frame: str, label: str, wanted: list[str], series: Any) -> str:
    shown = ", ".join(map(repr, wanted[:SHOWN]))
    sentence = f"No row of {frame} has {shown} in {label!r}"
    if str(series.dtype).startswith(("int", "float")):
        return f"{sentence}, which holds numbers. Compare it with numbers."
    if not is_text(series):
        return ""
    distinct = series.dropna().astype(str).unique()[:MOST_DISTINCT].tolist()
    lowered = {value.strip().casefold(): value for value in distinct}
    near = [lowered[key] for one in wanted if (key := one.strip().casefold()) in lowered]
    near = near or [
        value for one in wanted for value in difflib.get_close_matches(one, distinct, n=2)
    ]
    values = near or distinct[:SHOWN]
    more = "" if near or len(distinct) <= SHOWN else ", …"
    return f"{sentence}. It holds {', '.join(repr(short(v)) for v in values)}{more}."
