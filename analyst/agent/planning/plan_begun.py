"""A plan that an earlier run began and another goes on with.

Here: plain data, and telling it in the record of the run that goes on, so that this one can be
gone on with in turn. Not here: how it is read from a record (:mod:`analyst.session.resuming`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analyst.record import events
from analyst.record.events import KeptArtefact, PlannedStep
from analyst.record.making import EventMaker


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A plan that another run began: its steps, and how those ended that did.

    ``approved``: whether the plan need not be shown again. ``artefacts``: what lived before the
    first step. ``note``: what the step that was cut off should know. ``seen``: what was printed.
    """

    steps: tuple[PlannedStep, ...]
    finished: tuple[events.PlanStepFinished, ...]
    approved: bool
    artefacts: tuple[KeptArtefact, ...] = ()
    note: str = ""
    seen: tuple[str, ...] = ()
    charts: tuple[tuple[int, str], ...] = ()
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def latest(self) -> tuple[KeptArtefact, ...]:
        """What lived at the end of the last step that ended."""
        return self.finished[-1].artefacts if self.finished else self.artefacts

    @property
    def passages(self) -> list[KeptArtefact]:
        """What searches found."""
        return [one for one in self.latest if one.kind == "passage"]


def retold(begun: Begun, make: EventMaker) -> Iterator[events.Event]:
    """Tell again what was planned, and which steps are done."""
    texts = tuple(step.text for step in begun.steps)
    yield make(events.PlanProposed, steps=texts, planned=begun.steps, artefacts=begun.artefacts)
    for one in begun.finished:
        told = one.model_dump(include={"index", "status", "reason", "result", "artefacts"})
        yield make(events.PlanStepFinished, **told, resumed=True)
