"""Values that an answer tells without having been asked for them by name.

Here: numbers of an answer that its code printed, named by the answer's own words, where these
leave no doubt: "The mean tip is 2.998." Not here: values that were asked for, which are read from
the code's variables.
"""

from __future__ import annotations

import re

from analyst.memory.finding import KeyValue
from analyst.memory.numbers import WRITTEN_NUMBER, numbers_in, read_number, rounds_to
from analyst.memory.units import unit_of

MOST_VALUES = 8
MOST_PRINTED = 50_000
"""Characters of what was printed that are searched, from its end."""

_WORD = r"[^\W\d_][\w'%-]*"
_TOLD = re.compile(
    rf"""
    (?:^|[.;:,(|•\-\u2013\u2014\n]\s*|(?<=\d)[%\w]*\s+)          # a clause begins
    (?P<name>{_WORD}(?:[ ]{_WORD}){{0,7}}?)        # what it speaks of
    \s*(?:\s(?:is|are|was|were|equals)|:|=)\s+
    (?:(?:about|approximately|around|exactly|roughly|only)\s+)?
    (?:US\$|[A-Z]{{3}}\s|[$€£¥₹]\s?)?
    (?P<number>{WRITTEN_NUMBER})
    (?![\w]*\d)(?!\s*(?:thousand|million|billion|trillion)\b)
    """,
    re.VERBOSE | re.MULTILINE,
)
_MARKUP = re.compile(r"\*\*|__|`|^[#>\s]+", re.MULTILINE)
_OPENING = re.compile(
    r"^(?:(?:the|a|an|its|their|and|but|while|whereas|with|so|then|overall|here|"
    r"answer|result)\b\s*)+",
    re.IGNORECASE,
)
_NO_NAME = frozenset(
    """
    it that this which there they these those he she what value values number
    at by for from in of on over since under until with within
    """.split()  # noqa: SIM905 - a list of words
)
"""A name that begins with one of these is none."""


def told_values(answer: str, printed: str) -> list[KeyValue]:
    """Return the values that an answer names and its code printed, at most ``MOST_VALUES``.

    ``printed``: what the code printed; numbers of the answer may be rounded. Names are words of
    the answer. The first value of a name counts; a name with two different values is left out.
    """
    text = _MARKUP.sub("", answer)
    computed = [read_number(one) for one in numbers_in(printed[-MOST_PRINTED:])]
    found: dict[str, KeyValue] = {}
    doubtful: set[str] = set()
    for match in _TOLD.finditer(text):
        name = " ".join(_OPENING.sub("", match["name"]).split())
        number = match["number"]
        exact = {value for value in computed if rounds_to(value, number)}
        if not exact or not name or name.lower().split()[0] in _NO_NAME:
            continue
        value = exact.pop() if len(exact) == 1 else read_number(number)
        told = int(value) if value.is_integer() and "." not in number else value
        if name in found and found[name].value != told:
            doubtful.add(name)
        found.setdefault(
            name,
            KeyValue(
                name=name,
                value=told,
                unit=unit_of(name, told, match[0] + _rest(text, match)),
                named=False,
            ),
        )
    return [value for name, value in found.items() if name not in doubtful][:MOST_VALUES]


def _rest(text: str, match: re.Match[str]) -> str:
    """Return what follows a number as far as a unit can reach."""
    return text[match.end() : match.end() + 24].partition("\n")[0]
