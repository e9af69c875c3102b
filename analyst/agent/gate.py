"""The way of a call to its tool: is it a call at all, may it run, and what exactly runs.

Here: checks, preparation, permission and approval, each told by an event. Not here: running it
(:mod:`analyst.agent.calls`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from analyst.agent import guarded
from analyst.agent.action import ToolCall
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.permissions import Judgement
from analyst.tools.registry import (
    InvalidArgumentsError,
    Tool,
    ToolNotice,
    ToolRegistry,
    ToolResult,
    UnknownToolError,
)

DENIED = "The user did not allow this call. Find another way, or say what is missing."
UNATTENDED = "Nobody is here to allow this call. Find another way, or say what is missing."
FORBIDDEN = "This call is not allowed: it is {why}. Find another way, or say what is missing."
REPEATED = "That is the same code again; it was not run. Change it, or give the answer."


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A call that may run, exactly as it will; ``differs``: not quite as the model wrote it."""

    tool: Tool
    arguments: Mapping[str, Any]
    edited: bool = False
    differs: bool = False


Passage = (
    Admitted
    | ToolResult
    | ToolNotice
    | events.PermissionDecided
    | events.ApprovalRequested
    | events.ApprovalResolved
)
"""What happens on the way; last comes an :class:`Admitted`, or the result of a call refused."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets the calls of one run pass, or not."""

    tools: ToolRegistry
    approvals: Approvals

    async def admit(
        self, call: ToolCall, budget: Budget, make: EventMaker
    ) -> AsyncIterator[Passage]:
        """Take a call to its tool; yield what happens on the way."""
        try:
            self.tools.validate(call.tool, call.arguments)
        except (UnknownToolError, InvalidArgumentsError) as error:
            yield ToolResult(status="refused", observation=str(error))
            return
        code = call.arguments.get("code")
        if isinstance(code, str) and budget.is_repeat(code):
            yield ToolResult(status="refused", observation=REPEATED)
            return
        tool = self.tools.get(call.tool)
        given = self.tools.completed(call.tool, call.arguments)
        prepared = await guarded.prepared(tool, given)
        if isinstance(prepared, ToolResult):
            yield prepared
            return
        for notice in prepared.notices:
            yield notice
        arguments = prepared.arguments
        always = tool.name in self.approvals.desk.always
        judged = self.approvals.permissions.judge(
            tool.name, arguments, guarded.risk_of(tool, arguments), always=always
        )
        yield decided(make, call.call_id, tool.name, judged)
        if judged.verdict == "deny":
            observation = FORBIDDEN.format(why=judged.why)
            yield ToolResult(status="refused", observation=observation)
            return
        if judged.verdict == "allow":
            yield Admitted(tool=tool, arguments=arguments, differs=arguments != given)
            return
        can_always = not judged.each_time
        text = arguments.get(tool.editable) if tool.editable else None
        yield make(
            events.ApprovalRequested,
            call_id=call.call_id,
            risk=judged.risk.words,
            arguments=dict(arguments) if arguments != given else None,
            editable=text if isinstance(text, str) else None,
            preview=prepared.preview,
            can_always=can_always,
        )
        decision = await self.approvals.decide(call.call_id, tool.name, can_always=can_always)
        edited = decision.decision == "edited" and tool.editable is not None
        if edited:
            arguments = {**arguments, str(tool.editable): decision.text}
        yield make(
            events.ApprovalResolved,
            call_id=call.call_id,
            decision=decision.decision,
            by=decision.by,
            arguments=dict(arguments) if edited else None,
        )
        if decision.decision == "denied" or (decision.decision == "edited" and not edited):
            text = DENIED if decision.by == "user" else UNATTENDED
            yield ToolResult(status="refused", observation=text)
            return
        # What preparing added is the tool's own, and no part of what a call may say.
        said = {name: arguments[name] for name in call.arguments if name in arguments}
        if edited and (trouble := self._malformed(tool, said)):
            yield ToolResult(status="refused", observation=trouble)
            return
        if edited:
            # A rule that denies holds for what the user writes, too.
            risk = guarded.risk_of(tool, arguments)
            judged = self.approvals.permissions.judge(tool.name, arguments, risk)
            if judged.verdict == "deny":
                yield decided(make, call.call_id, tool.name, judged)
                observation = FORBIDDEN.format(why=judged.why)
                yield ToolResult(status="refused", observation=observation)
                return
        yield Admitted(tool=tool, arguments=arguments, edited=edited, differs=arguments != given)

    def _malformed(self, tool: Tool, said: Mapping[str, Any]) -> str:
        """Return what is wrong with a call as the user edited it; "" if nothing is."""
        try:
            self.tools.validate(tool.name, said)
        except InvalidArgumentsError as error:
            return str(error)
        return ""


def decided(
    make: EventMaker, call_id: str, tool: str, judged: Judgement
) -> events.PermissionDecided:
    """Return the event that tells what becomes of a call."""
    return make(
        events.PermissionDecided,
        call_id=call_id,
        tool=tool,
        decision=judged.verdict,
        why=judged.why,
        level=judged.risk.level,
        risk=judged.risk.words,
    )
