"""Calling tools in tests: a tool that counts, and calls with what they leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from analyst.agent.action import ToolCall
from analyst.agent.approval import ApprovalDesk, Approvals
from analyst.agent.budget import Budget, Limits
from analyst.agent.calls import ToolCalls
from analyst.agent.context import Context, Question
from analyst.agent.protocol import NativeProtocol
from analyst.agent.task import Progress, Task
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.permissions import Permissions
from analyst.tools.registry import (
    Tool,
    ToolDefaults,
    ToolItem,
    ToolRegistry,
    ToolResult,
    TransientToolError,
)
from analyst.tools.risk import Level, Risk


class Counting(ToolDefaults):
    """Says how often it ran; fails in passing as often as it is told to."""

    description = "Count."
    editable = "text"
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 1}},
        "required": ["text"],
        "additionalProperties": False,
    }

    def __init__(
        self,
        name: str,
        *,
        pure: bool = False,
        seconds: float = 0.0,
        fails: int = 0,
        level: Level = "safe",
        cacheable: bool = True,
    ) -> None:
        self.name, self.pure, self.fails = name, pure, fails
        self.cacheable = cacheable
        self.seconds, self.level = seconds, level
        self.ran: list[str] = []

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        return Risk(self.level, f"It is {self.level}.")

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        self.ran.append(arguments["text"])
        await asyncio.sleep(self.seconds)
        if len(self.ran) <= self.fails:
            raise TransientToolError("The host is busy.")
        yield ToolResult(status="ok", observation=f"{arguments['text']} {len(self.ran)}")


class Bench:
    """Calls of some tools, and what they leave."""

    def __init__(self, *tools: Tool, **approvals: Any) -> None:
        self.desk = ApprovalDesk()
        self.context = Context([], 10_000)
        self.context.ask(Question(text="q"))
        self.progress = Progress()
        self.budget = Budget(Limits())
        self.make = EventMaker("run")
        approvals.setdefault("permissions", Permissions())
        self.calls = ToolCalls(
            NativeProtocol(),
            ToolRegistry(tools),
            self.context,
            self.roll_back,
            Approvals(desk=self.desk, pausing=contextlib.nullcontext, **approvals),
        )

    async def roll_back(self) -> None:
        raise AssertionError("a native model's calls roll nothing back")

    async def run(self, *asked: tuple[str, Any], decide: Any = None) -> list[events.Event]:
        calls = [
            ToolCall(
                call_id=f"c{at}",
                tool=tool,
                arguments=given if isinstance(given, dict) else {"text": given},
                raw="",
            )
            for at, (tool, given) in enumerate(asked)
        ]
        found = []
        task = Task(question=Question(text="q"))
        stream = self.calls.run(task, calls, self.budget, self.make, self.progress)
        async for event in stream:
            found.append(event)
            if decide is not None and isinstance(event, events.ApprovalRequested):
                asyncio.get_running_loop().call_soon(decide, self.desk, event)
        return found


def finished(stream: list[events.Event]) -> list[events.ToolCallFinished]:
    return [event for event in stream if isinstance(event, events.ToolCallFinished)]
