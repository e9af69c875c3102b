"""What a report says of a run, collected from its record.

Here: the content, as plain data; the words of the findings are the answer's, everything else is
the record's. Not here: how it is written down (:mod:`analyst.frontends.report_forms`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analyst.frontends.outputs import Bundle, rich_bundle
from analyst.frontends.report_sources import LookUps
from analyst.record import events as ev

MOST_CHARTS = 20
_CITED = re.compile(r"\[([KF]\d{1,9})\b")
_CHARTS = ("application/vnd.plotly.v1+json", "image/png", "image/jpeg", "image/svg+xml")
_TOLD_NOTES = {
    "doubt": "A result looked wrong and was looked at again",
    "doubt_left": "A result still looked wrong after further tries, and was taken as it is",
    "injection_suspected": "Text that reads like an instruction was treated as data",
    "unknown_citation": "The answer names a passage that was not found",
    "kernel_restarted": "The agent's kernel ended once and was replaced",
    "recomputed": "What could not be kept was computed again",
    "lost": "Something could not be kept and was lost",
    "second_agrees": "The result was computed again another way, and was borne out",
    "second_differs": (
        "The result was computed again another way, and not all of it was borne out"
    ),
    "second_failed": "To compute the result again another way was tried, and failed",
    "critic_agrees": "A reviewer found no fault with the answer",
    "critic_fault": "A reviewer found fault with a draft, which was worked on again",
    "critic_failed": "A review of the answer was tried, and failed",
    "checks_left_out": "Not all checks that were asked for are made of a planned run",
    "check_left_out": "A check was left out, for too little was left of the budget",
}
_DRAFT = "A number of a draft stood in no output, and was put to the model again."


@dataclass(kw_only=True)
class ReportStep:
    """One step of the plan, or the only one; ``code``: of its calls that went well."""

    text: str
    status: str = "waiting"
    reason: str | None = None
    checks: tuple[str, ...] = ()
    code: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ReportChart:
    """A chart; ``bundle``: in a form that can do nothing; ``step``: the number of its step."""

    title: str
    step: int
    bundle: Bundle


@dataclass(kw_only=True)
class Report:
    """All that a report says.

    ``ungrounded``: numbers of the answer that stand in no output. ``passages``: what was looked up,
    by its name. ``notes``: what happened besides, ``checked``: the checks that were asked for.
    """

    run_id: str = ""
    question: str = ""
    started_at: str = ""
    model: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    ungrounded: tuple[str, ...] = ()
    reason: str | None = None
    data: dict[str, ev.DataDescription] = field(default_factory=dict)
    steps: list[ReportStep] = field(default_factory=list)
    charts: list[ReportChart] = field(default_factory=list)
    passages: Mapping[str, ev.KeptArtefact] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    checked: tuple[str, ...] = ()
    seconds: float = 0.0
    usage: ev.Usage = field(default_factory=ev.Usage)

    @property
    def sources(self) -> list[ev.KeptArtefact]:
        """The passages that the answer cites, in the order in which it does."""
        cited = dict.fromkeys(_CITED.findall(self.answer or ""))
        return [self.passages[name] for name in cited if name in self.passages]


def report_of(events: Iterable[ev.Event]) -> Report:
    """Collect the report of a run; of one that went on with another, give the events of both."""
    reading = _Reading()
    for event in events:
        reading.take(event)
    return reading.done()


@dataclass
class _Reading:
    report: Report = field(default_factory=Report)
    at: int = 0
    settled: tuple[int, int] = (0, 0)
    drafted: bool = False
    look_ups: LookUps = field(default_factory=LookUps)
    running: dict[str, str] = field(default_factory=dict)
    charts: dict[str, list[ReportChart]] = field(default_factory=dict)

    @property
    def step(self) -> ReportStep:
        """The step that goes on; a run without a plan is one step."""
        steps = self.report.steps
        if not steps:
            steps.append(ReportStep(text=self.report.question, status="ok"))
        return steps[min(self.at, len(steps) - 1)]

    def take(self, event: ev.Event) -> None:
        report = self.report
        match event:
            case ev.RunStarted():
                report.run_id, report.question = event.run_id, event.question
                report.started_at = report.started_at or event.started_at
                report.model, report.versions = event.model, event.versions
                checks = event.settings.get("checks", ())
                report.checked = tuple(map(str, checks)) if isinstance(checks, list | tuple) else ()
            case ev.DataHandedOver():
                report.data |= {one.name: one for one in event.data}
            case ev.Note(code="not_grounded"):
                self.drafted = True
            case ev.Note() if event.code in _TOLD_NOTES:
                report.notes[_TOLD_NOTES[event.code].rstrip(".") + "."] = None
            case ev.Answer():
                report.answer, report.values = event.text, event.values
                report.ungrounded = event.ungrounded
            case ev.RunFinished():
                report.reason = event.reason
                report.seconds += event.seconds
                report.usage += event.usage
            case ev.PlanProposed() | ev.PlanRevised():
                self._plan(event)
            case ev.PlanStepStarted() | ev.PlanStepFinished():
                self._plan_step(event)
        self._call(event)
        self.look_ups.take(event)

    def done(self) -> Report:
        """Return the report of all that was taken in."""
        report = self.report
        if report.ungrounded:
            verb = "stands" if len(report.ungrounded) == 1 else "stand"
            numbers = ", ".join(report.ungrounded)
            report.notes[f"Not verified: {numbers} {verb} in no output."] = None
        elif self.drafted:
            report.notes[_DRAFT] = None
        report.charts = report.charts[:MOST_CHARTS]
        report.passages = self.look_ups.found
        return report

    def _plan(self, event: ev.PlanProposed | ev.PlanRevised) -> None:
        known = {step.text: step for step in self.report.steps}
        checks = {step.text: step.checks for step in event.planned}
        self.report.steps = [
            known.get(text) or ReportStep(text=text, checks=checks.get(text, ()))
            for text in event.steps
        ]

    def _plan_step(self, event: ev.PlanStepStarted | ev.PlanStepFinished) -> None:
        self.at = event.index
        if isinstance(event, ev.PlanStepFinished):
            self.step.status, self.step.reason = event.status, event.reason
            if event.status != "ok":
                self._drop()
        self.settled = len(self.step.code), len(self.report.charts)

    def _drop(self) -> None:
        """Leave out what was done since the step began, or ended: nothing came of it."""
        code, charts = self.settled
        del self.step.code[code:], self.report.charts[charts:]

    def _call(self, event: ev.Event) -> None:
        match event:
            case ev.ToolCallStarted():
                self.running[event.call_id] = _code_of(event.arguments)
            case ev.OutputEmitted(output=dict() as output):
                shown = self.charts.setdefault(event.call_id, [])
                chart = _chart(output, self.at + 1, len(self.report.charts) + len(shown) + 1)
                shown += [chart] if chart is not None else []
            case ev.ToolCallFinished():
                code = _code_of(event.arguments or {}) or self.running.pop(event.call_id, "")
                charts = self.charts.pop(event.call_id, [])
                if event.status == "ok":
                    self.step.code += [code.strip("\n")] if code.strip() else []
                    self.report.charts += charts
            case ev.Note(code="retry" | "step_again"):
                self._drop()


def _code_of(arguments: Mapping[str, Any]) -> str:
    found = arguments.get("code", arguments.get("query", arguments.get("sql", "")))
    return found if isinstance(found, str) else ""


def _chart(output: Mapping[str, Any], step: int, number: int) -> ReportChart | None:
    data = output.get("data")
    if not isinstance(data, Mapping) or not any(mime in data for mime in _CHARTS):
        return None
    bundle = rich_bundle(output)
    if bundle is None:
        return None
    said = str(bundle.get("text/plain", "")).strip()
    title = said.removeprefix("[chart: ").removesuffix("]") if said.startswith("[chart: ") else ""
    return ReportChart(title=title or f"Chart {number}", step=step, bundle=bundle)
