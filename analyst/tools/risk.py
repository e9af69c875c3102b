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


def judge_code(code: object, *, hosts: Sequence[str] = (), isolated: bool = True) -> Risk:
    """Judge Python code. ``hosts``: what its kernel may reach; ``isolated``: if anything holds it.

    Never raises: what cannot be read is risky, or held by the sandbox. A sandbox that reaches hosts
    holds what does not use the network, as far as that can be told.
    """
    if not isinstance(code, str):
        return unknown("this code")
    found = kinds_in(code) - (set() if hosts else {"reads elsewhere"})
    if not isolated:
        words = ["The kernel is not isolated: it can do all that you can.", *_words(found, hosts)]
        return Risk("risky" if found else "contained", " ".join(words))
    # An isolated kernel has no environment of the user's, and holds what modules do.
    found -= {"environment"} | (set() if hosts else {"other modules"})
    if not found:
        return Risk("safe", COMPUTES)
    leaves = bool(hosts) and bool(found & _MAY_USE_NETWORK)
    return Risk("risky" if leaves else "contained", " ".join(_words(found, hosts)))


_MAY_USE_NETWORK = frozenset(
    {"too long", "commands", "unreadable", "own code", "programs", "network", "reads elsewhere"}
    | {"other modules"}
)


def _words(found: set[str], hosts: Sequence[str]) -> list[str]:
    reaches = f"this kernel reaches {', '.join(hosts)}."
    network = (
        f"It uses the network; {reaches}"
        if hosts
        else "It uses the network, which this kernel has none of."
    )
    words = {
        "too long": "It is too long to be judged.",
        "commands": "It uses IPython's commands, which may run other programs.",
        "unreadable": "It cannot be read as Python, so what it does is not known.",
        "own code": "It runs or reaches code by name, which cannot be judged.",
        "programs": "It starts other programs or reaches below Python.",
        "network": network,
        "reads elsewhere": f"What it reads may be elsewhere; {reaches}" if hosts else "",
        "environment": "It reads the environment, where keys may be.",
        "deletes": "It deletes files; of yours it sees none.",
        "writes": "It writes files, in its own workspace.",
        "unpickles": "It loads pickled objects, which can run code.",
        "other modules": "It uses modules of which is not known what they do.",
    }
    return [sentence for kind, sentence in words.items() if kind in found and sentence]
