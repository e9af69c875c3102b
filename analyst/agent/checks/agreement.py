"""Whether independent computations of the same values came to the same, and which one to take.

Pure functions over plain values. Not here: how the computations come about
(:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

RELATIVE = 1e-6
"""Two numbers this close are the same: what is left of rounding in floating point."""

_TRUE = {"true", "yes"}
_FALSE = {"false", "no"}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values say the same: numbers by size, text by its words, lists by items."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    mine, others = _number(one), _number(other)
    if mine is not None and others is not None:
        return math.isclose(mine, others, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return _words(one) == _words(other)


def agreeing(one: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the names of the values that two computations agree on."""
    return [
        name for name in names if name in one and name in other and same(one[name], other[name])
    ]


def elect(computed: Sequence[Mapping[str, Any]], names: Sequence[str]) -> int:
    """Return which computation most others bear out, value by value; the earliest of equals.

    One computation is taken as a whole, so that all values come from the same code.
    """

    def support(index: int) -> int:
        mine = computed[index]
        others = (other for at, other in enumerate(computed) if at != index)
        return sum(len(agreeing(mine, other, names)) for other in others)

    return max(range(len(computed)), key=lambda index: (support(index), -index))


def unconfirmed(
    chosen: int, computed: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[str]:
    """Return the names of the values of one computation that no other one gave."""
    others = [other for at, other in enumerate(computed) if at != chosen]
    return [
        name
        for name in names
        if not any(agreeing(computed[chosen], other, [name]) for other in others)
    ]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value.replace(",", "").strip().removesuffix("%"))
        except ValueError:
            return None
    return None


def _words(value: Any) -> str:
    text = " ".join(str(value).casefold().split()).strip("'\".")
    return "true" if text in _TRUE else "false" if text in _FALSE else text
