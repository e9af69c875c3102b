"""Going on with a planned run that broke off: what its record says of how far it came.

Here: reading the record; what lives is brought back by :mod:`analyst.session.workbench`. A run
that goes on is a run of its own, whose record names the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    last = readings[-1]
    if last.planned is None:
        raise ResumeError(
            f"Run {run_id} had no plan yet, so there is nothing to go on with; ask the question "
            "anew (only runs with --plan can be gone on with)."
        )
    if last.denied:
        raise ResumeError(f"The plan of run {run_id} was turned down; ask the question anew.")
    seen = [text for one in readings for text in one.seen]
    charts = [chart for one in readings for chart in one.charts]
    return Resumption(
        run_id=run_id,
        root=records[0].run_id,
        question=started.question,
        values=started.values,
        notebook=started.notebook,
        data=tuple({name: d for one in readings for name, d in one.data.items()}.values()),
        begun=replace(
            last.begun(),
            seen=tuple(seen[-_MOST_SEEN:]),
            charts=tuple(chart for chart in charts if chart[0] <= len(last.finished)),
            values={name: v for one in readings for name, v in one.values.items()},
        ),
        code={at: tuple(code) for one in readings for at, code in one.code.items() if code},
        limits=tuple(
            (str(one.settings.get("approval", "")), dict(one.settings.get("rules", {})))
            for record in records
            for one in record.events
            if isinstance(one, events.RunStarted)
        ),
    )


def is_pure(code: str) -> bool:
    """Whether code surely changes nothing outside the kernel, and gives the same when run again."""
    return judge_code(code).level == "safe" and not writes(code) and not reads_outside(code)


@dataclass
class _Reading:
    """What the events of a run say, taken in one by one."""

    planned: events.PlanProposed | events.PlanRevised | None = None
    artefacts: tuple[events.KeptArtefact, ...] = ()
    finished: list[events.PlanStepFinished] = field(default_factory=list)
    data: dict[str, events.DataDescription] = field(default_factory=dict)
    at: int | None = None
    code: dict[int, list[str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    charts: list[tuple[int, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    asked: bool = False
    approved: bool = False
    denied: bool = False
    _calls: dict[str, str] = field(default_factory=dict)

    def take(self, event: events.Event) -> None:
        """Take the next event in."""
        match event:
            case events.DataHandedOver():
                self.data |= {one.name: one for one in event.data}
            case events.PlanProposed():
                self.planned, self.artefacts = event, event.artefacts
            case events.PlanRevised():
                self.planned = event
            case events.ApprovalRequested(kind="plan"):
                self.asked = True
                self._calls[event.call_id] = "plan"
            case events.ApprovalResolved() if self._calls.get(event.call_id) == "plan":
                self.denied = event.decision == "denied"
                self.approved = not self.denied
            case events.Note(code="plan_unreadable"):
                self.approved = False
            case events.PlanStepStarted():
                self.at = event.index
                self.code[event.index] = []
            case events.PlanStepFinished():
                self.finished.append(event)
                self.at = None
            case _ if self.at is not None:
                self._take_of_step(event, self.at)

    def _take_of_step(self, event: events.Event, at: int) -> None:
        match event:
            case events.ToolCallStarted(tool="python"):
                self._calls[event.call_id] = str(event.arguments.get("code", ""))
                # It may have begun to run before all broke off.
                self.code[at].append(self._calls[event.call_id])
            case events.ToolCallFinished():
                ran = str((event.arguments or {}).get("code", self._calls.get(event.call_id, "")))
                if self.code[at] and event.call_id in self._calls:
                    self.code[at].pop()
                    # What was not run at all need not be told; what failed may have begun.
                    self.code[at] += [ran] if event.status != "refused" else []
                self.seen.append(event.observation)
                self.values |= event.values
            case events.OutputEmitted(output=dict() as output):
                self.charts += [(at + 1, title) for title in chart_titles(output)]
            case events.Note(code="retry"):
                # What was tried before was undone in the kernel, but perhaps not outside.
                self.code[at] = [one for one in self.code[at] if not is_pure(one)]

    def begun(self) -> Begun:
        assert self.planned is not None, "only what was planned is begun"
        cut_off = self.code.get(self.at, []) if self.at is not None else []
        risky = [one for one in cut_off if not is_pure(one)]
        note = CUT_OFF.format(code="\n\n".join(risky)[:_MOST_CODE]) if risky else ""
        return Begun(
            steps=self.planned.planned,
            finished=tuple(self.finished),
            approved=self.approved or not self.asked,
            artefacts=self.artefacts,
            note=note,
        )


def _read(record: Sequence[events.Event]) -> _Reading:
    reading = _Reading()
    for event in record:
        reading.take(event)
    return reading
