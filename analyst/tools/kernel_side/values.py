"""Reading variables as plain data: named values, and a list of all that live."""

from __future__ import annotations

import math
import types
from typing import Any

from .texts import short

LISTED = 500
"""Items of a list, a Series or a mapping up to which it counts as a value."""

CLOSE = 1e-9
HIDDEN = {"In", "Out", "exit", "quit", "get_ipython", "open"}


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it, or ``None`` where it is no single value.

    NumPy scalars and one-element arrays become their item, other short arrays and Series a
    list; times become ISO text, at midnight the date alone; a test's result stands for its
    statistic, the correlation matrix of two for their correlation. In a record (a tuple, a row of
    a frame) whole numbers stay whole; a column of floats stays one of floats.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    if hasattr(value, "statistic"):
        return plain(value.statistic)
    size = getattr(value, "size", None)
    if hasattr(value, "item") and (size == 1 or size is None):
        return plain(value.item())
    if (correlation := _of_two(value)) is not None:
        return plain(correlation)
    if hasattr(value, "tolist") and getattr(value, "ndim", 1) == 1:
        items = value.tolist()[: LISTED + 1]
        return plain(tuple(items) if _is_row(value) else items)
    if isinstance(value, (list, tuple)) and len(value) <= LISTED:
        items = [plain(item) for item in value]
        return [_whole(item) for item in items] if isinstance(value, tuple) else items
    if isinstance(value, dict) and len(value) <= LISTED:
        return {str(key): plain(item) for key, item in value.items()}
    return None


def _of_two(value: Any) -> Any:
    """Return the correlation that a matrix of two variables tells, if it is such a matrix."""
    if getattr(value, "shape", None) != (2, 2):
        return None
    (first, one), (other, last) = getattr(value, "values", value).tolist()
    floats = all(isinstance(item, float) for item in (first, one, other, last))
    if not floats or abs(first - 1) > CLOSE or abs(last - 1) > CLOSE:
        return None
    return one if abs(one) <= 1 and abs(one - other) < CLOSE else None


def _is_row(value: Any) -> bool:
    """Tell a row of a frame, whose labels are column names, from a column."""
    labels = getattr(value, "index", None)
    return (
        labels is not None
        and hasattr(labels, "dtype")
        and all(isinstance(label, str) for label in labels[:3])
    )


def _whole(item: Any) -> Any:
    """Undo what a row's single type did to its whole numbers."""
    return int(item) if isinstance(item, float) and item.is_integer() else item


def holds_nan(value: Any) -> bool:
    """Tell whether a plain value is, or holds, a number that is none."""
    if isinstance(value, (list, tuple)):
        return any(holds_nan(item) for item in value)
    if isinstance(value, dict):
        return any(holds_nan(item) for item in value.values())
    return isinstance(value, str) and value == "nan"


def unfit(names: list[str], namespace: dict[str, Any]) -> dict[str, str]:
    """Say of named variables that hold no plain value what they hold: a frame of so many rows."""
    found = {}
    for name in names:
        held = namespace.get(name)
        shape = getattr(held, "shape", None)
        if isinstance(shape, tuple) and shape and not isinstance(held, types.ModuleType):
            size = " x ".join(map(str, shape))
            found[name] = f"a {type(held).__name__} of {size} values"
    return found


def values(names: list[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """Read the named variables that hold a plain value."""
    found = {}
    for name in names:
        if name in namespace and not isinstance(namespace[name], types.ModuleType):
            try:
                value = plain(namespace[name])
            except Exception:  # noqa: BLE001, S112 - whatever object the cell left under that name
                continue
            if value is not None:
                found[name] = value
    return found


def variables(namespace: dict[str, Any], limit: int = 30) -> list[str]:
    """List the live variables, newest last: name, type and shape or short value."""
    lines = []
    for name, value in list(namespace.items()):
        if name.startswith("_") or name in HIDDEN:
            continue
        if isinstance(value, types.ModuleType) or callable(value):
            continue
        shape = getattr(value, "shape", None)
        size = f" {shape}" if isinstance(shape, tuple) and shape else ""
        brief = (
            "" if size or not isinstance(value, (int, float, str, bool)) else f" = {short(value)}"
        )
        lines.append(f"{name}: {type(value).__name__}{size}{brief}")
    return lines[-limit:]
