"""Words of what cannot be taken back, where they stand, and the forms they come in.

Here: the lists. Not here: which texts of a call are looked at (:mod:`analyst.tools.mcp.deeds`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_HARD = frozenset(
    """
    delete deletes drop drops remove removes destroy destroys erase erases wipe wipes purge purges
    truncate truncates send sends pay pays buy purchase transfer refund charge publish publishes
    revoke revokes terminate terminates kill kills uninstall overwrite unlink rm rmdir rmtree mkfs
    shred expunge sendmail flushall flushdb
    """.split()  # noqa: SIM905 - a list of words
)
_SOFT = frozenset(
    """
    cancel cancels reset resets submit submits deploy deploys sell sells withdraw discard tweet
    shutdown reboot reformat
    """.split()  # noqa: SIM905
)
_NOUNS_TOO = frozenset({"email", "emails", "mail", "post", "posts", "reply", "invite", "notify"})
"""What a tool of such a name does, unless the name says that it looks at some."""

_LOOKING = frozenset(
    """
    get gets list lists read reads search searches find fetch show view count check describe
    download query lookup history inbox validate parse extract browse open export import
    """.split()  # noqa: SIM905
)

IN_NAMES = _HARD | _SOFT
NAMED = IN_NAMES - {"rm"}
"""As the whole of a text that is data; ``RM`` is a currency, too."""

BEGINNING = _HARD
"""At the beginning of a text that is data, which may be a title: "Submit the tax return"."""

IN_PROGRAMS = IN_NAMES - {"purchase", "transfer", "refund", "charge", "withdraw", "reset", "resets"}
"""Anywhere in a program, but for what columns and functions of data analysis are called."""

IN_SQL = IN_PROGRAMS | {"update", "alter", "merge", "grant"}

_GLUED = re.compile(
    r"(?:delete|destroy|erase|purge|truncate|uninstall|overwrite|unlink|remove|terminate|revoke)"
    r"(?!d$|r$|rs$|s$|able$)[a-z]{2,}"
    r"|(?:drop|wipe)(?:all|db|database|table|schema|index|user|disk|collection|data)s?"
    r"|(?:send|pay|cancel|reset|publish)"
    r"(?:all|now|mail|email|message|sms|invoice|bill|order|database|db|user|password|payment|post)s?"
)
_SWITCHES = frozenset({"force", "forced", "overwrite", "hard"})
_COMMANDS = (
    ("push", re.compile(r"\s(?:--force|--mirror|--delete|-[a-z]*f\b|\+\S)"), "overwrite"),
    ("reset", re.compile(r"\s--hard\b"), "overwrite"),
    ("clean", re.compile(r"\s-[a-z]*f"), "delete"),
    ("dd", re.compile(r"\bof="), "overwrite"),
    ("replace", re.compile(r"\breplace\s+into\b", re.IGNORECASE), "overwrite"),
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text or a name, also where capitals divide them."""
    return [word.lower() for word in _WORDS.findall(text)]


def of(words: Iterable[str], grave: frozenset[str]) -> str:
    """Return the first word that is grave, or begins with what is; "" if none does."""
    return next((word for word in words if word in grave or _GLUED.fullmatch(word)), "")


def in_name(tool: str) -> str:
    """Return the grave word in the name of a tool; "" if there is none."""
    words = words_of(tool)
    if word := of(words, IN_NAMES):
        return word
    if _LOOKING.isdisjoint(words):
        return next((word for word in words if word in _NOUNS_TOO), "")
    return ""


def of_switch(words: Sequence[str], value: Any) -> str:
    """Return what an argument does that is switched on, by the words of its name."""
    if value is not True and str(value).lower() != "true":
        return ""
    return of(words, IN_NAMES) or ("overwrite" if _SWITCHES.intersection(words) else "")


def of_command(words: Sequence[str], text: str) -> str:
    """Return what a command does that its switches make grave."""
    said = set(words)
    return next((does for verb, how, does in _COMMANDS if verb in said and how.search(text)), "")
