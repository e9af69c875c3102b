"""Going on with a planned run that broke off: what its record says of how far it came.

Here: reading the record; what lives is brought back by :mod:`analyst.session.workbench`. A run
that goes on is a run of its own, whose record names the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyst.agent.planning.plan_begun import Begun
from analyst.agent.planning.step_work import chart_titles
from analyst.memory.provenance import reads_outside, writes
from analyst.record import events
from analyst.record.resumed import chain, successor
from analyst.record.runs import list_runs
from analyst.tools.risk import judge_code

_MOST_SEEN = 40
_MOST_CODE = 1500
CUT_OFF = (
    "This step was cut off before. What ran of it may have done things outside the kernel; do "
    "not do those again:\n{code}"
)


class ResumeError(Exception):
    """A run cannot be gone on with; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """A run to go on with. ``root``: the first of those that went on with each other.

    ``code``: by the index of a finished step, the code that ran in it. ``limits``: by which mode
    and rules of its own each of those runs was held.
    """

    run_id: str
    root: str
    question: str
    values: tuple[str, ...]
    notebook: str | None
    data: tuple[events.DataDescription, ...]
    begun: Begun
    code: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    limits: tuple[tuple[str, Mapping[str, str]], ...] = ()


def resumption(run_id: str, directory: Path | None = None) -> Resumption:
    """Read how far a planned run came, or the last that went on with it.

    Raises :class:`ResumeError`, and :class:`~analyst.record.log.RunLogError`.
    """
    while (later := successor(run_id, directory=directory)) is not None:
        run_id = later
    summary = next(
        (one for one in list_runs(None, directory=directory) if one.run_id == run_id), None
    )
    if summary is not None and summary.status == "running":
        raise ResumeError(f"Run {run_id} is still going on; stop it first, or wait for its end.")
    records = chain(run_id, directory=directory)
    started = next((one for one in records[-1].events if isinstance(one, events.RunStarted)), None)
    if started is None:
        raise ResumeError(f"The record of run {run_id} has no beginning; ask the question anew.")
    if summary is not None and summary.status == "ok":
        raise ResumeError(f"Run {run_id} has ended well; there is nothing left to do.")
    readings = [_read(record.events) for record in records]
    if readings[-1].denied:
        raise ResumeError(f"The plan of run {run_id} was turned down; ask the question anew.")
    # One that broke off before it had told all again knows less than the one that it went on with.
    furthest = max(
        (one for one in reversed(readings) if one.planned is not None),
        key=lambda one: len(one.finished),
        default=None,
    )
    if furthest is None or furthest.planned is None:
        raise ResumeError(
            f"Run {run_id} had no plan yet, so there is nothing to go on with; ask the question "
            "anew (only runs with --plan can be gone on with)."
        )
    finished = tuple(furthest.finished)
    seen = [text for one in readings for text in one.seen]
    return Resumption(
        run_id=run_id,
        root=records[0].run_id,
        question=started.question,
        values=started.values,
        notebook=started.notebook,
        data=tuple({name: d for one in readings for name, d in one.data.items()}.values()),
        begun=Begun(
            steps=furthest.planned.planned,
            finished=finished,
            approved=any(one.is_begun for one in readings),
            artefacts=furthest.artefacts,
            note=_cut_off([cell for one in readings for cell in one.begun_at(len(finished))]),
            seen=tuple(seen[-_MOST_SEEN:]),
            charts=tuple(chart for one in readings for chart in one.charts),
            values={name: v for one in readings for name, v in one.values.items()},
        ),
        code={at: code for one in readings for at, code in one.code.items() if code},
        limits=tuple(
            (str(one.settings.get("approval", "")), dict(one.settings.get("rules", {})))
            for record in records
            for one in record.events
            if isinstance(one, events.RunStarted)
        ),
    )


