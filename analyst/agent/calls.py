"""The tool calls of one reply: admitted, run, and judged.

Here: what calls and their results mean for the run, which goes on or is asked afresh; calls that
change nothing run side by side. Not here: whether a call may run (:mod:`analyst.agent.gate`),
what the model is asked, and when a run ends (:mod:`analyst.agent.loop`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from analyst.agent import guarded
from analyst.agent import values as asked
from analyst.agent.action import ToolCall
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.checks.strange_values import value_doubts
from analyst.agent.context import Context
from analyst.agent.gate import REPEATED, Admitted, Gate
from analyst.agent.merging import merged
from analyst.agent.noting import note_result
from analyst.agent.protocol import ActionProtocol, Situation, retry_note
from analyst.agent.task import Progress, Task
from analyst.boundaries import instruction_in
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.code_checks import only_literals
from analyst.tools.registry import (
    ToolNotice,
    ToolOutput,
    ToolQuestion,
    ToolRegistry,
    ToolResult,
    TransientToolError,
    UnknownToolError,
)

MOST_DOUBTS = 2
"""After so many doubts about results, the next is taken as it is, and the user told."""

PAUSES = (0.5, 1.0, 2.0)
"""Seconds before each further try of a call that changes nothing and failed in passing."""

EDITED = "The user edited the call before it ran. "

RESTARTED = (
    "The agent's kernel ended. Another one takes its place with the data handed over; all other "
    "variables are gone."
)
NOT_COMPUTED = "The code only writes an answer down. Compute it from the data."


@dataclass
class _Call:
    """A call on its way. ``result`` is there once it ended; ``seconds`` leave out all waiting."""

    call: ToolCall
    admitted: Admitted | None = None
    result: ToolResult | None = None
    printed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    waited: float = 0.0
    cached: bool = False


@dataclass
class ToolCalls:
    """Runs the calls of one run in its conversation.

    ``known`` are results of calls that change nothing, as long as no other call has run and nobody
    was asked, who might have changed what they read.
    ``doubting``: whether values that the question does not allow raise doubts.
    """

    protocol: ActionProtocol
    tools: ToolRegistry
    context: Context
    roll_back: Callable[[], Awaitable[None]]
    approvals: Approvals
    known: dict[str, ToolResult] = field(default_factory=dict)
    doubting: bool = True

    async def run(
        self,
        task: Task,
        calls: Sequence[ToolCall],
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        """Run calls, those that change nothing side by side; yield what happens."""
        for group in self._side_by_side(calls):
            going = [_Call(call) for call in group]
            # One after the other: a front end asks about one call at a time.
            for one in going:
                async for event in self._admit(one, budget, make):
                    yield event
            started = time.monotonic()
            streams = [self._finish(one, task, make, progress) for one in going]
            async for event in merged(streams):
                yield event
            waited = sum(one.waited for one in going)
            progress.seconds_tools += time.monotonic() - started - waited
            for one in going:
                async for event in self._judge(
                    task, one, budget=budget, make=make, progress=progress
                ):
                    yield event

    def _side_by_side(self, calls: Sequence[ToolCall]) -> Iterator[list[ToolCall]]:
        group: list[ToolCall] = []
        for call in calls:
            if self._is_pure(call):
                group.append(call)
                continue
            if group:
                yield group
            yield [call]
            group = []
        if group:
            yield group

    def _is_pure(self, call: ToolCall) -> bool:
        try:
            return self.tools.get(call.tool).pure
        except UnknownToolError:
            return False

    async def _admit(
        self, one: _Call, budget: Budget, make: EventMaker
    ) -> AsyncIterator[events.Event]:
        call = one.call
        yield make(
            events.ToolCallStarted,
            call_id=call.call_id,
            tool=call.tool,
            raw=call.raw,
            arguments=dict(call.arguments),
        )
        began = time.monotonic()
        waited = asked_at = 0.0
        async for item in Gate(tools=self.tools, approvals=self.approvals).admit(
            call, budget, make
        ):
            match item:
                case Admitted():
                    one.admitted = item
                case ToolResult():
                    one.result = item
                case ToolNotice():
                    yield self._noted(item, make)
                case events.ApprovalRequested():
                    asked_at = time.monotonic()
                    yield item
                case events.ApprovalResolved():
                    # Waiting is not working: the call's seconds are those it ran.
                    waited += time.monotonic() - asked_at
                    self._was_decided(item)
                    yield item
                case _:
                    yield item
        one.seconds = time.monotonic() - began - waited

    async def _finish(
        self, one: _Call, task: Task, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Run an admitted call to its end, and tell the end of one that was refused."""
        began = time.monotonic()
        if one.admitted is not None:
            async for event in self._run(one, one.admitted, make):
                yield event
        result = one.result
        assert result is not None, "a tool ends its stream with a result"
        one.seconds += time.monotonic() - began - one.waited
        new_values = note_result(task, result, "".join(one.printed), progress)
        ran = one.admitted.arguments if one.admitted and one.admitted.differs else None
        yield make(
            events.ToolCallFinished,
            call_id=one.call.call_id,
            status=result.status,
            observation=result.observation,
            seconds=one.seconds,
            arguments=dict(ran) if ran is not None else None,
            values=new_values,
            cached=one.cached,
        )
        words = instruction_in(result.observation) if result.status != "refused" else None
        if words and words not in progress.suspected:
            progress.suspected.add(words)
            yield make(
                events.Note,
                level="warning",
                code="injection_suspected",
                text=f"The result of {one.call.tool} holds what reads like an instruction to "
                f"the agent, and is treated as data: “{words}”",
            )
        lost = result.state_lost or result.status == "died"
        if lost and not progress.loss_told:
            yield make(events.Note, level="warning", code="kernel_restarted", text=RESTARTED)
        # A kernel that died is only replaced, and found replaced, at the next call.
        progress.loss_told = result.status == "died"

    async def _run(
        self, one: _Call, admitted: Admitted, make: EventMaker
    ) -> AsyncIterator[events.Event]:
        tool = admitted.tool
        key = json.dumps([tool.name, admitted.arguments], sort_keys=True, default=str)
        keeps = tool.pure and getattr(tool, "cacheable", True)
        if not tool.pure:
            # It may change what those read.
            self.known.clear()
        elif keeps and (known := self.known.get(key)) is not None:
            one.result, one.cached = known, True
            return
        pauses = iter(PAUSES if tool.pure else ())
        while one.result is None:
            try:
                async for event in self._stream(one, admitted, make):
                    yield event
            except TransientToolError as error:
                pause = next(pauses, None)
                if pause is None:
                    one.result = ToolResult(status="error", observation=str(error))
                    break
                text = f"{error} Trying again in {pause:g} s."
                yield make(events.Note, level="warning", code="call_retried", text=text)
                await asyncio.sleep(pause)
        if keeps and one.result is not None and one.result.status == "ok":
            self.known[key] = one.result
        if admitted.edited and one.result is not None:
            one.result = replace(one.result, observation=EDITED + one.result.observation)

    async def _stream(
        self, one: _Call, admitted: Admitted, make: EventMaker
    ) -> AsyncIterator[events.Event]:
        async for item in guarded.running(admitted.tool, admitted.arguments):
            match item:
                case ToolResult():
                    one.result = item
                case ToolNotice():
                    yield self._noted(item, make)
                case ToolQuestion():
                    async for event in self._ask(one, item, make):
                        yield event
                case ToolOutput():
                    if item.output and item.output.get("output_type") == "stream":
                        one.printed.append(str(item.output.get("text", "")))
                    yield make(
                        events.OutputEmitted,
                        call_id=one.call.call_id,
                        output=dict(item.output) if item.output is not None else None,
                        display_id=item.display_id,
                        update=item.update,
                        clear=item.clear,
                    )

    async def _ask(
        self, one: _Call, asked_back: ToolQuestion, make: EventMaker
    ) -> AsyncIterator[events.Event]:
        """Put a question of a running call to the user."""
        call_id, began = one.call.call_id, time.monotonic()
        yield make(
            events.ApprovalRequested,
            call_id=call_id,
            kind="question",
            risk=asked_back.question,
            editable="",
            choices=asked_back.choices,
            can_always=False,
        )
        decision = await self.approvals.decide(call_id, one.call.tool, can_always=False)
        answer = None if decision.decision == "denied" else decision.text
        resolved = make(
            events.ApprovalResolved,
            call_id=call_id,
            decision=decision.decision,
            by=decision.by,
            answer=answer,
        )
        self._was_decided(resolved)
        yield resolved
        one.waited += time.monotonic() - began
        if not asked_back.answer.done():
            asked_back.answer.set_result(answer)

    def _was_decided(self, resolved: events.ApprovalResolved) -> None:
        """Forget what is known, if a person had the time to change something meanwhile."""
        if resolved.by == "user":
            self.known.clear()

    @staticmethod
    def _noted(notice: ToolNotice, make: EventMaker) -> events.Note:
        level: events.NoteLevel = "warning" if notice.level == "warning" else "info"
        return make(events.Note, level=level, code=notice.code, text=notice.text)

    async def _judge(
        self,
        task: Task,
        one: _Call,
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        """Decide what a finished call means for the run: go on, or ask afresh."""
        call, result = one.call, one.result
        assert result is not None, "only calls that ended are judged"
        doubts = self._doubts(task, call, result, progress)
        if progress.doubts >= MOST_DOUBTS:
            for doubt in doubts:
                text = f"Taken as it is, though it still looks wrong: {doubt}"
                yield make(events.Note, level="warning", code="doubt_left", text=text)
            doubts = ()
        progress.doubts += bool(doubts)
        for doubt in doubts:
            yield make(events.Note, level="warning", code="doubt", text=doubt)
        missing = asked.missing(task.value_names, progress.values)
        situation = Situation(result=result, doubts=doubts, missing=missing)
        alone = progress.calls_ok <= (result.status == "ok")
        repeated = progress.repeated = result.observation == REPEATED
        afresh = self.protocol.retries_afresh and alone
        afresh = afresh and (result.status != "refused" or (repeated and bool(progress.noted)))
        failed = result.status != "ok" or bool(doubts) or (afresh and bool(missing))
        progress.retrying = failed
        budget.failures_in_a_row = budget.failures_in_a_row + 1 if failed else 0
        if failed and afresh:
            if result.doubts and not missing:
                progress.doubted = dict(progress.values)
            if not repeated:
                progress.noted = retry_note(situation)
            progress.calls_ok = 0
            progress.values.clear()
            await self.roll_back()
            self.context.ask_again(task.question, progress.noted)
            yield make(events.Note, code="retry", text="That did not work; trying afresh.")
            return
        self.context.append(self.protocol.observation_message(call, situation))

    def _doubts(
        self, task: Task, call: ToolCall, result: ToolResult, progress: Progress
    ) -> tuple[str, ...]:
        code = call.arguments.get("code")
        typed_in = (
            task.has_data
            and progress.calls_ok == 1
            and isinstance(code, str)
            and only_literals(code, task.value_names)
        )
        strange = value_doubts(task, progress.values) if self.doubting else ()
        doubts = (*result.doubts, *strange)
        return (*doubts, NOT_COMPUTED) if typed_in else doubts
