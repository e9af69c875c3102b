"""Bins that leave values out: ``pd.cut`` makes nulls of what is in none of them, without a word."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .asked import asks_above, asks_below, begins_after, ends_before, numbers
from .columns import assignments, column, keywords, parsed
from .texts import short

MOST_EDGES = 1000
WIDE = 3
"""Bins from this width on may be written as 21-30 where the code's edge is 20."""


def bin_look(
    code: str, namespace: dict[str, Any], frames: dict[str, Any], question: str = ""
) -> tuple[list[str], list[str]]:
    """Doubt ``pd.cut`` where rows with a value came out in no bin.

    What lies outside of the edges that the question gives is told as a remark. Returns doubts and
    remarks.
    """
    doubts: dict[str, None] = {}
    remarks: dict[str, None] = {}
    tree = parsed(code)
    for target, call in _cuts(tree):
        place = column(call.args[0]) if call.args else None
        if place is None or place[0] not in frames:
            continue
        frame, label = place
        made = _made(target, namespace, frames)
        if made is None or list(frames[frame].columns).count(label) != 1:
            continue
        values = frames[frame][label]
        if len(made) != len(values):
            continue
        left_out = values[(made.isna() & values.notna()).to_numpy()]
        if not len(left_out):
            continue
        edges = _edges(call, tree, namespace)
        missed = left_out[~_asked(left_out, edges, call, question)]
        told = missed if len(missed) else left_out
        shown = ", ".join(short(one) for one in sorted(told.unique().tolist())[:4])
        sentence = (
            f"pd.cut left {len(told)} rows in no bin: those where {label!r} is {shown}"
            f"{', …' if told.nunique() > 4 else ''}."
        )
        if len(missed):
            doubts[f"{sentence} {_advice(call, values, missed)}"] = None
        else:
            remarks[sentence] = None
    return [*doubts], [*remarks]


def _cuts(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.Call]]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr == "cut"
        ):
            yield node.targets[0], node.value


def _made(target: ast.expr, namespace: dict[str, Any], frames: dict[str, Any]) -> Any:
    """Return the Series that the cut made, if it is there still."""
    place = column(target)
    if place is not None and place[0] in frames and place[1] in frames[place[0]].columns:
        return frames[place[0]][place[1]]
    made = namespace.get(target.id) if isinstance(target, ast.Name) else None
    return made if type(made).__name__ == "Series" else None


def _edges(call: ast.Call, tree: ast.Module, namespace: dict[str, Any]) -> list[float]:
    """Return the edges of the bins, in order; none where they are not plain to see."""
    node = keywords(call).get("bins", call.args[1] if len(call.args) > 1 else None)
    if isinstance(node, ast.Name):
        written = dict(assignments(tree)).get(node.id)
        held = namespace.get(node.id)
        if written is None and isinstance(held, (list, tuple)):
            return sorted(float(one) for one in held[:MOST_EDGES])
        node = written
    if isinstance(node, (ast.List, ast.Tuple)):
        edges = [_number(item) for item in node.elts]
    elif isinstance(node, ast.Call):
        edges = _counted(node)
    else:
        return []
    return sorted(edge for edge in edges if edge is not None) if None not in edges else []


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _number(node.operand)
        return None if number is None else -number
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Attribute) and node.attr in {"inf", "Inf"}:
        return math.inf
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
    ):
        return float(node.args[0].value)  # type: ignore[arg-type]  # fails for what is no number
    return None


def _counted(call: ast.Call) -> list[float | None]:
    """Return what ``range(0, 50, 10)`` and ``np.arange`` count."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = call.func.id if isinstance(call.func, ast.Name) else name
    given = [_number(item) for item in call.args]
    if name not in {"range", "arange"} or None in given or not 2 <= len(given) <= 3:
        return [None]
    start, stop, step = (*(one for one in given if one is not None), 1.0)[:3]
    count = math.ceil((stop - start) / step) if step > 0 else 0
    return [start + n * step for n in range(min(count, MOST_EDGES))]


def _asked(left_out: Any, edges: list[float], call: ast.Call, question: str) -> Any:
    """Tell of each value whether the question's own edges leave it out."""
    none = left_out.isna()
    finite = [edge for edge in edges if math.isfinite(edge)]
    given = numbers(question)
    if not finite or not given:
        return none
    gaps = [b - a for a, b in pairwise(finite)]
    regular = len(gaps) > 2 and max(gaps) - min(gaps) < min(gaps) / 1000
    slack = 1.0 if gaps and min(gaps) >= WIDE else 0.0
    sought = [finite[0], finite[-1]] if regular else finite
    if not all(_near(edge, given, slack) for edge in sought):
        return none
    low, high = edges[0], edges[-1]
    below = not any(asks_below(question, number) for number in _near(low, given, slack))
    above = not any(asks_above(question, number) for number in _near(high, given, slack))
    if _is_open_above(call):
        at_edge = left_out.eq(high) & (high not in given or ends_before(question, high))
    else:
        at_edge = left_out.eq(low) & (low not in given or begins_after(question, low))
    return at_edge | (left_out.lt(low) & below) | (left_out.gt(high) & above)


def _near(edge: float, given: set[float], slack: float) -> list[float]:
    return [number for number in given if abs(number - edge) <= slack]


def _is_open_above(call: ast.Call) -> bool:
    right = keywords(call).get("right")
    return isinstance(right, ast.Constant) and right.value is False


def _advice(call: ast.Call, values: Any, left_out: Any) -> str:
    open_above = _is_open_above(call)
    only = left_out.nunique() == 1
    if only and not open_above and left_out.iloc[0] == values.min():
        return "A bin does not hold its lower edge: add include_lowest=True."
    if only and open_above and left_out.iloc[0] == values.max():
        return "With right=False a bin does not hold its upper edge: make the last one higher."
    return (
        f"The values go from {short(values.min())} to {short(values.max())}; "
        "make the bins cover them, with include_lowest=True."
    )
