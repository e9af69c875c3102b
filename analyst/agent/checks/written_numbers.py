"""Numbers as people and models write them in sentences, with every value that each may stand for.

Here: marks between thousands and before decimals, percents, words for thousands and more, rounding
as it is hedged, and numbers that name something and are no result (an ordinal, a decade, a level of
confidence). Not here: whether a number was computed (:mod:`.grounding`), or numbers as code prints
them (:mod:`analyst.memory.numbers`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyst.memory.numbers import GAPS, IN_SENTENCES

SMALL = 12
"""Whole numbers up to this count things in sentences, and are not looked for."""

_TOKEN = re.compile(IN_SENTENCES)
_PLAIN = re.compile(
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?(?:e(?P<power>[+-]?\d+))?"
)
_GROUPED = re.compile(
    rf"(?P<whole>\d{{1,3}}(?:([.{GAPS}])\d{{3}})(?:\2\d{{3}})*)(?:[.,](?P<part>\d+))?"
)
_DECIMAL_COMMA = re.compile(r"(?P<whole>\d+),(?P<part>\d+)")
_BETWEEN = re.compile(rf"[,{GAPS}]")
_NOT_DIGITS = re.compile(r"\D")

_PERCENT = re.compile(
    r"[ \u00a0\u202f]?(?:%|percent\b|per cent\b|pp\b|percentage[ -]points?\b)(?:[ -]points?\b)?",
    re.IGNORECASE,
)
_SCALES = (
    (re.compile(r"[ -]?(?:thousand|k)\b", re.IGNORECASE), 1e3),
    (re.compile(r"[ -]?(?:million|mn|m)\b", re.IGNORECASE), 1e6),
    (re.compile(r"[ -]?(?:billion|bn|b)\b", re.IGNORECASE), 1e9),
    (re.compile(r"[ -]?(?:trillion|tn)\b", re.IGNORECASE), 1e12),
)
_HEDGE = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|nearly|almost|circa|ca\.?|some)\s+|[~≈]\s?)"
    r"[$€£]?$",
    re.IGNORECASE,
)
_FIGURES = 2
"""Of a hedged number that must be right; the zeros behind them may stand for others."""

_NAMES_AFTER = re.compile(
    r"(?:st|nd|rd|th)\b"
    r"|\s?(?:%|percent|per cent)?[ -](?:CI\b|(?:confidence|significance|prediction|credible)\b|"
    r"level\b|quantile\b|percentile\b)",
    re.IGNORECASE,
)
_DECADE = re.compile(r"\d{3}0['\u2019]?s\b")
_NAMES_BEFORE = re.compile(
    r"(?:\bp(?:[ -]?values?)?\s*(?:[<>≤≥]=?|below|above|under|over)\s*"
    r"|\b(?:alpha|\u03b1|significance level|level of significance)\s*(?:=|of|is|at)?\s*"
    r"|\b(?:top|bottom|upper|lower|first|last)\s+)$",
    re.IGNORECASE,
)
_CONTEXT = 40
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value that a number may stand for. ``unit``: of its last figure that counts."""

    value: float
    unit: float


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it is written, and what it may be.

    ``readings`` are whole values of it, of which one will do; ``parts`` are the numbers it is if it
    is several, of which all must do. ``factors``: by what a computed value may be multiplied to be
    it, as 100 for a percentage.
    """

    text: str
    readings: tuple[Reading, ...]
    parts: tuple[Reading, ...] = ()
    factors: tuple[float, ...] = (1.0,)


def written_numbers(text: str) -> Iterator[Written]:
    """Yield the numbers of a text that claim something, in order."""
    for match in _TOKEN.finditer(text):
        before = text[max(0, match.start() - _CONTEXT) : match.start()]
        if _names(text, match, before):
            continue
        factors = _factors(text, match.end())
        token = match[0].lstrip("-")
        if _is_small(token) and factors == (1.0,):
            continue
        readings = tuple(_readings(token, hedged=_HEDGE.search(before) is not None))
        behind = text[match.end() : match.end() + 1]
        listed = before.endswith(_OPENING) and behind in _CLOSING
        parts = tuple(
            reading
            for piece in _pieces(token, listed=listed)
            for reading in _readings(piece, hedged=False)
            if not _is_small(piece)
        )
        if readings or parts:
            yield Written(match[0], readings, parts, factors)


def values_in(text: str) -> set[float]:
    """Return every value, without its sign, that a number of a text may stand for."""
    found: set[float] = set()
    for match in _TOKEN.finditer(text):
        token = match[0].lstrip("-")
        for piece in (token, *_pieces(token, listed=True)):
            found.update(reading.value for reading in _readings(piece, hedged=False))
    return found


def _names(text: str, match: re.Match[str], before: str) -> bool:
    """Tell whether a number names something and claims nothing."""
    return bool(
        _NAMES_BEFORE.search(before)
        or _NAMES_AFTER.match(text, match.end())
        or _DECADE.match(text, match.start())
    )


def _is_small(token: str) -> bool:
    return token.isdigit() and len(token) <= len(str(SMALL)) and int(token) <= SMALL


def _readings(token: str, *, hedged: bool) -> Iterator[Reading]:
    """Yield the values of a number that is one."""
    token = token.lower()
    for form in (_PLAIN, _GROUPED, _DECIMAL_COMMA):
        found = form.fullmatch(token)
        if found is None or (form is _DECIMAL_COMMA and _PLAIN.fullmatch(token)):
            continue
        groups = found.groupdict()
        whole, part = _NOT_DIGITS.sub("", groups["whole"]), groups["part"] or ""
        power = int((groups.get("power") or "0")[:5])
        value = float(f"{whole}.{part}e{power}")
        zeros = len(whole) - max(_FIGURES, len(whole.rstrip("0")))
        last = zeros if hedged and zeros > 0 and not part else -len(part)
        unit = float(f"1e{power + last}")
        yield Reading(value, unit if math.isfinite(value) else 0.0)


def _pieces(token: str, *, listed: bool) -> list[str]:
    """Return the numbers that a token is if it is several: ``2001,450,123`` or ``100 200 300``.

    ``listed``: it stands alone within brackets, where even ``12,5`` may be two.
    """
    pieces = _BETWEEN.split(token)
    one_comma = len(pieces) == 2 and "," in token
    if len(pieces) == 1 or (one_comma and not listed):
        return []
    return pieces if all(_PLAIN.fullmatch(piece.lower()) for piece in pieces) else []


def _factors(text: str, end: int) -> tuple[float, ...]:
    """Return by what a computed number may be multiplied to be one that ends at ``end``."""
    if _PERCENT.match(text, end):
        return (1.0, 100.0)
    for words, scale in _SCALES:
        if words.match(text, end):
            return (1.0, 1 / scale)
    return (1.0,)
