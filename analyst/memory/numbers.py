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

GAPS = " '\u2019\u00a0\u2009\u202f"
"""What else stands between thousands, in sentences of some languages; of a class in a pattern."""

IN_SENTENCES = rf"(?<![\w.])-?\d+(?:[,.{GAPS}]\d+)*(?:[eE][+-]?\d+)?"
"""All that may be one number in a sentence, whatever marks it holds; or several in a row."""

_EXACTLY = 1e-9
"""Share of a value by which it may be off, as floating-point numbers are."""


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text as they are written, in order."""
    return NUMBER.findall(text)


def read_number(text: str) -> float:
    """Return the value of a number that :data:`NUMBER` found; perhaps infinite."""
    return float(text.replace(",", ""))


def rounds_to(value: float, text: str) -> bool:
    """Whether a value, rounded as a number is written, is that number; halves go either way."""
    told = read_number(text)
    if not math.isfinite(value) or not math.isfinite(told):
        return False
    mantissa, _, power = text.lower().partition("e")
    unit = float(f"1e{int(power or 0) - len(mantissa.partition('.')[2])}")
    return abs(value - told) <= unit / 2 * (1 + _EXACTLY) + _EXACTLY * abs(told)
