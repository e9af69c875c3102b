"""What a call may do beyond computing, in words for the user; code is judged by its syntax tree.

A judgement is a help for whoever decides, and decides who is asked; it keeps nothing out. That is
the sandbox's work. What cannot be judged counts as risky. Not here: what code does
(:mod:`analyst.tools.code_kinds`), and what is then allowed (:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyst.tools.code_kinds import kinds_in

COMPUTES = "It computes in the isolated kernel and touches nothing else."


Level = Literal["safe", "contained", "risky", "irreversible"]
"""``safe``: computes or reads. ``contained``: does more, but in the sandbox, which holds it.
``risky``: leaves the sandbox, or cannot be judged. ``irreversible``: cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Risk:
    """How a call was judged; ``words`` is one or two sentences."""

    level: Level
    words: str


def unknown(tool: str) -> Risk:
    """Return the risk of what cannot be judged."""
    return Risk("risky", f"What {tool} does here cannot be judged beforehand.")


def judge_code(
    code: object, *, hosts: Sequence[str] = (), isolated: bool = True, private: bool = True
) -> Risk:
    """Judge Python code. Never raises: what cannot be read is risky, or held by the sandbox.

    ``hosts``, ``isolated``, ``private``: what its kernel may reach, as in
    :class:`analyst.tools.reach.Reach`. A sandbox that reaches hosts holds what does not use the
    network, as far as that can be told.
    """
    if not isinstance(code, str):
        return unknown("this code")
    found = kinds_in(code)
    private = private and isolated
    if not isolated:
        words = ["The kernel is not isolated: it can do all that you can."]
        words += _words(found, hosts, isolated=False, private=False)
        return Risk("risky" if found else "contained", " ".join(words))
    if private:
        # It has no files and no environment of the user's.
        found -= {"outside", "environment"}
    if not hosts:
        found -= {"elsewhere", "address", "hidden", "other modules"}
    if not found:
        return Risk("safe", COMPUTES if private else COMPUTES.replace("isolated ", ""))
    leaves = set(_MAY_USE_NETWORK if hosts else ()) | (set() if private else _NOT_KNOWN_TO_BE_GIVEN)
    words = _words(found, hosts, isolated=True, private=private)
    return Risk("risky" if found & leaves else "contained", " ".join(words))


_MAY_USE_NETWORK = frozenset(
    {"too long", "commands", "unreadable", "own code", "programs", "network", "elsewhere"}
    | {"other modules", "address", "hidden", "unpickles"}
)
_NOT_KNOWN_TO_BE_GIVEN = frozenset({"outside", "environment", "deletes"})
"""What is risky where it is not known which files and keys a kernel sees."""


def _words(found: set[str], hosts: Sequence[str], *, isolated: bool, private: bool) -> list[str]:
    reaches = f"this kernel reaches {', '.join(hosts)}" if hosts else "this kernel has all of it"
    network = f"It uses the network; {reaches}."
    if isolated and not hosts:
        network = "It uses the network, which this kernel has none of."
    words = {
        "too long": "It is too long to be judged.",
        "commands": "It uses IPython's commands, which may run other programs.",
        "unreadable": "It cannot be read as Python, so what it does is not known.",
        "own code": "It runs or reaches code by name, which cannot be judged.",
        "hidden": "It reaches files or modules by ways that cannot be judged.",
        "programs": "It starts other programs or reaches below Python.",
        "network": network,
        "address": f"It names an address; of the network, {reaches}.",
        "elsewhere": f"What it reads or writes may be elsewhere; of the network, {reaches}.",
        "outside": "It may reach files outside of its working folder.",
        "environment": "It reads the environment, where keys may be.",
        "deletes": "It deletes files; of yours it sees none." if private else "It deletes files.",
        "writes": "It writes files, in its own workspace." if private else "It writes files.",
        "unpickles": "It loads pickled objects, which can run code.",
        "other modules": "It uses modules of which is not known what they do.",
    }
    if "network" in found:
        found = found - {"address", "elsewhere"}
    return [sentence for kind, sentence in words.items() if kind in found]
