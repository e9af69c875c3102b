"""The loop: observe, decide, act, until an answer or the end of a budget.

Here: one run's steps as a stream of events. Not here: where model, tools and kernel come
from, logging, and stopping (all :mod:`analyst.session`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyst.agent import values as asked
from analyst.agent.action import (
    AgentAction,
    FinalAnswer,
    MalformedActionError,
    ToolCall,
    told_apart,
)
from analyst.agent.approval import Approvals
from analyst.agent.asking import counted, reply_limit, send
from analyst.agent.budget import Budget
from analyst.agent.calls import ToolCalls
from analyst.agent.checks.independent import Computed
from analyst.agent.checks.objections import not_computed, objection
from analyst.agent.context import Context
from analyst.agent.direct.kinds import keeps_to
from analyst.agent.partial import computed_answer, partial_answer
from analyst.agent.protocol import CODE_TOOL, ActionProtocol, new_call_id
from analyst.agent.task import Progress, Task
from analyst.agent.verify import Verdict, Verifier
from analyst.llm.completion import Completion, CompletionRequest, LanguageModel
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.registry import ToolRegistry, ToolResult

REPLY_TOKENS = 1024
RETRY_TEMPERATURES = (0.3, 0.5, 0.6)
"""Temperatures of the first, second and all further tries after one that failed."""

MOST_NUMBERS_TOLD = 5
CONCLUDE = "Little of the budget is left: answer now from what is computed."
CONCLUDE_SOON = "Little of the budget is left: compute what is asked in one step, then answer."


@dataclass
class AgentLoop:
    """One agent: a model, how it is spoken to, its tools and its conversation."""

    model: LanguageModel
    protocol: ActionProtocol
    tools: ToolRegistry
    context: Context
    roll_back: Callable[[], Awaitable[None]]
    variables: Callable[[], Awaitable[Sequence[str]]]
    approvals: Approvals
    temperature: float = 0.0
    known: dict[str, ToolResult] = field(default_factory=dict)
    grounding: bool = True
    silent_errors: bool = True
    verifier: Verifier | None = None

    async def run(
        self,
        task: Task,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
        *,
        first_code: str = "",
    ) -> AsyncIterator[events.Event]:
        """Answer one question; the last event is the :class:`~analyst.record.events.Answer`.

        ``progress`` is filled as the run goes, so that a stopped run can still say what was
        done. ``first_code``: known to answer such a question; it runs before the model is asked.

        Raises :class:`analyst.llm.completion.ModelError` when the model cannot answer.
        """
        self.context.ask(task.question)
        opening = self.context.messages[-1]
        answered = False
        if first_code:
            async for event in self._begin_with(first_code, task, budget, make, progress):
                yield event
                answered = answered or isinstance(event, events.Answer)
        while not answered:
            reason = budget.exhausted()
            if reason is not None:
                async for event in self._end(task, reason, budget, make, progress):
                    yield event
                return
            if self.context.needs_compaction(REPLY_TOKENS):
                yield await self._compact(opening, make)
            self._tell_of_budget(budget, progress)
            reply: Completion | None = None
            async for item in self.ask_model(budget, make, progress):
                if isinstance(item, Completion):
                    reply = item
                else:
                    yield item
            assert reply is not None, "a model ends its stream with a completion"
            yield self.count(reply, budget, make, progress)
            async for event in self._act(task, reply, budget, make, progress):
                yield event
                answered = answered or isinstance(event, events.Answer)

    async def _begin_with(
        self, code: str, task: Task, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Run code as if the model had asked for it."""
        block = f"```python\n{code.strip()}\n```"
        call = ToolCall(call_id=new_call_id(), tool=CODE_TOOL, arguments={"code": code}, raw=block)
        said = Completion(text="" if self.protocol.sends_tools else block)
        self.context.append(self.protocol.reply_message(said, (call,)))
        async for event in self._take(task, (call,), budget, make, progress):
            yield event

    def count(
        self, reply: Completion, budget: Budget, make: EventMaker, progress: Progress
    ) -> events.ModelResponded:
        """Count a reply, and return the event that tells it."""
        self.context.tokens = (reply.replayed or reply.usage).total
        return counted(reply, self.model, budget, make, progress)

    def _tell_of_budget(self, budget: Budget, progress: Progress) -> None:
        """Tell the model near the end of a budget to conclude; the user is told at the request."""
        if budget.should_conclude():
            text = CONCLUDE if progress.calls_ok else CONCLUDE_SOON
            self.context.say_besides(text, sent=progress.sent)

    async def _compact(
        self, opening: Mapping[str, Any], make: EventMaker
    ) -> events.ContextCompacted:
        before = self.context.tokens
        self.context.compact(opening, await self.variables())
        return make(events.ContextCompacted, tokens_before=before, tokens_after=0)

    async def ask_model(
        self,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
        *,
        most_tokens: int = REPLY_TOKENS,
    ) -> AsyncIterator[events.Event | Completion]:
        """Send the context to the model; yield what happens, and its reply."""
        tools = self.tools.as_openai_tools() if self.protocol.sends_tools else ()
        tries = len(RETRY_TEMPERATURES)
        temperature = self.temperature
        if progress.retrying:
            failures = budget.failures_in_a_row + budget.malformed_in_a_row
            temperature = RETRY_TEMPERATURES[min(failures, tries) - 1]
        request = CompletionRequest(
            messages=tuple(self.context.messages),
            tools=tools,
            max_tokens=reply_limit(self.model, budget, most_tokens),
            temperature=max(temperature, self.temperature),
            seed=progress.requests,
            stop=tuple(self.protocol.stop),
        )
        async for item in send(self.model, request, budget, make, progress):
            yield item

    async def _act(
        self,
        task: Task,
        reply: Completion,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        try:
            actions = told_apart(self.protocol.read(reply), progress.call_ids)
        except MalformedActionError as error:
            budget.malformed_in_a_row += 1
            yield make(events.Note, level="warning", code="malformed_action", text=str(error))
            self.context.append({"role": "assistant", "content": reply.text})
            self.context.append({"role": "user", "content": str(error)})
            progress.retrying = True
            return
        budget.malformed_in_a_row = 0
        self.context.append(self.protocol.reply_message(reply, actions))
        async for event in self._take(task, actions, budget, make, progress):
            yield event

    async def _take(
        self,
        task: Task,
        actions: Sequence[AgentAction],
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        calls = ToolCalls(
            self.protocol, self.tools, self.context, self.roll_back, self.approvals, self.known
        )
        calls.doubting = self.silent_errors
        called = [action for action in actions if isinstance(action, ToolCall)]
        async for event in calls.run(task, called, budget, make, progress):
            yield event
        for action in actions:
            if isinstance(action, FinalAnswer):
                async for event in self._finish(task, action, budget, make, progress):
                    yield event
                return
        if task.by_output and progress.calls_ok and not progress.retrying:
            async for event in self._conclude(task, progress.last_output, budget, make, progress):
                yield event
            return
        if task.value_names and not asked.missing(task.value_names, progress.values):
            if progress.retrying:
                return
            async for event in self._conclude(
                task, computed_answer(progress.values), budget, make, progress
            ):
                yield event

    async def _finish(
        self,
        task: Task,
        final: FinalAnswer,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        against = objection(
            task, final.text, progress, rests_on_said=self._rests_on_said(final.text)
        )
        if against and not progress.nudged:
            progress.nudged = True
            yield make(events.Note, level="warning", code="not_computed", text=against)
            self.context.append({"role": "user", "content": against})
            return
        strange: list[str] = []
        if self.grounding:
            strange = not_computed(task, final.text, progress, self.context.said())
        if strange:
            numbers = ", ".join(strange[:MOST_NUMBERS_TOLD])
            text = f"Not in any output: {numbers}."
            yield make(events.Note, level="warning", code="not_grounded", text=text)
            if not progress.nudged:
                progress.nudged = True
                await self._ask_for_numbers(task, text, budget, progress)
                if progress.retrying:
                    yield make(events.Note, code="retry", text="Trying afresh.")
                return
        async for event in self._conclude(
            task, final.text, budget, make, progress, ungrounded=strange
        ):
            yield event

    def _rests_on_said(self, text: str) -> bool:
        """Whether an answer rests on what was computed before; of small models none is believed."""
        if self.protocol.retries_afresh:
            return False
        return bool(self.context.said()) and keeps_to(text, self.context.said())

    async def _ask_for_numbers(
        self, task: Task, text: str, budget: Budget, progress: Progress
    ) -> None:
        """Have the numbers of an answer computed."""
        if not self.protocol.retries_afresh:
            text += " Print what you need with code, then answer from what is printed."
            self.context.append({"role": "user", "content": text})
            return
        # A small model says again what stands before it.
        budget.failures_in_a_row += 1
        progress.retrying = True
        progress.calls_ok = 0
        progress.values.clear()
        await self.roll_back()
        self.context.ask_again(task.question, "Print every number that the answer needs.")

    async def _conclude(
        self,
        task: Task,
        text: str,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
        *,
        ungrounded: Sequence[str] = (),
    ) -> AsyncIterator[events.Event]:
        if self.verifier is not None and not progress.verified:
            progress.verified = True
            async for item in self.verifier.check(
                task, text, context=self.context, budget=budget, make=make, progress=progress
            ):
                if not isinstance(item, Verdict):
                    yield item
                elif item.code or item.fault:
                    async for event in self._reconsider(task, item, budget, make, progress):
                        yield event
                    return
        self.context.conclude(task.question.text, text, ungrounded=ungrounded)
        yield make(
            events.Answer, text=text, values=dict(progress.values), ungrounded=tuple(ungrounded)
        )

    async def _reconsider(
        self, task: Task, verdict: Verdict, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Give an answer up for another computation of it, or for a fault that was found."""
        if verdict.fault and not self.protocol.retries_afresh:
            text = f"A reviewer says: {verdict.fault} If that is so, mend it; then answer."
            self.context.append({"role": "user", "content": text})
            return
        progress.calls_ok = 0
        progress.values.clear()
        await self.roll_back()
        note = f"A reviewer of a first try said: {verdict.fault}" if verdict.fault else ""
        self.context.ask_again(task.question, note)
        yield make(events.Note, code="retry", text="Taking another way.")
        if verdict.code:
            async for event in self._begin_with(verdict.code, task, budget, make, progress):
                yield event

    async def _end(
        self, task: Task, reason: str, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """End a run that has used up a budget: by a last answer, or by saying what was done."""
        answered = False
        async for event in self._last_tries(task, budget, make, progress):
            yield event
            answered = answered or isinstance(event, events.Answer)
        if not answered:
            async for event in self._give_up(task, reason, make, progress):
                yield event

    async def _last_tries(
        self, task: Task, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Where tries failed and means are left, try several ways side by side."""
        verifier = self.verifier
        means = (budget.whole or budget).spent() is None
        if verifier is None or not verifier.checks.last_tries or not means or progress.doubted:
            return
        code = ""
        async for item in verifier.rescue(
            task, context=self.context, budget=budget, make=make, progress=progress
        ):
            if isinstance(item, Computed):
                code = item.code
            else:
                yield item
        if code:
            progress.verified = True
            verdict = Verdict(code=code)
            async for event in self._reconsider(task, verdict, budget, make, progress):
                yield event

    async def _give_up(
        self, task: Task, reason: str, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        if asked.missing(task.value_names, progress.values):
            # What looked wrong may still be better than nothing.
            progress.values |= progress.doubted
        missing = asked.missing(task.value_names, progress.values)
        text = partial_answer(
            reason=reason,
            calls_ok=progress.calls_ok,
            calls_failed=progress.calls_failed,
            last_output=progress.last_output,
            values=progress.values,
            missing_values=missing,
        )
        yield make(events.Note, level="warning", code="budget", text=f"Stopped: {reason}.")
        self.context.append({"role": "assistant", "content": text})
        self.context.conclude(task.question.text, text)
        yield make(events.Answer, text=text, values=dict(progress.values), complete=False)
