"""One tool call of a run: checked, run, and judged.

Here: what a call and its result mean for the run, which goes on or is asked afresh. Not here:
what the model is asked, and when a run ends (:mod:`analyst.agent.loop`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analyst.agent import values as asked
from analyst.agent.action import ToolCall
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.context import Context
from analyst.agent.grounding import MOST_CHARACTERS
from analyst.agent.protocol import ActionProtocol, Situation, retry_note
from analyst.agent.task import Progress, Task
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.code_checks import only_literals
from analyst.tools.registry import (
    InvalidArgumentsError,
    Prepared,
    ToolItem,
    ToolNotice,
    ToolOutput,
    ToolRegistry,
    ToolResult,
    UnknownToolError,
)

MOST_DOUBTS = 2
"""After so many doubts about results, the next is taken as it is."""

DENIED = "The user did not allow this call. Find another way, or say what is missing."
UNATTENDED = "Nobody is here to allow this call. Find another way, or say what is missing."
EDITED = "The user edited the code before it ran. "

RESTARTED = (
    "The agent's kernel ended. Another one takes its place with the data handed over; all other "
    "variables are gone."
)
NOT_COMPUTED = "The code only writes an answer down. Compute it from the data."


@dataclass
class ToolCalls:
    """Runs the calls of one agent in its conversation."""

    protocol: ActionProtocol
    tools: ToolRegistry
    context: Context
    roll_back: Callable[[], Awaitable[None]]
    approvals: Approvals

    async def run(
        self,
        task: Task,
        call: ToolCall,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        """Run one call; yield what happens."""
        yield make(
            events.ToolCallStarted,
            call_id=call.call_id,
            tool=call.tool,
            raw=call.raw,
            arguments=dict(call.arguments),
        )
        started = asked_at = time.monotonic()
        result: ToolResult | None = None
        ran: Mapping[str, Any] = call.arguments
        printed: list[str] = []
        async for item in self._run_tool(call, budget, make):
            match item:
                case events.ApprovalRequested():
                    asked_at = time.monotonic()
                    yield item
                case events.ApprovalResolved():
                    # Waiting is not working: the call's seconds are those it ran.
                    started += time.monotonic() - asked_at
                    yield item
                case Prepared(arguments=arguments):
                    ran = arguments
                case ToolResult():
                    result = item
                case ToolNotice(code=code, text=text):
                    yield make(events.Note, code=code, text=text)
                case ToolOutput():
                    if item.output and item.output.get("output_type") == "stream":
                        printed.append(str(item.output.get("text", "")))
                    yield make(
                        events.OutputEmitted,
                        call_id=call.call_id,
                        output=dict(item.output) if item.output is not None else None,
                        display_id=item.display_id,
                        update=item.update,
                        clear=item.clear,
                    )
        assert result is not None, "a tool ends its stream with a result"
        seconds = time.monotonic() - started
        progress.seconds_tools += seconds
        new_values = self._note(task, result, "".join(printed), progress)
        yield make(
            events.ToolCallFinished,
            call_id=call.call_id,
            status=result.status,
            observation=result.observation,
            seconds=seconds,
            arguments=dict(ran) if ran != call.arguments else None,
            values=new_values,
        )
        lost = result.state_lost or result.status == "died"
        if lost and not progress.loss_told:
            yield make(events.Note, level="warning", code="kernel_restarted", text=RESTARTED)
        # A kernel that died is only replaced, and found replaced, at the next call.
        progress.loss_told = result.status == "died"
        async for event in self._judge(
            task, call, result, budget=budget, make=make, progress=progress
        ):
            yield event

    async def _judge(
        self,
        task: Task,
        call: ToolCall,
        result: ToolResult,
        *,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event]:
        """Decide what a finished call means for the run: go on, or ask afresh."""
        doubts = self._doubts(task, call, result, progress)
        progress.doubts += bool(doubts)
        for doubt in doubts:
            yield make(events.Note, level="warning", code="doubt", text=doubt)
        missing = asked.missing(task.value_names, progress.values)
        situation = Situation(result=result, doubts=doubts, missing=missing)
        alone = progress.calls_ok <= (result.status == "ok")
        afresh = self.protocol.retries_afresh and alone and result.status != "refused"
        failed = result.status != "ok" or bool(doubts) or (afresh and bool(missing))
        progress.retrying = failed
        budget.failures_in_a_row = budget.failures_in_a_row + 1 if failed else 0
        if failed and afresh:
            progress.calls_ok = 0
            progress.values.clear()
            await self.roll_back()
            self.context.ask_again(task.question, retry_note(situation))
            yield make(events.Note, code="retry", text="That did not work; trying afresh.")
            return
        self.context.append(self.protocol.observation_message(call, situation))

    @staticmethod
    def _doubts(
        task: Task, call: ToolCall, result: ToolResult, progress: Progress
    ) -> tuple[str, ...]:
        if progress.doubts >= MOST_DOUBTS:
            return ()
        code = call.arguments.get("code")
        typed_in = (
            task.has_data
            and progress.calls_ok == 1
            and isinstance(code, str)
            and only_literals(code, task.value_names)
        )
        return (*result.doubts, NOT_COMPUTED) if typed_in else result.doubts

    async def _run_tool(
        self, call: ToolCall, budget: Budget, make: EventMaker
    ) -> AsyncIterator[ToolItem | Prepared | events.ApprovalRequested | events.ApprovalResolved]:
        try:
            self.tools.validate(call.tool, call.arguments)
        except (UnknownToolError, InvalidArgumentsError) as error:
            yield ToolResult(status="refused", observation=str(error))
            return
        code = call.arguments.get("code")
        if isinstance(code, str) and budget.is_repeat(code):
            text = "That is the same code again; it was not run. Change it, or give the answer."
            yield ToolResult(status="refused", observation=text)
            return
        tool = self.tools.get(call.tool)
        prepared = await tool.prepare(call.arguments)
        for notice in prepared.notices:
            yield notice
        arguments = prepared.arguments
        edited = False
        risk = self.approvals.question(call.tool, arguments)
        if risk is not None:
            differing = dict(arguments) if arguments != call.arguments else None
            yield make(
                events.ApprovalRequested,
                call_id=call.call_id,
                risk=risk.words,
                arguments=differing,
            )
            decision = await self.approvals.decide(call.call_id, call.tool)
            edited = decision.arguments is not None
            arguments = decision.arguments or arguments
            yield make(
                events.ApprovalResolved,
                call_id=call.call_id,
                decision=decision.decision,
                by=decision.by,
                arguments=dict(arguments) if edited else None,
            )
            if decision.decision == "denied":
                text = DENIED if decision.by == "user" else UNATTENDED
                yield ToolResult(status="refused", observation=text)
                return
        yield Prepared(arguments=arguments)
        async for item in tool.run(arguments):
            if isinstance(item, ToolResult) and edited:
                yield replace(item, observation=EDITED + item.observation)
            else:
                yield item

    @staticmethod
    def _note(task: Task, result: ToolResult, printed: str, progress: Progress) -> dict[str, Any]:
        if result.status != "ok":
            progress.calls_failed += 1
            return {}
        progress.calls_ok += result.computed
        progress.last_output = result.observation
        progress.seen += [printed[-MOST_CHARACTERS:], result.observation]
        names = task.value_names
        found = {name: value for name, value in result.values.items() if name in names}
        for other, name in task.placeholders.items():
            if other in result.values:
                found.setdefault(name, result.values[other])
        found.update(asked.printed_values(printed, names, task.value_pattern))
        if len(names) == 1 and not found and (lone := asked.lone_number(printed)) is not None:
            found[names[0]] = lone
        decimals = asked.decimals_asked(task.question.text, names, task.value_pattern)
        found = {name: asked.rounded(value, decimals.get(name)) for name, value in found.items()}
        progress.values.update(found)
        return found
