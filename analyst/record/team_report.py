"""What each role of a team did in a run, and what it took, told from the run's events.

Here: sums by role. Not here: how a team works (:mod:`analyst.agent.team`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from analyst.record.events import EventBase, TeamFinished, TeamTurnFinished, Usage


class RoleSums(BaseModel):
    """The turns of one role.

    ``failed`` turns came to nothing. An objection is ``upheld`` when another result than the one
    it was raised against became the answer. ``seconds`` leave out the waiting for the user.
    """

    model_config = ConfigDict(frozen=True)

    turns: int = 0
    failed: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0
    objections: int = 0
    upheld: int = 0
    approvals: int = 0
    decisions: int = 0

    def __add__(self, other: RoleSums) -> RoleSums:
        return RoleSums(
            turns=self.turns + other.turns,
            failed=self.failed + other.failed,
            usage=self.usage + other.usage,
            seconds=self.seconds + other.seconds,
            objections=self.objections + other.objections,
            upheld=self.upheld + other.upheld,
            approvals=self.approvals + other.approvals,
            decisions=self.decisions + other.decisions,
        )


class TeamObserver:
    """Gathers what the roles did from a run's events."""

    def __init__(self) -> None:
        self._turns: list[TeamTurnFinished] = []
        self._result: int | None = None

    def see(self, event: EventBase) -> None:
        """Take in the next event."""
        if isinstance(event, TeamTurnFinished):
            self._turns.append(event)
        elif isinstance(event, TeamFinished):
            self._result = event.result

    def sums(self) -> dict[str, RoleSums]:
        """Return the sums by role, in the order in which they first spoke; none without a team."""
        return added_up({turn.role: self._of(turn)} for turn in self._turns)

    def _of(self, turn: TeamTurnFinished) -> RoleSums:
        objects = turn.kind == "objection"
        replaced = turn.about is not None and self._result not in (None, turn.about)
        return RoleSums(
            turns=1,
            failed=int(turn.failed),
            usage=turn.usage,
            seconds=turn.seconds,
            objections=int(objects),
            upheld=int(objects and replaced),
            approvals=int(turn.kind == "approval"),
            decisions=int(turn.kind == "decision"),
        )


def team_sums(events: Iterable[EventBase]) -> dict[str, RoleSums]:
    """Return what each role did in a run; nothing for a run without a team."""
    observer = TeamObserver()
    for event in events:
        observer.see(event)
    return observer.sums()


def added_up(several: Iterable[Mapping[str, RoleSums]]) -> dict[str, RoleSums]:
    """Add sums of several runs up, by role."""
    found: dict[str, RoleSums] = {}
    for sums in several:
        for role, one in sums.items():
            found[role] = found.get(role, RoleSums()) + one
    return found
