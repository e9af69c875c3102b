"""What the steps of a plan share, as the agent sees it: the kernel's variables, and searches.

Here: protocols and plain data. Not here: the kernel and where artefacts are kept
(:mod:`analyst.session.workbench`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from analyst.memory.recall import Recalled
from analyst.record.events import Answer, EventBase, KeptArtefact
from analyst.record.making import EventMaker

E = TypeVar("E", bound=EventBase)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A piece of a document of the user's, and where it stands, as ``notes.pdf, p. 3``.

    Answers name it by K and its ``number``.
    """

    number: int
    text: str
    source: str


SearchKnowledge = Callable[[str, int], Awaitable[Sequence[Passage]]]
"""Finds passages for words, at most so many, best first."""

SearchFindings = Callable[[str], Awaitable[Sequence[Recalled]]]


class Workbench(Protocol):
    """The kernel that all steps work in, and what they left there."""

    async def begin(self, names: Sequence[str]) -> None:
        """Get ready for a try that asks for the named values; a failed one can be undone."""
        ...

    async def artefacts(self) -> Sequence[KeptArtefact]:
        """Return what lives now, oldest first."""
        ...

    async def news(self) -> Sequence[KeptArtefact]:
        """Return what lives besides the data as they were given."""
        ...

    async def keep(self) -> tuple[KeptArtefact, ...]:
        """Keep what lives, so that the run can go on without the kernel, and return it."""
        ...

    async def restore_if_lost(self) -> str:
        """Bring back what was kept, if the kernel was replaced; return a sentence on it, or ""."""
        ...

    async def trouble(self, checks: Sequence[str]) -> list[str]:
        """Return a sentence for each check that does not hold; those in mere words hold."""
        ...


class StepMaker(EventMaker):
    """Makes the events of a step as the run's, but its answer, which is none of the run's."""

    def __init__(self, make: EventMaker) -> None:
        super().__init__(make.run_id)
        self._make = make

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return self._make.seconds

    def __call__(self, kind: type[E], /, **fields: Any) -> E:
        """Make the next event; an answer takes no number."""
        if kind is Answer:
            return kind(run_id=self.run_id, seq=0, t=self.seconds, **fields)
        return self._make(kind, **fields)
