"""Bins that leave values out: ``pd.cut`` makes nulls of what is in none of them, without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .columns import column, keywords, parsed
from .texts import short


def bin_doubts(code: str, namespace: dict[str, Any], frames: dict[str, Any]) -> list[str]:
    """Doubt ``pd.cut`` where rows with a value came out in no bin."""
    found: dict[str, None] = {}
    for target, call in _cuts(parsed(code)):
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
        shown = ", ".join(short(one) for one in sorted(left_out.unique().tolist())[:4])
        found[
            f"pd.cut left {len(left_out)} rows in no bin: those where {label!r} is {shown}"
            f"{', …' if left_out.nunique() > 4 else ''}. {_advice(call, values, left_out)}"
        ] = None
    return [*found]


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


def _advice(call: ast.Call, values: Any, left_out: Any) -> str:
    given = keywords(call)
    right = given.get("right")
    open_above = isinstance(right, ast.Constant) and right.value is False
    only = left_out.nunique() == 1
    if only and not open_above and left_out.iloc[0] == values.min():
        return "A bin does not hold its lower edge: add include_lowest=True."
    if only and open_above and left_out.iloc[0] == values.max():
        return "With right=False a bin does not hold its upper edge: make the last one higher."
    return (
        f"The values go from {short(values.min())} to {short(values.max())}; "
        "make the bins cover them, with include_lowest=True."
    )
