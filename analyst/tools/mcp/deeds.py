"""What a call does, as far as its words tell: names of tools and arguments, commands, queries.

Nothing is understood here, words are looked for: what they do not say is not known, and of what
says too much a person is asked. Here: the ways through a call's arguments. Not here: the words
(:mod:`analyst.tools.mcp.grave_words`), and what becomes of the call
(:mod:`analyst.tools.mcp.judging`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analyst.tools.mcp import grave_words
from analyst.tools.mcp.grave_words import words_of

_MOST_TEXTS = 10_000
_MOST_VALUES = 200_000
_LONGEST_QUERY = 20_000

_Kind = Literal["data", "query", "program"]
"""What an argument is by its name: ``query`` may be a search in words, or one that is run."""

_QUERIES = frozenset({"query", "queries", "expression", "filter"})
_PROGRAMS = frozenset(
    """
    sql statement statements command commands cmd cmds argv args script scripts code program shell
    bash exec execute cypher pipeline
    """.split()  # noqa: SIM905 - a list of words
)
_RUNNING_TOOLS = frozenset(
    {"sql", "shell", "bash", "exec", "execute", "eval", "terminal", "command"}
)

_NAME = re.compile(r"[\w.-]{1,60}")
_VERB = re.compile(r"[A-Za-z]{1,20}\b")
_BEFORE = re.compile(r"(?>\s|\(|;|--[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_SENTENCE = re.compile(r"[\w\s,.'\u2019\"?!:-]+")
_STATEMENTS = frozenset(
    """
    insert update delete drop truncate alter create merge replace grant revoke begin declare match
    detach mutation db
    """.split()  # noqa: SIM905
)
_SQL = re.compile(
    r"select\b.*\bfrom\b|select\s+[\w.\"`]+\s*\(|with\b.*\bas\b[\w\s]{0,40}\(|values\s*\("
    r"|(?:insert|replace)\s+into\b|delete\s+from\b|update\s+\S+(?:\s+(?:as\s+)?\w+)?\s+set\b"
    r"|merge\s+into\b|truncate\s+\S|explain\b.*\b(?:select|insert|update|delete|with)\b"
    r"|(?:drop|alter|create|rename)\s+(?:or\s+replace\s+)?(?:\w+\s+){0,2}(?:table|database|schema"
    r"|view|index|user|role|function|procedure|trigger|sequence|column|type|extension|policy)\b"
    r"|(?:begin|start\s+transaction|declare)\b.*;|do\s+\$|call\s+[\w.]+\s*\("
    r"|copy\s.*\b(?:from|to)\b|(?:grant|revoke)\b.*\bon\b|pragma\s+\w|attach\s|vacuum\b"
    r"|set\s+\w+.*=",
    re.IGNORECASE | re.DOTALL,
)
_DIALECTS = ("postgres", "mysql", "sqlite", "tsql")
_NO_QUERY = "select from where"


@dataclass(frozen=True, slots=True)
class Deeds:
    """What the words of a call say.

    ``grave``: what cannot be taken back, as the end of a sentence, or "". ``runs``: a program or a
    query is run of which nobody can say that it only reads.
    """

    grave: str = ""
    runs: bool = False


def deeds_of(tool: str, arguments: Mapping[str, Any]) -> Deeds:
    """Return what a call does by its words. Never raises."""
    if word := grave_words.in_name(tool):
        return Deeds(f"to {word} something")
    runs = False
    try:
        for text, kind in _texts(tool, arguments):
            word, one_runs = _in_data(text) if kind == "data" else _in_program(text, kind)
            if word:
                return Deeds(f"to {word} something")
            runs = runs or one_runs
    except _TooManyError:
        return Deeds("with more texts than can be looked at")
    return Deeds(runs=runs)


class _TooManyError(Exception):
    """There are more values than are looked at."""


def _texts(tool: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, _Kind]]:
    """Yield the texts in arguments that are not blank, and what they are.

    Raises :class:`_TooManyError` where there are too many to look at.
    """
    first: _Kind = "program" if _RUNNING_TOOLS.intersection(words_of(tool)) else "data"
    outermost = dict(arguments)
    waiting: deque[tuple[Any, _Kind]] = deque([(outermost, first)])
    values = texts = 0
    while waiting:
        value, kind = waiting.popleft()
        values += 1
        texts += isinstance(value, str)
        if values > _MOST_VALUES or texts > _MOST_TEXTS:
            raise _TooManyError
        if isinstance(value, str) and value.strip():
            yield value.strip(), kind
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                words = words_of(str(name))
                if word := grave_words.of_switch(words, inner):
                    yield word, "data"
                if kind == "program" and value is not outermost:
                    # Some commands are objects, as {"drop": "users"}.
                    yield " ".join(words), kind
                waiting.append((inner, _kind_of(words, kind)))
        elif isinstance(value, list):
            if kind != "data" and value and all(isinstance(item, str) for item in value):
                # Words of one command say together what none says alone.
                waiting.append((" ".join(value), kind))
            waiting.extend((item, kind) for item in value)


def _kind_of(words: list[str], above: _Kind) -> _Kind:
    if above == "program" or not _PROGRAMS.isdisjoint(words):
        return "program"
    return above if _QUERIES.isdisjoint(words) else "query"


def _in_data(text: str) -> tuple[str, bool]:
    """Look at a text that may name what is done ("delete_user"), or begin with it."""
    if _NAME.fullmatch(text):
        return grave_words.of(words_of(text), grave_words.NAMED), False
    start = _beginning(text)
    verb = _VERB.match(start)
    if verb and (word := grave_words.of([verb[0].lower()], grave_words.BEGINNING)):
        return word, False
    return _in_program(text, "program") if _SQL.match(start) else ("", False)


def _in_program(text: str, kind: _Kind) -> tuple[str, bool]:
    """Look at a text that is run, or a search in words; return a grave word, and if it is run."""
    words = words_of(text)
    if _NAME.fullmatch(text):
        return grave_words.of(words, grave_words.IN_NAMES), False
    start = _beginning(text)
    is_sql = _SQL.match(start) is not None
    verb = _VERB.match(start)
    first = verb[0].lower() if verb else ""
    is_statement = is_sql or first in _STATEMENTS or grave_words.of([first], grave_words.BEGINNING)
    if kind == "query" and not is_statement and _SENTENCE.fullmatch(text):
        # What a search in words speaks of is not what it does.
        return "", False
    if is_sql and _only_reads(text):
        return "", False
    found = grave_words.of(words, grave_words.IN_SQL if is_sql else grave_words.IN_PROGRAMS)
    return found or grave_words.of_command(words, text), True


def _only_reads(query: str) -> bool:
    """Tell whether a query only reads; no dialect that can read it may say otherwise."""
    from analyst.tools.sql.statements import read  # noqa: PLC0415 - brings a parser

    if len(query) > _LONGEST_QUERY:
        return False
    found = [read(query, dialect) for dialect in _DIALECTS]
    unreadable = read(_NO_QUERY, _DIALECTS[0])
    return any(one.reads for one in found) and all(one.reads or one == unreadable for one in found)


def _beginning(text: str) -> str:
    """Return a text without the comments and brackets that it begins with."""
    found = _BEFORE.match(text)
    return text[found.end() :] if found else text
