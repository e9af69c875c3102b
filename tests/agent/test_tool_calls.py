"""Calls of one turn: side by side, answered by earlier ones, tried again, asked about."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from analyst.agent.action import ToolCall
from analyst.agent.approval import ApprovalDesk, Approvals
from analyst.agent.budget import Budget, Limits
from analyst.agent.calls import ToolCalls
from analyst.agent.context import Context, Question
from analyst.agent.protocol import NativeProtocol
from analyst.agent.task import Progress, Task
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.ask_user import AskUserTool
from analyst.tools.permissions import Permissions, Rule
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
    ) -> None:
        self.name, self.pure, self.fails = name, pure, fails
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


async def test_three_pure_calls_of_a_second_take_less_than_one_and_a_half():
    bench = Bench(Counting("look", pure=True, seconds=1.0))
    began = time.monotonic()
    stream = await bench.run(("look", "a"), ("look", "b"), ("look", "c"))
    assert time.monotonic() - began < 1.5
    assert len(finished(stream)) == 3
    told = [message["tool_call_id"] for message in bench.context.messages[1:]]
    assert told == ["c0", "c1", "c2"]


async def test_calls_that_may_change_something_run_one_after_the_other():
    bench = Bench(Counting("act", seconds=0.05), Counting("look", pure=True, seconds=0.05))
    stream = await bench.run(("act", "a"), ("look", "b"), ("look", "c"), ("act", "d"))
    order = [
        (event.type, event.call_id)
        for event in stream
        if isinstance(event, events.ToolCallStarted | events.ToolCallFinished)
    ]
    assert order[:2] == [("tool_call_started", "c0"), ("tool_call_finished", "c0")]
    assert {pair[1] for pair in order[2:6]} == {"c1", "c2"}
    assert order[6:] == [("tool_call_started", "c3"), ("tool_call_finished", "c3")]


async def test_an_equal_pure_call_is_answered_by_the_first_until_something_else_ran():
    look, act = Counting("look", pure=True), Counting("act")
    bench = Bench(look, act)
    first, second = finished([*await bench.run(("look", "a")), *await bench.run(("look", "a"))])
    assert (first.cached, second.cached) == (False, True)
    assert first.observation == second.observation
    await bench.run(("act", "x"))
    (third,) = finished(await bench.run(("look", "a")))
    assert (third.cached, len(look.ran)) == (False, 2)


async def test_a_pure_call_that_failed_in_passing_is_tried_again(monkeypatch):
    monkeypatch.setattr("analyst.agent.calls.PAUSES", (0.0, 0.0))
    bench = Bench(Counting("look", pure=True, fails=2))
    stream = await bench.run(("look", "a"))
    assert finished(stream)[0].observation == "a 3"
    assert [e.code for e in stream if isinstance(e, events.Note)] == ["call_retried"] * 2


async def test_a_call_that_may_have_done_something_is_not_tried_again(monkeypatch):
    monkeypatch.setattr("analyst.agent.calls.PAUSES", (0.0, 0.0))
    act, look = Counting("act", fails=9), Counting("look", pure=True, fails=9)
    bench = Bench(act, look)
    (acted,) = finished(await bench.run(("act", "a")))
    assert (acted.status, acted.observation, len(act.ran)) == ("error", "The host is busy.", 1)
    (looked,) = finished(await bench.run(("look", "a")))
    assert (looked.status, len(look.ran)) == ("error", 3)


async def test_every_decision_is_told():
    bench = Bench(Counting("look"), Counting("send", level="risky"))
    stream = await bench.run(("look", "a"), ("send", "b"))
    decided = [event for event in stream if isinstance(event, events.PermissionDecided)]
    assert [(one.tool, one.decision, one.level) for one in decided] == [
        ("look", "allow", "safe"),
        ("send", "ask", "risky"),
    ]
    assert finished(stream)[1].status == "refused"


async def test_what_cannot_be_taken_back_is_done_on_no_policys_word():
    drop = Counting("drop", level="irreversible")
    bench = Bench(drop, unattended="approve")
    await bench.run(("drop", "a"))
    assert drop.ran == []
    attended = Bench(drop, attended=True)
    await attended.run(
        ("drop", "a"), decide=lambda desk, e: desk.resolve(e.call_id, "approved", always=True)
    )
    assert drop.ran == ["a"]
    assert attended.desk.always == set()


async def test_a_denied_call_does_not_run_and_says_by_whom():
    act = Counting("act")
    denying = Rule(tool="act", decision="deny", where={}, source="the project's rules")
    (event,) = finished(
        await Bench(act, permissions=Permissions(rules=(denying,))).run(("act", "a"))
    )
    assert (event.status, act.ran) == ("refused", [])
    assert "the project's rules" in event.observation


async def test_an_edited_call_is_checked_again():
    send = Counting("send", level="risky")
    denying = Rule(tool="send", decision="deny", where={"text": "secret*"}, source="your rules")
    permissions = Permissions(rules=(denying,))
    for typed, status in (("hello", "ok"), ("secret plans", "refused")):
        bench = Bench(send, attended=True, permissions=permissions)
        stream = await bench.run(
            ("send", "draft"),
            decide=lambda desk, e, typed=typed: desk.resolve(e.call_id, "edited", text=typed),
        )
        assert finished(stream)[0].status == status
        decisions = [e.decision for e in stream if isinstance(e, events.PermissionDecided)]
        assert decisions == (["ask"] if status == "ok" else ["ask", "deny"])
    assert send.ran == ["hello"]


async def test_what_is_asked_about_each_time_no_policy_and_no_earlier_approval_allows():
    act = Counting("act")
    asking = Rule(tool="act", decision="ask", where={}, source="the administrator", always=True)
    permissions = Permissions(rules=(asking,))
    await Bench(act, permissions=permissions, unattended="approve").run(("act", "a"))
    assert act.ran == []
    bench = Bench(act, permissions=permissions, attended=True)
    bench.desk.always.add("act")
    stream = await bench.run(
        ("act", "a"), decide=lambda desk, e: desk.resolve(e.call_id, "approved", always=True)
    )
    (asked,) = [event for event in stream if isinstance(event, events.ApprovalRequested)]
    assert not asked.can_always
    assert act.ran == ["a"]


@pytest.mark.parametrize(
    ("text", "said"), [("by year", "The user says: by year"), (None, "Nobody is here")]
)
async def test_the_model_can_ask_the_user(text, said):
    bench = Bench(AskUserTool(), attended=text is not None)
    question = {"question": "By year or month?", "choices": ["by year", "by month"]}
    stream = await bench.run(
        ("ask_user", question),
        decide=lambda desk, e: desk.resolve(e.call_id, "approved", text=text),
    )
    (asked,) = [event for event in stream if isinstance(event, events.ApprovalRequested)]
    assert (asked.kind, asked.choices) == ("question", ("by year", "by month"))
    (resolved,) = [event for event in stream if isinstance(event, events.ApprovalResolved)]
    assert resolved.answer == text
    assert finished(stream)[0].observation.startswith(said)
