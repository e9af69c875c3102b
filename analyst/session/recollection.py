"""One run and the memory: what is known for its question, whether that answers it, what it leaves.

Here: the events and decisions of one run. Not here: what lives from run to run
(:mod:`analyst.session.remembering`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analyst.agent import reuse
from analyst.agent.context import Context
from analyst.boundaries import as_data, neutral
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.memory import Memory
from analyst.memory.provenance import writes
from analyst.memory.recall import SAME_DATA, Outcome, Recalled
from analyst.memory.telling import brief, described, described_attached
from analyst.memory.wording import wording
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.session.cited_documents import hold
from analyst.session.remembering import Remembering, Traces, finding_of, refers_back, shown_again

CALL_ID = "recall"
CHEAP_SECONDS = 10.0
"""Code that took longer is not run again unasked."""


@dataclass(kw_only=True)
class Recollection:
    """What memory does for one run; does nothing when there is no memory.

    ``documents``: folders of the user's documents, which findings may cite. ``native``: the model
    is told of marks around data.
    """

    memory: Memory | None
    remembering: Remembering
    question: str
    data: Sequence[DataFingerprint]
    all_data: Sequence[DataFingerprint]
    value_names: Sequence[str]
    project: str | None
    context: Context
    make: EventMaker
    tell: Callable[[events.Event], None]
    documents: Sequence[Path] = ()
    native: bool = False
    traces: Traces = field(default_factory=Traces)
    recalled: list[Recalled] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._is_follow_up = self._leans_on_earlier()

    async def recall(self) -> None:
        """Look up what is known, and tell it."""
        if self.memory is None:
            return
        self.recalled = await self.memory.recall(
            self.question, self.data, project=self.project, tell=self._notice
        )
        if self.recalled:
            described = tuple(
                events.RecalledFinding(
                    number=one.finding.number or 0,
                    outcome=one.outcome.value,
                    nearness=round(one.nearness, 3),
                    question=one.finding.question,
                    answer=one.finding.answer,
                    created_at=one.finding.created_at,
                )
                for one in self.recalled
            )
            self.tell(self.make(events.FindingsRecalled, findings=described))

    @property
    def sure(self) -> Finding | None:
        """The finding that surely answers the question."""
        return next(iter(self._usable(Outcome.KNOWN)), None)

    @property
    def likely(self) -> list[Finding]:
        """Findings that may answer the question; the model can tell."""
        return self._usable(Outcome.LIKELY)

    async def look_up(self, question: str) -> list[Recalled]:
        """Return what is known for another question on the same data; nothing without memory."""
        if self.memory is None:
            return []
        return await self.memory.recall(
            question, self.data, project=self.project, tell=self._notice
        )

    async def attached(self, numbers: Sequence[int]) -> tuple[str, frozenset[int]]:
        """Return the findings that the user added, for the model, and whose values hold."""
        if not numbers or self.memory is None:
            return "", frozenset()
        found = await self.memory.attached(numbers, self.data, tell=self._notice)
        holding = frozenset(
            one.finding.number
            for one in found
            if one.finding.number is not None and (one.outcome in SAME_DATA or not self.data)
        )
        return described_attached(found, has_data=bool(self.data)), holding

    def code_to_rerun(self) -> str:
        """Return code that answered the question before the data changed, and tell it; or ""."""
        at_hand = {one.name for one in self.data}
        for recalled in self._stale():
            one = recalled.finding
            if (
                not (self._is_follow_up or one.builds_on_more or writes(one.code))
                and {data.name for data in one.data} <= at_hand
                and {*self.value_names} <= {*one.named_values}
                and one.seconds is not None
                and one.seconds <= CHEAP_SECONDS
            ):
                day = one.created_at[:10]
                text = f"The data changed since {day}; the code of {one.citation} runs again."
                self.tell(self.make(events.Note, code="finding_rerun", text=text))
                return one.code
        return ""

    def hint(self, *, all_found: bool) -> str:
        """Return what else helps with the question, for the model; "" if nothing does.

        ``all_found``: also findings on the same data and recipes, which small models take for
        the answer.
        """
        stale = [one.finding for one in self._stale() if not one.finding.builds_on_more]
        if stale:
            return reuse.earlier_code(stale[0])
        return described(self.recalled) if all_found and self.recalled else ""

    async def quote(self, finding: Finding) -> None:
        """Answer by a finding: its outputs again, its answer, its citation."""
        assert self.memory is not None
        self.tell(
            self.make(
                events.ToolCallStarted,
                call_id=CALL_ID,
                tool="recall",
                raw="",
                arguments={"finding": finding.number, "code": finding.code},
            )
        )
        for output in finding.outputs:
            body = await self.memory.output(output.digest)
            if body is not None:
                self.tell(
                    self.make(
                        events.OutputEmitted,
                        call_id=CALL_ID,
                        output=shown_again(output.mime, body),
                    )
                )
        self.tell(
            self.make(
                events.ToolCallFinished,
                call_id=CALL_ID,
                status="ok",
                observation=finding.answer,
                seconds=0.0,
            )
        )
        text = reuse.quote(finding)
        if self.native:
            # Others may have written it, so that it is not put into the model's own mouth.
            told = as_data(f"It is known {finding.citation}.", [finding.answer])
            self.context.append({"role": "user", "content": f"{self.question}\n\n{told}"})
            self.context.append({"role": "assistant", "content": f"That is {finding.citation}."})
        else:
            said = neutral(finding.answer)
            self.context.append({"role": "user", "content": self.question})
            self.context.append({"role": "assistant", "content": f"FINAL: {said}"})
        self.context.conclude(self.question, text)
        self.tell(self.make(events.Answer, text=text, values=finding.named_values))

    async def save(self, answer: events.Answer | None, started: events.RunStarted) -> None:
        """Keep what the run computed, and tell what was known of older data."""
        if self.memory is None:
            return
        if answer is not None and answer.ungrounded:
            self._notice("The answer is not kept as a finding: numbers of it stand in no output.")
            return
        if self.traces.doubted:
            self._notice("The answer is not kept as a finding: a result still looks wrong.")
            return
        left = finding_of(
            question=self.question,
            answer=answer,
            traces=self.traces,
            earlier=[*self.remembering.executed, *self.traces.failed],
            data=self.all_data,
            at_hand=self.data,
            is_follow_up=self._is_follow_up,
            started=started,
            project=self.remembering.project,
        )
        if left is None:
            return
        finding, outputs = left
        stale = [one.finding for one in self._stale()]
        saved = await self.memory.save(
            finding,
            outputs,
            tell=self._notice,
        )
        if saved is None:
            return
        self.tell(self.make(events.FindingSaved, number=saved.number or 0))
        for one in stale[:1]:
            text = (
                f"The data changed since {one.created_at[:10]}: then the answer was "
                f"“{brief(one.answer, 200)}” {one.citation}, "
                f"now it is “{brief(finding.answer, 200)}”."
            )
            self.tell(self.make(events.Note, code="data_changed", text=text))

    def end(self) -> None:
        """Note what ran in the kernel; later code may stand on it."""
        self.remembering.executed += [*self.traces.failed, *self.traces.code]

    def _usable(self, outcome: Outcome) -> list[Finding]:
        if self._is_follow_up:
            return []
        return [
            one.finding
            for one in self.recalled
            if one.outcome is outcome
            and {*self.value_names} <= {*one.finding.named_values}
            and hold(one.finding.answer, one.finding.created_at, self.documents)
        ]

    def _stale(self) -> list[Recalled]:
        columns = tuple(name for one in self.data for name, _ in one.columns)
        asked = wording(self.question, columns)
        return [
            one
            for one in self.recalled
            if one.outcome is Outcome.STALE and wording(one.finding.question, columns) == asked
        ]

    def _leans_on_earlier(self) -> bool:
        """Whether the question may mean something by what was said before."""
        if not any(one.computed for one in self.context.exchanges):
            return False
        columns = tuple(name for one in self.data for name, _ in one.columns)
        return refers_back(self.question) or not wording(self.question, columns).columns

    def _notice(self, sentence: str) -> None:
        self.tell(self.make(events.Note, level="warning", code="memory", text=sentence))