def _cut_off(code: Sequence[str]) -> str:
    """Tell a step that is begun again what of it ran before and may have had effects."""
    risky = [one for one in code if not is_pure(one)]
    return CUT_OFF.format(code="\n\n".join(risky)[:_MOST_CODE]) if risky else ""


def is_pure(code: str) -> bool:
    """Whether code surely changes nothing outside the kernel, and gives the same when run again."""
    return judge_code(code).level == "safe" and not writes(code) and not reads_outside(code)


@dataclass
class _Step:
    """What a step did so far; of a plan that goes on it counts once the step ends.

    ``code``: by the id of its call, what ran or began to.
    """

    at: int
    code: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    charts: list[tuple[int, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def take(self, event: events.Event) -> None:
        """Take the next event of the step in."""
        match event:
            case events.ToolCallStarted(tool="python"):
                # It may have begun to run before all broke off.
                self.code[event.call_id] = str(event.arguments.get("code", ""))
            case events.ToolCallFinished():
                if event.call_id in self.code:
                    ran = str((event.arguments or {}).get("code", self.code[event.call_id]))
                    self.code[event.call_id] = ran
                    # What was not run at all need not be told; what failed may have begun.
                    if event.status == "refused":
                        del self.code[event.call_id]
                self.seen.append(event.observation)
                self.values |= event.values
            case events.OutputEmitted(output=dict() as output):
                self.charts += [(self.at + 1, title) for title in chart_titles(output)]
            case events.Note(code="retry"):
                # What was tried before was undone in the kernel, but perhaps not outside.
                self.code = {one: code for one, code in self.code.items() if not is_pure(code)}
            case events.Note(code="step_again"):
                self.charts.clear()


@dataclass
class _Reading:
    """What the events of a run say, taken in one by one."""

    planned: events.PlanProposed | events.PlanRevised | None = None
    artefacts: tuple[events.KeptArtefact, ...] = ()
    finished: list[events.PlanStepFinished] = field(default_factory=list)
    data: dict[str, events.DataDescription] = field(default_factory=dict)
    code: dict[int, tuple[str, ...]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    charts: list[tuple[int, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    denied: bool = False
    _asked: set[str] = field(default_factory=set)
    _step: _Step | None = None
    _failed: events.PlanStepFinished | None = None

    def take(self, event: events.Event) -> None:
        """Take the next event in."""
        match event:
            case events.DataHandedOver():
                self.data |= {one.name: one for one in event.data}
            case events.PlanProposed():
                self.planned, self.artefacts = event, event.artefacts
            case events.PlanRevised():
                self.planned = event
                if self._failed is not None:
                    self._end(self._failed)
            case events.ApprovalRequested(kind="plan"):
                self._asked.add(event.call_id)
            case events.ApprovalResolved() if event.call_id in self._asked:
                self.denied = event.decision == "denied"
            case events.PlanStepStarted():
                self._step = _Step(event.index)
            case events.PlanStepFinished():
                if event.status == "error" and not event.resumed:
                    # It counts once it is got round; till then it is as if it were cut off.
                    self._failed = event
                else:
                    self._end(event)
            case _ if self._step is not None:
                self._step.take(event)

    def _end(self, event: events.PlanStepFinished) -> None:
        self.finished.append(event)
        if (step := self._step) is not None:
            self.code[step.at] = tuple(step.code.values())
            self.seen += step.seen
            self.charts += step.charts
            self.values |= step.values
        self._step = self._failed = None

    @property
    def is_begun(self) -> bool:
        """Whether the plan need not be shown again: no step begins before it is approved."""
        return self._step is not None or bool(self.finished)

    def begun_at(self, at: int) -> list[str]:
        """Return the code of the step there, if it began and did not end."""
        step = self._step
        return [*step.code.values()] if step is not None and step.at == at else []


def _read(record: Sequence[events.Event]) -> _Reading:
    reading = _Reading()
    for event in record:
        reading.take(event)
    return reading
