"""Numbers in text: found, read, and compared with values as they were rounded.

Here: what counts as a number in an answer or in what code printed. Not here: what a number is of
(:mod:`analyst.memory.units`, :mod:`analyst.memory.told_values`).
"""

from __future__ import annotations

import math
import re

WRITTEN_NUMBER = r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?"
NUMBER = re.compile(rf"(?<![\w.]){WRITTEN_NUMBER}")
"""A number as answers and prints write it; commas stand between thousands."""


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text as they are written, in order."""
    return NUMBER.findall(text)


def read_number(text: str) -> float:
    """Return the value of a number that :data:`NUMBER` found; perhaps infinite."""
    return float(text.replace(",", ""))


def rounds_to(value: float, text: str) -> bool:
    """Whether a value, rounded as a number is written, is that number."""
    if not math.isfinite(value):
        return False
    mantissa, _, exponent = text.lower().partition("e")
    places = 12 if exponent else len(mantissa.partition(".")[2])
    return math.isclose(round(value, places), read_number(text), rel_tol=1e-9, abs_tol=1e-12)
