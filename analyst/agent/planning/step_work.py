"""Doing one step of a plan: in a short loop of its own, on what all steps share.

Here: tries, and what makes one fail; searches; putting into words. Not here: the order of steps
and what becomes of a failed one (:mod:`analyst.agent.planning.planned`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analyst.agent.budget import Budget
from analyst.agent.context import Question
from analyst.agent.loop import AgentLoop
from analyst.agent.partial import why_partial
from analyst.agent.planning import plan_words
from analyst.agent.searching import Search
from analyst.agent.short_loop import run_short
from analyst.agent.task import Progress, Task
from analyst.agent.workbench import Workbench
from analyst.memory.telling import brief
from analyst.record import events
from analyst.record.events import KeptArtefact, PlannedStep
from analyst.record.making import EventMaker

TRIES = 2
"""A step that fails is tried once more; not so where a small model gave it up, which has tried
afresh several times by then."""

AGAIN = "A first try of the step failed; trying it another way."

REASON_TOLD = 400
LONGEST_RESULT = 4000
WORDS_STEPS = 3
_CHART_TYPES = ("application/vnd.plotly.v1+json", "image/png", "image/svg+xml", "image/jpeg")


@dataclass(kw_only=True)
class Outcome:
    """How a step ended; the last item of its stream. ``passages``: what it found, to be cited.

    ``ungrounded``: numbers of the result that stand in no output. ``given_up``: it failed after
    several tries.
    """

    status: Literal["ok", "error", "skipped"]
    result: str = ""
    reason: str | None = None
    passages: tuple[KeptArtefact, ...] = ()
    charts: tuple[str, ...] = ()
    ungrounded: tuple[str, ...] = ()
    given_up: bool = False


@dataclass(kw_only=True)
class PlanState:
    """A plan on its way, as a step sees it. ``passages``: all that was found so far."""

    steps: Sequence[PlannedStep]
    passages: list[KeptArtefact] = field(default_factory=list)


@dataclass(frozen=True)
class Voice:
    """A model for some work. ``loop``: makes an agent for a task, in a conversation of its own.

    ``native``: it calls functions, and is no small model. ``reviewed``: what it says is reviewed
    by a critic.
    """

    loop: Callable[[Task], AgentLoop]
    native: bool
    reviewed: bool = False


@dataclass(frozen=True, kw_only=True)
class StepWork:
    """Does steps. ``voice`` does most of them, ``words`` those that are to be put into words."""

    task: Task
    bench: Workbench
    voice: Voice
    words: Voice
    search: Search
    most_steps: int

    async def do(
        self,
        plan: PlanState,
        at: int,
        names: Sequence[str],
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
        note: str = "",
    ) -> AsyncIterator[events.Event | Outcome]:
        """Do the step at ``at``, which is to give the named values; the last item is its outcome.

        ``note``: what it should know besides.
        """
        step = plan.steps[at]
        if step.kind == "look_up":
            async for found in self.search.run(step.text, make, progress):
                if isinstance(found, events.EventBase):
                    yield found
                else:
                    reason = None if found.passages else found.text
                    yield Outcome(
                        status="ok", result=found.text, passages=found.passages, reason=reason
                    )
            return
        if step.kind == "write":
            async for item in self.in_words(
                step.text, plan, [], budget=budget, make=make, progress=progress
            ):
                yield item
            return
        outcome = Outcome(status="error")
        for number in range(TRIES):
            if number:
                yield make(events.Note, code="step_again", text=AGAIN)
            if restored := await self.bench.restore_if_lost():
                yield make(events.Note, level="warning", code="restored", text=restored)
            async for item in self._try(
                plan, at, names, note, budget=budget, make=make, progress=progress
            ):
                if isinstance(item, Outcome):
                    outcome = item
                else:
                    yield item
            tried_enough = outcome.given_up and not self.voice.native
            if outcome.status == "ok" or tried_enough or budget.spent() is not None:
                break
            note = plan_words.failed_before(outcome.reason or "", native=self.voice.native)
        yield outcome

    async def _try(
        self,
        plan: PlanState,
        at: int,
        names: Sequence[str],
        note: str,
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event | Outcome]:
        step, alone = plan.steps[at], len(plan.steps) == 1
        text = plan_words.step_question(
            self.task.question.text,
            plan.steps,
            at,
            artefacts=await self.bench.news(),
            passages=plan.passages if self.voice.native else (),
            native=self.voice.native,
        )
        task = Task(
            question=Question(
                text=text, data=self.task.question.data, value_names=names, note=note
            ),
            value_pattern=self.task.value_pattern,
            has_data=self.task.has_data,
            told=self.task.told,
            by_output=not (self.voice.native or names or alone),
        )
        charts: list[str] = []
        ended: list[events.ToolCallFinished] = []
        reason, result, given_up = "", "", False
        ungrounded: tuple[str, ...] = ()
        async for item in self.run(task, self.voice, budget=budget, make=make, progress=progress):
            match item:
                case events.Answer():
                    result, ungrounded = item.text[:LONGEST_RESULT], item.ungrounded
                    reason = "" if item.complete else brief(why_partial(item.text), REASON_TOLD)
                    given_up = not item.complete
                case events.OutputEmitted(output=dict() as output):
                    charts += chart_titles(output)
                    yield item
                case events.ToolCallFinished():
                    ended.append(item)
                    yield item
                case _:
                    yield item
        if ended and all(one.status != "ok" for one in ended):
            reason = " ".join([reason, brief(ended[-1].observation, REASON_TOLD)]).strip()
        troubles = [reason] if reason else await self._troubles(step, charts)
        yield Outcome(
            status="error" if troubles else "ok",
            reason=" ".join(troubles) or None,
            result=result,
            charts=tuple(charts),
            ungrounded=ungrounded,
            given_up=given_up,
        )

    async def _troubles(self, step: PlannedStep, charts: Sequence[str]) -> list[str]:
        there = {one.name for one in await self.bench.artefacts()}
        wanted = [one.name for one in step.artefacts if one.kind == "variable"]
        lacking = [name for name in wanted if name not in there]
        troubles = [f"It did not leave {', '.join(lacking)}."] if lacking else []
        if step.kind == "chart" and not charts:
            troubles.append("It drew no chart.")
        return troubles or await self.bench.trouble(step.checks)

    async def in_words(
        self,
        text: str,
        plan: PlanState,
        results: Sequence[str],
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event | Outcome]:
        """Have the model write what the steps came to; the last item is the outcome."""
        there = await self.bench.news()
        note = plan_words.synthesis_note(results, there, plan.passages, native=self.words.native)
        # The descriptions of the data stand before, as for every step, where a server has them.
        question = Question(text=text, data=self.task.question.data, note=note)
        task = Task(question=question, has_data=self.task.has_data, told=self.task.told)
        # What steps said is no source of numbers; what ran, was asked, planned or found is.
        sources = [
            *progress.seen,
            self.task.question.text,
            *(step.text for step in plan.steps),
            *plan_words.artefact_lines(there),
            *(one.text for one in plan.passages),
        ]
        outcome = Outcome(status="error", reason="nothing was written")
        known = progress.calls_ok + bool(plan.passages)
        async for item in self.run(
            task,
            self.words,
            budget=budget,
            make=make,
            progress=progress,
            known=known,
            seen=sources,
            steps=WORDS_STEPS,
        ):
            if not isinstance(item, events.Answer):
                yield item
            elif item.complete:
                outcome = Outcome(status="ok", result=item.text, ungrounded=item.ungrounded)
            else:
                reason = brief(why_partial(item.text), REASON_TOLD)
                outcome = Outcome(status="error", reason=reason)
        yield outcome

    async def run(
        self,
        task: Task,
        voice: Voice,
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
        known: int = 0,
        seen: Sequence[str] = (),
        steps: int | None = None,
    ) -> AsyncIterator[events.Event]:
        """Run a short loop; its last event is an answer, which is none of the run's.

        ``known`` and ``seen``: see :func:`.run_short`. Budget and progress count on.
        """
        stream = run_short(
            voice.loop(task),
            task,
            bench=self.bench,
            steps=steps or self.most_steps,
            budget=budget,
            make=make,
            progress=progress,
            known=known,
            seen=seen,
        )
        async for event in stream:
            yield event


def chart_titles(output: Mapping[str, Any]) -> list[str]:
    """Return the title of an output that is a chart, in a list; an empty one for others."""
    data = output.get("data")
    if not isinstance(data, Mapping) or not any(mime in data for mime in _CHART_TYPES):
        return []
    figure = data.get(_CHART_TYPES[0])
    layout = figure.get("layout") if isinstance(figure, Mapping) else None
    title = layout.get("title") if isinstance(layout, Mapping) else None
    words = title.get("text") if isinstance(title, Mapping) else title
    return [brief(words, 120) if isinstance(words, str) and words else "chart"]
