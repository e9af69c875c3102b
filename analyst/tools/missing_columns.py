"""Which labels an error says are not there, and which of those that are there may be meant.

Here: pure functions on texts. Not here: sentences of help (:mod:`analyst.tools.advice`) and
changing code (:mod:`analyst.tools.slips`).
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_TYPE = re.compile(r"\bdtype=(?:'[^']*'|\"[^\"]*\"|\w+)")
_SAID = re.compile(
    r"not in (?:the )?index|not found in|are in the|not present in|do(?:es)? not exist"
    r"|^Columns? not found|^Index\(|^\[.*\]$"
)
_AFTER = re.compile(r"^Columns? not found: (?P<key>.+)$")
_BRACKET = re.compile(r"\s*[(\[](?P<inside>[^()\[\]]*)[)\]]\s*$")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_INSIDE = 4
"""Letters in brackets below which they are a unit, such as ``(kg)``."""


def missing_labels(message: str) -> list[str]:
    """Return the labels that a KeyError's text says are missing; pandas has many ways to say it."""
    said = _unquoted(message.strip())
    if not _SAID.search(said):
        return [said] if said else []
    if (after := _AFTER.match(said)) and not _LITERAL.search(said):
        return [after["key"]]
    literals = _LITERAL.findall(_TYPE.sub("", said))
    if literals:
        return list(dict.fromkeys(_unquoted(one) for one in literals))
    listed = re.search(r"\[(?P<keys>.+?)\]", said)
    return [one.strip() for one in (listed["keys"] if listed else said).split(",")]


def spelt_otherwise(label: str, columns: Collection[str]) -> list[str]:
    """Return the columns that differ from a label in case, spaces or punctuation only."""
    wanted = bare(label)
    return [one for one in columns if wanted and bare(one) == wanted]


def bracketed(label: str, columns: Collection[str]) -> list[str]:
    """Return the columns of which a label is all but the brackets at the end, or what is in them.

    So ``weight`` is ``Weight (kg)``, and ``GDP per capita`` is ``Economy (GDP per Capita)``.
    """
    wanted = bare(label)
    return [one for one in columns if wanted and wanted in _without_bracket(one)]


def near(label: str, columns: Collection[str]) -> list[str]:
    """Return the columns that are like a label, the likeliest first."""
    words = _words(label)
    holding = [one for one in columns if words and words <= _words(one)]
    alike = difflib.get_close_matches(label, columns, n=3, cutoff=0.5)
    surer = [*spelt_otherwise(label, columns), *bracketed(label, columns), *holding[:3]]
    return list(dict.fromkeys([*surer, *alike]))


def bare(label: str) -> str:
    """Return a label without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", label).casefold()


def _without_bracket(column: str) -> set[str]:
    found = _BRACKET.search(column)
    if found is None:
        return set()
    inside = bare(found["inside"])
    parts = {bare(column[: found.start()])}
    return (parts | {inside} if len(inside) >= _SHORTEST_INSIDE else parts) - {""}


def _words(label: str) -> set[str]:
    return {one.casefold() for one in _WORD.findall(label)}


def _unquoted(text: str) -> str:
    if text[:1] in {"'", '"'}:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text.strip("'\"")
        return value if isinstance(value, str) else text.strip("'\"")
    return text
