"""Asking the model for a plan, and what to do when a step of it failed.

Here: the requests, and reading their replies; a model that cannot plan gets a plan of one step.
Not here: the rules of plans (:mod:`analyst.agent.planning.plan`) and carrying them out
(:mod:`analyst.agent.planning.planned`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from analyst.agent import salvage
from analyst.agent.budget import Budget
from analyst.agent.context import Question
from analyst.agent.loop import AgentLoop
from analyst.agent.planning import plan_words
from analyst.agent.planning.plan import MOST_STEPS, PlanError, checked, draws, kind_of, read_plan
from analyst.agent.planning.plan_salvage import MOST_LINES, salvaged
from analyst.agent.task import Progress
from analyst.llm.completion import Completion
from analyst.memory.telling import brief
from analyst.record import events
from analyst.record.events import PlannedStep
from analyst.record.making import EventMaker

TRIES = 2
REPLY_TOKENS = 1024
SHORT_REPLY_TOKENS = 256
"""Of a small model, which writes a few lines."""

LONGEST_SEARCH = 300
WHOLE_TASK = "Do all that the task asks."
_SKIP = re.compile(r"^\W*(?:final\W+)?skip\b", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """The steps, as the last item of a stream of events."""

    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Asks for plans.

    ``loop``: makes an agent in a conversation of its own, offered the plan tool and nothing else.
    ``native``: it calls functions, and is no small model.
    """

    loop: Callable[[], AgentLoop]
    native: bool

    async def plan(
        self, question: Question, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event | Plan]:
        """Ask for a plan; the last item is one, whatever the model says."""
        asked = plan_words.ask_for_plan(question.text, native=self.native)
        loop = self.loop()
        loop.context.ask(Question(text=asked, data=question.data))
        for number in range(TRIES):
            if number and budget.spent() is not None:
                break
            reply: Completion | None = None
            async for item in self._ask(loop, budget, make, progress):
                if isinstance(item, Completion):
                    reply = item
                else:
                    yield item
            assert reply is not None, "a model ends its stream with a completion"
            try:
                steps = self._read(reply, self._most)
            except PlanError as error:
                yield make(events.Note, level="warning", code="malformed_plan", text=str(error))
                progress.retrying = number + 1 < TRIES
                self._answer_back(loop, reply, str(error))
            else:
                yield Plan(self._with_chart(question.text, steps))
                return
        text = "The model made no plan; the question is taken as a whole."
        yield make(events.Note, code="no_plan", text=text)
        whole = PlannedStep(text=WHOLE_TASK, kind="chart" if draws(question.text) else "compute")
        # Looking something up alone would not answer it.
        looking = kind_of(question.text) == "look_up"
        searched = PlannedStep(text=brief(question.text, LONGEST_SEARCH), kind="look_up")
        yield Plan((searched, whole) if looking else (whole,))

    async def what_now(
        self,
        question: Question,
        steps: Sequence[PlannedStep],
        statuses: Sequence[str],
        reason: str,
        *,
        room: int,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event | Plan]:
        """Ask how to go on after the step at ``len(statuses)`` failed.

        The last item holds the steps that are left, at most ``room``; none: leave it out. What
        cannot be read as a plan leaves it out.
        """
        failed = len(statuses)
        asked = plan_words.ask_what_now(
            question.text, steps, statuses, failed, reason, native=self.native
        )
        loop = self.loop()
        loop.context.ask(Question(text=asked, data=question.data))
        found: tuple[PlannedStep, ...] = ()
        async for item in self._ask(loop, budget, make, progress):
            if not isinstance(item, Completion):
                yield item
            elif not _SKIP.match(item.text) or item.tool_calls:
                try:
                    found = self._read(item, room)
                except PlanError:
                    found = ()
        tried = {step.text for step in steps[: failed + 1]}
        left = [step for step in found if step.text not in tried]
        # A plan that leaves steps out stands by itself; what it rests on is there in the kernel.
        whole = len(left) == len(found)
        yield Plan(
            tuple(left if whole else [one.model_copy(update={"depends_on": ()}) for one in left])
        )

    async def _ask(
        self, loop: AgentLoop, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event | Completion]:
        most = REPLY_TOKENS if self.native else SHORT_REPLY_TOKENS
        async for item in loop.ask_model(budget, make, progress, most_tokens=most):
            if isinstance(item, Completion):
                yield loop.count(item, budget, make, progress)
            yield item
        progress.retrying = False

    def _read(self, reply: Completion, most: int) -> tuple[PlannedStep, ...]:
        for call in reply.tool_calls:
            loaded = salvage.load_object(call.arguments)
            try:
                steps = read_plan(loaded or {})
            except PlanError as error:
                if not loaded:
                    raise
                try:
                    steps = salvaged(call.arguments, most=most)
                except PlanError:
                    raise error from None
            return checked(steps[:most])
        return salvaged(reply.text, most=most)

    def _answer_back(self, loop: AgentLoop, reply: Completion, error: str) -> None:
        said = reply.text or "; ".join(call.arguments for call in reply.tool_calls)
        loop.context.append({"role": "assistant", "content": said or "(nothing)"})
        text = plan_words.ask_again_for_plan(error, native=self.native)
        loop.context.append({"role": "user", "content": text})

    @property
    def _most(self) -> int:
        return MOST_STEPS if self.native else MOST_LINES

    def _with_chart(self, question: str, steps: tuple[PlannedStep, ...]) -> tuple[PlannedStep, ...]:
        """Add the chart that a small model forgot although it was asked for."""
        if self.native or not draws(question) or len(steps) == MOST_STEPS:
            return steps
        if any(step.kind == "chart" for step in steps):
            return steps
        chart = PlannedStep(text="Draw the chart that the task asks for.", kind="chart")
        last = [*steps[-1:]] if steps[-1].kind == "write" else []
        return (*steps[: len(steps) - len(last)], chart, *last)
