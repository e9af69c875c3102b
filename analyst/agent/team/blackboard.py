"""The blackboard of a team: what was said, in its order, as every role is told it.

Here: entries, whom they mention, and how they are told to a model: briefly, and as data, since
what a role says may come from what it read. Not here: who speaks next
(:mod:`analyst.agent.team.coordinator`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyst.boundaries import as_data
from analyst.record.events import TEAM_VERBS, KeptArtefact, TeamKind

ENTRY_TOLD = 1200
SHORT_ENTRY_TOLD = 300
"""Of a small model, which reads slowly."""

ENTRIES_TOLD = 12
OPENING = "What the team has so far."

# Not the @name[value] of questions that ask for values, nor an address.
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z][\w-]{0,39})(?![\w\[({@])")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that was said.

    ``number`` counts from 1. ``about`` is the number of the result it speaks of, ``answers`` of the
    entry that called the role. ``values`` and ``codes`` (what ran well) are a result's, whose
    ``complete`` is false where a budget ended it, and of whose numbers ``ungrounded`` stand in no
    output. ``failed``: the turn came to nothing.
    """

    number: int
    role: str
    kind: TeamKind
    text: str
    mentions: tuple[str, ...] = ()
    about: int | None = None
    answers: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    passages: tuple[KeptArtefact, ...] = ()
    ungrounded: tuple[str, ...] = ()
    complete: bool = True
    failed: bool = False

    @property
    def code(self) -> str:
        """The code that ran last for it."""
        return self.codes[-1] if self.codes else ""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a turn came to; the last item of its stream. See :class:`Entry` for the fields."""

    kind: TeamKind
    text: str
    about: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    passages: tuple[KeptArtefact, ...] = ()
    ungrounded: tuple[str, ...] = ()
    complete: bool = True
    failed: bool = False


@dataclass
class Blackboard:
    """What was said so far. ``asked`` are the roles that the user's question mentions."""

    asked: tuple[str, ...] = ()
    entries: list[Entry] = field(default_factory=list)

    @property
    def last(self) -> Entry | None:
        """What was said last."""
        return self.entries[-1] if self.entries else None

    @property
    def results(self) -> list[Entry]:
        """The results, oldest first."""
        return [one for one in self.entries if one.kind == "result"]

    def add(self, entry: Entry) -> Entry:
        """Write something on the board."""
        self.entries.append(entry)
        return entry

    def by(self, role: str) -> list[Entry]:
        """Return what a role said."""
        return [one for one in self.entries if one.role == role]

    def entry(self, number: int | None) -> Entry | None:
        """Return the entry of a number."""
        return next((one for one in self.entries if one.number == number), None)

    def told(self, *, after: int = 0, native: bool, without: Collection[str] = ()) -> str:
        """Tell a model what was said after an entry, as data; "" if nothing was.

        ``without``: roles whose words it has from elsewhere.
        """
        said = [
            one
            for one in self.entries
            if one.number > after and not one.failed and one.role not in without
        ]
        limit = ENTRY_TOLD if native else SHORT_ENTRY_TOLD
        lines = [line(one, limit) for one in said[-ENTRIES_TOLD:]]
        return as_data(OPENING, lines) if lines else ""


def line(entry: Entry, limit: int) -> str:
    """Return an entry as a line or several, at most ``limit`` characters of its text."""
    text = entry.text.strip()
    said = text if len(text) <= limit else text[: limit - 1] + "…"
    return f"{entry.role} {TEAM_VERBS[entry.kind]}: {said}"


def mentioned(text: str, roles: Sequence[str], *, but: str = "") -> tuple[str, ...]:
    """Return the roles that a text mentions, as ``@reviewer``, in its order; never the speaker."""
    known = {name.casefold(): name for name in roles if name != but}
    found = (known.get(name.casefold()) for name in _MENTION.findall(text))
    return tuple(dict.fromkeys(name for name in found if name is not None))
