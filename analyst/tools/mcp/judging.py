"""How risky a call of a server's tool is, by what is known of it.

A server's hints are its own word: they can make a call riskier, but less risky only where the
user's configuration takes that server's word. Here: the rule. Not here: who is then asked
(:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from analyst.tools.mcp.words import one_line
from analyst.tools.risk import Risk

_GRAVE = frozenset(
    """
    delete deletes drop drops remove removes destroy erase wipe purge truncate send sends pay pays
    buy purchase transfer refund charge publish revoke terminate kill uninstall overwrite unlink
    """.split()  # noqa: SIM905 - a list of words
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAME = re.compile(r"[\w.-]{1,60}")
_VERB = re.compile(r"[A-Za-z]{1,20}\b")
_MOST_TEXTS = 200


def judge(
    server: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    destructive: bool,
    reads_only: bool,
    changed: bool,
) -> Risk:
    """Return the risk of a call. Never raises.

    ``tool``: as the server calls it. ``destructive``: the server hints at it. ``reads_only``: the
    server says so, and the user takes its word. ``changed``: the tool is not what it was when it
    was first seen.
    """
    call = f"It calls {one_line(tool, 80)} of the server {server}"
    if changed:
        return Risk(
            "irreversible",
            f"{call}, which describes it otherwise than when it was first seen: "
            "it may do something else now.",
        )
    if destructive:
        return Risk("irreversible", f"{call}, which says that this may destroy something.")
    if word := _grave_word(tool, arguments):
        return Risk("irreversible", f"{call} to {word} something, which cannot be taken back.")
    if reads_only:
        return Risk("safe", f"{call}, which says that this only reads.")
    return Risk("risky", f"{call}, which may change something there.")


def _grave_word(tool: str, arguments: Mapping[str, Any]) -> str | None:
    """Return the word in a call's name or arguments that says it cannot be taken back."""
    if word := _grave_in(tool):
        return word
    for text in _texts(arguments):
        # An argument may name what is done ("delete_user"), or begin with it ("DROP TABLE …").
        begins = _NAME.fullmatch(text) or _VERB.match(text)
        if begins and (word := _grave_in(begins[0])):
            return word
    return None


def _grave_in(text: str) -> str | None:
    return next((word for word in map(str.lower, _WORDS.findall(text)) if word in _GRAVE), None)


def _texts(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts in arguments that are not blank, the outermost first, not endlessly many."""
    waiting: list[Any] = [dict(arguments)]
    looked = 0
    while waiting and looked < _MOST_TEXTS:
        value = waiting.pop(0)
        looked += 1
        if isinstance(value, str) and value.strip():
            yield value.strip()
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
