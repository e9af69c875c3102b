"""Carrying out a plan: its steps in order, what becomes of failed ones, and the answer.

Here: the order, skipping, replanning within bounds, and what the answer is put together from. Not
here: one step (:mod:`analyst.agent.planning.step_work`) and asking for plans
(:mod:`analyst.agent.planning.planner`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from analyst.agent import values as asked
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.partial import computed_answer
from analyst.agent.planning import plan_answer, plan_words
from analyst.agent.planning.plan import MOST_STEPS, computes, shifted
from analyst.agent.planning.plan_approval import Approved, approve
from analyst.agent.planning.plan_begun import Begun, retold
from analyst.agent.planning.planner import WHOLE_TASK, Plan, Planner
from analyst.agent.planning.step_work import Outcome, PlanState, StepWork
from analyst.agent.task import Progress, Task
from analyst.memory.telling import brief
from analyst.record import events
from analyst.record.events import PlannedStep
from analyst.record.making import EventMaker

MOST_REVISIONS = 2
NOT_APPROVED = "The plan was turned down, so nothing was done."


@dataclass(kw_only=True)
class PlannedWork:
    """One planned run. ``kept``: whether another can go on with it."""

    task: Task
    planner: Planner
    work: StepWork
    approvals: Approvals
    begun: Begun | None = None
    kept: bool = True
    _state: PlanState = field(default_factory=lambda: PlanState(steps=()))
    _done: list[events.PlanStepFinished] = field(default_factory=list)
    _charts: list[tuple[int, str]] = field(default_factory=list)
    _ungrounded: tuple[str, ...] = ()

    async def run(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Plan, carry it out and answer; the last event is the answer."""
        async for event in self._begin(budget, make, progress):
            yield event
            if isinstance(event, events.Answer):
                return
        while len(self._done) < len(self._state.steps) and budget.spent() is None:
            if self._is_last_words(len(self._done)):
                break
            async for event in self._step(budget, make, progress):
                yield event
        async for event in self._answer(budget, make, progress):
            yield event

    async def _begin(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Have a plan made, or take up the one that was begun; and have it approved."""
        begun = self.begun
        making = (
            self._make_plan(budget, make, progress)
            if begun is None
            else self._take_up(begun, make, progress)
        )
        async for event in making:
            yield event
        if begun is not None and begun.approved:
            return
        steps = tuple(self._state.steps)
        if self.approvals.permissions.mode == "plan":
            yield make(events.Answer, text=plan_words.plan_as_answer(steps))
            return
        async for told in approve(steps, self.approvals, make):
            if not isinstance(told, Approved):
                yield told
            elif told.steps is None:
                yield make(events.Answer, text=NOT_APPROVED, complete=False)
            elif told.steps != steps:
                self._state.steps = told.steps
                yield make(
                    events.PlanRevised,
                    steps=_texts(told.steps),
                    planned=told.steps,
                    reason="It was edited before it began.",
                )

    async def _make_plan(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        # What is there before the first step is kept too: the tables that were handed over.
        kept = await self.work.bench.keep()
        steps: tuple[PlannedStep, ...] = ()
        async for item in self.planner.plan(self.task.question, budget, make, progress):
            if isinstance(item, Plan):
                steps = item.steps
            else:
                yield item
        if self.task.value_names and not any(map(computes, steps)):
            steps = (*steps[: MOST_STEPS - 1], PlannedStep(text=WHOLE_TASK))
        self._state.steps = steps
        yield make(events.PlanProposed, steps=_texts(steps), planned=steps, artefacts=kept)

    async def _take_up(
        self, begun: Begun, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        self._state.steps = begun.steps
        for event in retold(begun, make):
            if isinstance(event, events.PlanStepFinished):
                self._done.append(event)
            yield event
        self._state.passages += begun.passages
        self._charts += begun.charts
        progress.seen += begun.seen
        progress.values.update(begun.values)
        progress.calls_ok += sum(one.status == "ok" for one in self._done)

    async def _step(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Do the next step, and decide what its end means for the plan."""
        at = len(self._done)
        step = self._state.steps[at]
        lacking = [one + 1 for one in step.depends_on if self._done[one].status != "ok"]
        if lacking:
            numbers = " and ".join(map(str, lacking))
            reason = f"It needs step {numbers}, which was not done."
            yield await self._finished(Outcome(status="skipped", reason=reason), make)
            return
        yield make(events.PlanStepStarted, index=at)
        outcome = Outcome(status="error")
        begun = self.begun
        note = begun.note if begun and at == len(begun.finished) else ""
        async for item in self.work.do(
            self._state,
            at,
            self._names_for(at),
            budget=budget,
            make=make,
            progress=progress,
            note=note,
        ):
            if isinstance(item, Outcome):
                outcome = item
            else:
                yield item
        self._state.passages += outcome.passages
        self._charts += [(at + 1, title) for title in outcome.charts]
        if outcome.status == "ok":
            yield await self._finished(outcome, make)
            return
        async for event in self._after_failure(outcome, budget, make, progress):
            yield event

    async def _after_failure(
        self, outcome: Outcome, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Go on another way, or without the step."""
        at, reason = len(self._done), outcome.reason or "it failed"
        left: tuple[PlannedStep, ...] = ()
        room = MOST_STEPS - sum(one.status == "ok" for one in self._done)
        alone = len(self._state.steps) == 1
        # Each that failed and was not left out was got round, in this run or those before it.
        revisions = sum(one.status == "error" for one in self._done)
        if revisions < MOST_REVISIONS and room and not alone and budget.spent() is None:
            async for item in self.planner.what_now(
                self.task.question,
                self._state.steps,
                [one.status for one in self._done],
                reason,
                room=room,
                budget=budget,
                make=make,
                progress=progress,
            ):
                if isinstance(item, Plan):
                    left = item.steps
                else:
                    yield item
        if budget.spent() is not None:
            # It was cut off, or what to do about it was: a run that goes on begins it again.
            return
        status = "error" if left or alone else "skipped"
        yield await self._finished(Outcome(status=status, reason=reason), make)  # type: ignore[arg-type]
        if not left:
            return
        before = tuple(self._state.steps[: at + 1])
        self._state.steps = steps = (*before, *(shifted(one, len(before)) for one in left))
        text = f"Step {at + 1} failed: {brief(reason, 200)}"
        yield make(events.PlanRevised, steps=_texts(steps), planned=steps, reason=text)

    async def _finished(self, outcome: Outcome, make: EventMaker) -> events.PlanStepFinished:
        """Keep what lives, and return the event that says so: from it a run can go on."""
        kept = await self.work.bench.keep()
        finished = make(
            events.PlanStepFinished,
            index=len(self._done),
            status=outcome.status,
            reason=outcome.reason,
            result=outcome.result,
            artefacts=(*kept, *self._state.passages),
        )
        self._done.append(finished)
        self._ungrounded = outcome.ungrounded
        return finished

    def _names_for(self, at: int) -> Sequence[str]:
        """Return the values that the step is to give: the last that computes gives them all."""
        last = max((n for n, one in enumerate(self._state.steps) if computes(one)), default=None)
        return self.task.value_names if at == last else ()

    def _is_last_words(self, at: int) -> bool:
        """Whether the step is the last and to be written: that is the answer itself."""
        return at == len(self._state.steps) - 1 and self._state.steps[at].kind == "write"

    async def _answer(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        steps, done = self._state.steps, self._done
        values = dict(progress.values)
        missing = asked.missing(self.task.value_names, values)
        over = budget.spent()
        if self.task.value_names and not missing:
            yield make(events.Answer, text=computed_answer(values), values=values)
            return
        if over is not None or not any(one.status == "ok" for one in done):
            yield self._partial(over, make, progress)
            return
        alone = len(done) == len(steps) == 1 and not self._state.passages and self.begun is None
        if alone and not self.work.words.reviewed:
            outcome = Outcome(status="ok", result=done[0].result, ungrounded=self._ungrounded)
        else:
            outcome = Outcome(status="error")
            async for item in self._in_words(budget, make, progress):
                if isinstance(item, Outcome):
                    outcome = item
                else:
                    yield item
        if outcome.status != "ok":
            reason = budget.spent() or outcome.reason or "the model gave no answer"
            yield self._partial(reason, make, progress)
            return
        if strange := plan_answer.unknown_citations(outcome.result, self._state.passages):
            text = f"The answer names {', '.join(strange)}, which is no passage that was found."
            yield make(events.Note, level="warning", code="unknown_citation", text=text)
        text = plan_answer.completed(outcome.result, steps, self._done, self._charts)
        yield make(
            events.Answer,
            text=text,
            values=values,
            complete=not missing,
            ungrounded=outcome.ungrounded,
        )

    async def _in_words(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event | Outcome]:
        """Have the answer written, which a last step to write is; the last item is the outcome."""
        steps, done = self._state.steps, self._done
        if len(done) == len(steps) and steps[-1].kind == "write" and done[-1].status == "ok":
            yield Outcome(status="ok", result=done[-1].result, ungrounded=self._ungrounded)
            return
        is_step = self._is_last_words(len(done))
        if is_step:
            yield make(events.PlanStepStarted, index=len(done))
        outcome = Outcome(status="error")
        native = self.work.words.native
        async for item in self.work.in_words(
            self.task.question.text,
            self._state,
            plan_answer.results(steps, done, plan_words.result_room(native=native)),
            budget=budget,
            make=make,
            progress=progress,
        ):
            if isinstance(item, Outcome):
                outcome = item
            else:
                yield item
        if is_step and (outcome.status == "ok" or budget.spent() is None):
            yield await self._finished(outcome, make)
        yield outcome

    def _partial(self, reason: str | None, make: EventMaker, progress: Progress) -> events.Answer:
        text = plan_answer.partial(
            reason or "no step of the plan could be done",
            self._state.steps,
            self._done,
            make.run_id if self.kept else "",
        )
        return make(events.Answer, text=text, values=dict(progress.values), complete=False)


def _texts(steps: Sequence[PlannedStep]) -> tuple[str, ...]:
    return tuple(step.text for step in steps)
