"""Whether the numbers of an answer were computed: each must stand in what was executed or asked.

A deterministic check, by the numbers alone: a number may be rounded, be a share of one as a
percentage, or be told in thousands, millions or billions. Not here: how numbers are written
(:mod:`.written_numbers`), and whether one is the right one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable

from analyst.agent.checks.written_numbers import Reading, values_in, written_numbers
from analyst.agent.reuse import without_citations

MOST_CHARACTERS = 60_000
"""Of what was executed that is looked through, from its end."""

_EXACTLY = 1e-9
"""Share of a value by which it may be off, as floating-point numbers are."""

_NO_CLAIMS = re.compile(r"^\s*\d{1,3}[.)]\s|https?://\S+", re.MULTILINE)
"""Marks of lists, and addresses."""


def numbers_not_computed(answer: str, sources: Iterable[str]) -> list[str]:
    """Return the numbers of an answer that stand in none of some texts, as they are written.

    ``sources``: what code printed, what the model was told, what was asked and answered before.
    """
    known: set[float] = set()
    for text in sources:
        known |= values_in(text[-MOST_CHARACTERS:])
    found: dict[str, None] = {}
    for one in written_numbers(_NO_CLAIMS.sub(" ", without_citations(answer))):
        whole = any(_stands_in(reading, known, one.factors) for reading in one.readings)
        several = one.parts and all(_stands_in(part, known, one.factors) for part in one.parts)
        if not whole and not several:
            found[one.text] = None
    return [*found]


def _stands_in(reading: Reading, known: Collection[float], factors: Iterable[float]) -> bool:
    """Tell whether a computed value is a number, rounded as that is: halves either way."""
    if math.isinf(reading.value):
        return reading.value in known
    off = reading.unit / 2 * (1 + _EXACTLY) + _EXACTLY * abs(reading.value)
    return any(abs(one * by - reading.value) <= off for one in known for by in factors)
