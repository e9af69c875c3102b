"""Whether the numbers of an answer were computed: each must stand in what was executed or asked.

A deterministic check, by the numbers alone: a number may be rounded, be a share of one as a
percentage, or be told in thousands, millions or billions. Not here: whether it is the right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyst.agent.reuse import without_citations
from analyst.memory.numbers import NUMBER, numbers_in, read_number, rounds_to

SMALL = 12
"""Whole numbers up to this count things in sentences, and are not looked for."""

MOST_CHARACTERS = 60_000
"""Of what was executed that is looked through, from its end."""

_LIST_MARK = re.compile(r"^\s*\d{1,3}[.)]\s", re.MULTILINE)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b|pp\b)", re.IGNORECASE)
_SCALES = (
    (re.compile(r"\s?(?:thousand|k)\b", re.IGNORECASE), 1e3),
    (re.compile(r"\s?(?:million|mn|m)\b", re.IGNORECASE), 1e6),
    (re.compile(r"\s?(?:billion|bn|b)\b", re.IGNORECASE), 1e9),
    (re.compile(r"\s?(?:trillion|tn)\b", re.IGNORECASE), 1e12),
)


def numbers_not_computed(answer: str, sources: Iterable[str]) -> list[str]:
    """Return the numbers of an answer that stand in none of some texts, as they are written.

    ``sources``: what code printed, what the model was told, what was asked and answered before.
    """
    known = {
        abs(read_number(one)) for text in sources for one in numbers_in(text[-MOST_CHARACTERS:])
    }
    text = _LIST_MARK.sub(" ", without_citations(answer))
    found: dict[str, None] = {}
    for match in NUMBER.finditer(text):
        written = match[0].lstrip("-")
        value = read_number(written)
        if value.is_integer() and value <= SMALL and "." not in written:
            continue
        factors = _factors(text, match.end())
        if not any(rounds_to(one * by, written) for one in known for by in factors):
            found[match[0]] = None
    return [*found]


def _factors(text: str, end: int) -> tuple[float, ...]:
    """Return by what a computed number may be multiplied to be one that ends at ``end``."""
    if _PERCENT.match(text, end):
        return (1.0, 100.0)
    for words, scale in _SCALES:
        if words.match(text, end):
            return (1.0, 1 / scale)
    return (1.0,)
