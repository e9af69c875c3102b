"""Patterns with ``*`` and ``?``, which are all that is special in them.

Here: pure functions on texts. Not here: what a pattern is matched with
(:mod:`analyst.tools.rule_patterns`).
"""

from __future__ import annotations

import fnmatch
import unicodedata


def fits(text: str, pattern: str) -> bool:
    """Tell whether a pattern matches the whole of a text, to the letter."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def folded(text: str) -> str:
    """Return a text in which neither capitals nor the ways to write an accent count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def may_begin(beginning: str, pattern: str) -> bool:
    """Tell whether a pattern matches some text with this beginning."""
    places = _onward({0}, pattern)
    for letter in beginning:
        places = _onward(
            {
                place if pattern[place] == "*" else place + 1
                for place in places
                if place < len(pattern) and pattern[place] in ("*", "?", letter)
            },
            pattern,
        )
    return bool(places)


def _onward(places: set[int], pattern: str) -> set[int]:
    """Add the places that are reached where a star stands for nothing."""
    found = set(places)
    for place in places:
        while place < len(pattern) and pattern[place] == "*":
            place += 1  # noqa: PLW2901
            found.add(place)
    return found
