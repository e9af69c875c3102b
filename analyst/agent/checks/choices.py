"""Values that a question allows: ``"yes" or "no"``. They are spelled as asked, or doubted.

Here: reading the choices from a question's words, for the value that each belongs to. Not here:
numbers and their rounding (:mod:`analyst.agent.values`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from analyst.agent.values import last_place

LONGEST = 40
_MARK = "[\"'`\u201c\u201d\u2018\u2019]"
_QUOTED = rf"{_MARK}([^{_MARK[1:-1]}\n]{{1,40}}){_MARK}"
_GROUP = re.compile(rf"{_QUOTED}(?:\s*(?:,|/|,?\s*or)\s*{_QUOTED})+")
_ITEM = re.compile(_QUOTED)
_SLASHED = re.compile(r"^\s*[A-Za-z][\w ]*(?:/[A-Za-z][\w ]*)+\s*$")
_EXAMPLE = re.compile(
    r"(?:such as|e\.g\.,?|for example,?|like|for instance,?|columns?|named|called)\s*$",
    re.IGNORECASE,
)
_YES = ({"yes", "true"}, {"no", "false"})


def choices_asked(
    text: str, names: Sequence[str], pattern: re.Pattern[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Read from a question which texts it allows for each value.

    Quoted texts joined by "or" belong to the name that was mentioned last before them, by itself
    or by what the caller's format ``pattern`` (groups ``name``, ``value``) puts in its place; there
    ``[yes/no]`` is a choice too. Quoted names and examples are none.
    """
    called = {name: {name} for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for match in pattern.finditer(text) if pattern is not None else ():
        if match["name"] in called:
            called[match["name"]].add(match["value"])
            if _SLASHED.match(match["value"]) and len(match["value"]) <= LONGEST:
                options = tuple(part.strip() for part in match["value"].split("/"))
                found[match["name"]] = options
    spoken = {word for words in called.values() for word in words}
    for group in _GROUP.finditer(text):
        options = tuple(dict.fromkeys(item.strip() for item in _ITEM.findall(group[0])))
        joined = " or " in group[0] or "/" in group[0]
        if len(options) < 2 or not joined or set(options) & spoken:
            continue
        if _EXAMPLE.search(text[max(0, group.start() - 20) : group.start()]):
            continue
        places = {
            name: max(last_place(word, text, 0, group.start()) for word in words)
            for name, words in called.items()
        }
        last = max(places.values(), default=-1)
        if last >= 0:
            for name, place in places.items():
                if place == last:
                    found.setdefault(name, options)
    return found


def spelled(value: Any, options: Sequence[str]) -> Any:
    """Return a value as the one of the options that it means, or as it is if it means none."""
    said = _plain(value)
    for option in options:
        if _plain(option) == said:
            return option
    for words in _YES:
        if said in words:
            meant = [option for option in options if _plain(option) in words]
            return meant[0] if len(meant) == 1 else value
    return value


def choice_doubts(
    values: Mapping[str, Any], choices: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return a sentence for each value that is none of those allowed."""
    return tuple(
        f"{name} must be {' or '.join(map(repr, options))}, and came out as {str(value)[:LONGEST]}."
        for name, options in choices.items()
        if (value := values.get(name)) is not None and value not in options
    )


def _plain(value: Any) -> str:
    return re.sub(r"[\s_\-.]+", " ", str(value)).strip().casefold()
