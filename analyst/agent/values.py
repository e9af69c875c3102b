"""Named values that a question asks for: which are there, and how they are to be rounded.

Here: merging values from variables and from printed text, and the rounding that the question's
own words ask for. Not here: reading variables (that is the python tool's).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DECIMALS = re.compile(
    r"\(?\b(?P<count>\d{1,2}|zero|one|two|three|four|five|six)\)?\s*"
    r"(?:decimal|digits? after|places? after)"
    r"|\b(?:is an?|a positive|to the nearest) (?:integer|whole number)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?")


def decimals_asked(
    text: str, names: Sequence[str], pattern: re.Pattern[str] | None = None
) -> dict[str, int]:
    """Read from a question how many decimals each value shall have.

    One and the same count everywhere holds for all names. Different counts belong to the name
    that was mentioned last before each, by itself or by the placeholder that the caller's
    format ``pattern`` puts in its place; failing that, as many counts as names are taken in
    order. Anything else is ambiguous and rounds nothing. "integer" asks for none.
    """
    found = [
        (match.start(), 0 if match["count"] is None else _count(match["count"]))
        for match in _DECIMALS.finditer(text)
    ]
    counts = [count for _, count in found]
    if not counts or not names:
        return {}
    distinct = set(counts)
    if len(names) == 1 and len(distinct - {0}) == 1:
        distinct = distinct - {0}
    if len(distinct) == 1 and (distinct != {0} or len(names) == 1):
        return dict.fromkeys(names, distinct.pop())
    mentioned = _by_mention(text, names, found, pattern)
    if mentioned:
        return mentioned
    return dict(zip(names, counts, strict=True)) if len(counts) == len(names) else {}


def _by_mention(
    text: str,
    names: Sequence[str],
    found: Sequence[tuple[int, int]],
    pattern: re.Pattern[str] | None,
) -> dict[str, int]:
    called = {name: {name} for name in names}
    for match in pattern.finditer(text) if pattern is not None else ():
        if match["name"] in called:
            called[match["name"]].add(match["value"])
    result = {}
    start = 0
    for position, count in found:
        places = {
            name: max(last_place(word, text, start, position) for word in words)
            for name, words in called.items()
        }
        last = max(places.values())
        if last < 0:
            return {}
        result.update({name: count for name, place in places.items() if place == last})
        start = position
    return result


def last_place(word: str, text: str, start: int, end: int) -> int:
    """Return where ``word`` stands last as a whole word between two places, or -1."""
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    return max((match.start() for match in whole.finditer(text, start, end)), default=-1)


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _WORDS[word.lower()]


def rounded(value: Any, decimals: int | None) -> Any:
    """Round a float, or text that is one, that has more decimals than asked; else keep it."""
    if decimals is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list):
        return [rounded(item, decimals) for item in value]
    if isinstance(value, float):
        return _round(value, decimals) if math.isfinite(value) else value
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?", value.strip()):
        digits = value.strip().partition(".")[2]
        return value.strip() if len(digits) <= decimals else str(_round(float(value), decimals))
    return value


def _round(value: float, decimals: int) -> float | int:
    return round(value, decimals) if decimals else round(value)


def printed_values(
    text: str, names: Sequence[str], pattern: re.Pattern[str] | None
) -> dict[str, str]:
    """Find values printed in the caller's format.

    ``pattern`` has the groups ``name`` and ``value``. Without any such print, a single asked
    value is also taken from a last line that is nothing but a number.
    """
    found = {}
    if pattern is not None:
        for match in pattern.finditer(text):
            if match["name"] in names:
                found[match["name"]] = match["value"]
    return found


def lone_number(text: str) -> str | None:
    """Return the last line of ``text`` if it is nothing but a number."""
    last = text.strip().rpartition("\n")[2].strip()
    return last if _NUMBER.fullmatch(last) else None


def missing(names: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Return the asked names that have no value yet."""
    return [name for name in names if name not in values]
