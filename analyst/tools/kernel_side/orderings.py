"""Dates that are text and are put in order as text: by their first letters, not by time."""

from __future__ import annotations

import ast
from typing import Any

from .asked import asks_by_letters
from .columns import column, is_text, methods, named, parsed, texts_in

SAMPLED = 200
MOST = 0.9

_DAY_FIRST = r"^\s*\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}\b"
_BY_MONTH = r"^\s*(?:\d{1,2}[-. ]+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b.*\d"
_CONVERTING = {"to_datetime", "strptime", "parse", "DatetimeIndex", "Timestamp"}
_EXTREMES = {"max", "min", "sort_values", "idxmax", "idxmin", "argmax", "argmin"}
_LIKE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def order_doubts(
    code: str, before: dict[str, Any], after: dict[str, Any], question: str = ""
) -> list[str]:
    """Doubt an order of dates that are text, where letters do not sort as time does.

    Dates as 2024-01-31 sort rightly as text and raise none; nor does an order by letters that
    the question asks for.
    """
    if asks_by_letters(question):
        return []
    tree = parsed(code)
    if methods(tree) & _CONVERTING or named(tree) & _CONVERTING:
        return []
    frames = {**before, **after}
    found: dict[str, None] = {}
    for label in _ordered(tree):
        for name, frame in frames.items():
            if list(frame.columns).count(label) == 1 and _is_unsortable(frame[label]):
                found[
                    f"{label!r} holds dates as text, which were put in order by their letters. "
                    f"Convert it first: {name}[{label!r}] = pd.to_datetime({name}[{label!r}])"
                ] = None
                break
    return [*found]


def _ordered(tree: ast.Module) -> list[str]:
    """Return the labels of columns that the code sorts by, compares, or takes extremes of."""
    labels = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "sort_values":
                by = [item.value for item in node.keywords if item.arg == "by"]
                labels += [one for value in (*node.args[:1], *by) for one in texts_in(value)]
            place = column(node.func.value)
            if node.func.attr in _EXTREMES and place is not None:
                labels.append(place[1])
        elif isinstance(node, ast.Compare) and any(isinstance(op, _LIKE) for op in node.ops):
            places = [column(side) for side in (node.left, *node.comparators)]
            labels += [place[1] for place in places if place is not None]
    return labels


def _is_unsortable(series: Any) -> bool:
    if not is_text(series):
        return False
    sample = series.dropna().iloc[:SAMPLED].astype(str)
    if sample.nunique() < 2:
        return False
    return bool(
        sample.str.match(_DAY_FIRST).mean() > MOST or sample.str.match(_BY_MONTH).mean() > MOST
    )
