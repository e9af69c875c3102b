"""Approvals: what asks, what each decision does, and that waiting costs no time of the run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import NativeToolCall
from analyst.record import events
from analyst.session import Session

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"price": [1.0, 2.0, 6.0]})
MEAN = "```python\nprint(df['price'].mean())\n```"
WRITE = "```python\ndf.to_csv('copy.csv')\nprint(df['price'].mean())\n```"
FINAL = "FINAL: The mean price is 3.0."
ASK = {"approval": "ask", "memory": False}
RISKY = {"approval": "risky", "memory": False}


async def ask_and_decide(
    session: Session, decide: Callable[[events.ApprovalRequested], Any], **options: Any
) -> list[events.Event]:
    """Ask a question, and decide what is asked back."""
    stream = []
    asking = session.ask("What is the mean price?", data={"df": FRAME}, attended=True, **options)
    async for event in asking:
        stream.append(event)
        if isinstance(event, events.ApprovalRequested):
            decided = decide(event)
            if asyncio.iscoroutine(decided):
                await decided
    return stream


async def test_an_approved_call_runs(make_session: MakeSession) -> None:
    session = make_session([MEAN, FINAL], settings=ASK)
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    (asked,) = of_kind(stream, events.ApprovalRequested)
    assert "isolated kernel" in asked.risk
    (resolved,) = of_kind(stream, events.ApprovalResolved)
    assert (resolved.decision, resolved.by) == ("approved", "user")
    kinds = [event.type for event in stream if "call" in event.type or "approval" in event.type]
    assert kinds == [
        "tool_call_started",
        "approval_requested",
        "approval_resolved",
        "tool_call_finished",
    ]
    assert the_answer(stream).text == "The mean price is 3.0."


async def test_a_denied_call_does_not_run_and_the_model_is_told(
    make_session: MakeSession,
) -> None:
    session = make_session([WRITE, "FINAL: It may not be known."], settings=ASK)
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "denied")
    )
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.status == "refused"
    assert "did not allow" in finished.observation
    assert not of_kind(stream, events.OutputEmitted)
    assert not await session.written_files()


async def test_an_edited_call_runs_as_it_was_edited(make_session: MakeSession) -> None:
    session = make_session([MEAN, FINAL], settings=ASK)
    stream = await ask_and_decide(
        session,
        lambda event: session.resolve_approval(event.call_id, "edited", "print(6 * 7)"),
    )
    (resolved,) = of_kind(stream, events.ApprovalResolved)
    assert resolved.arguments == {"code": "print(6 * 7)"}
    (output,) = of_kind(stream, events.OutputEmitted)
    assert output.output is not None
    assert output.output["text"] == "42\n"
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.observation.startswith("The user edited the call")


async def test_what_will_run_is_what_is_shown(make_session: MakeSession) -> None:
    slip = "```python\nprint(df['Price'].mean())\n```"
    session = make_session([slip, FINAL], settings=ASK)
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    (asked,) = of_kind(stream, events.ApprovalRequested)
    assert asked.arguments == {"code": "print(df['price'].mean())"}


async def test_always_holds_for_the_conversation_and_ends_with_it(
    make_session: MakeSession,
) -> None:
    session = make_session([MEAN, FINAL, MEAN, FINAL, MEAN, FINAL], settings=ASK)
    asked = []
    for _ in range(2):
        stream = await ask_and_decide(
            session,
            lambda event: session.resolve_approval(event.call_id, "approved", always=True),
        )
        asked.append(len(of_kind(stream, events.ApprovalRequested)))
    await session.reset()
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    asked.append(len(of_kind(stream, events.ApprovalRequested)))
    assert asked == [1, 0, 1]


async def test_only_what_is_risky_asks_where_the_user_wants_that(
    make_session: MakeSession,
) -> None:
    session = make_session([MEAN, FINAL, WRITE, FINAL], settings=RISKY)
    assert not of_kind(await ask_and_decide(session, lambda _: None), events.ApprovalRequested)
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    (asked,) = of_kind(stream, events.ApprovalRequested)
    assert "writes files" in asked.risk


@pytest.mark.parametrize(("policy", "status"), [("deny", "refused"), ("approve", "ok")])
async def test_where_nobody_can_be_asked_the_policy_decides(
    make_session: MakeSession, policy: str, status: str
) -> None:
    answer = "FINAL: The code was not allowed, or it ran."
    session = make_session([MEAN, answer], settings={**ASK, "approval_unattended": policy})
    stream = await collect(session, "What is the mean price?", data={"df": FRAME})
    (resolved,) = of_kind(stream, events.ApprovalResolved)
    assert resolved.by == "policy"
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.status == status


async def test_waiting_costs_neither_the_runs_time_nor_the_calls(
    make_session: MakeSession,
) -> None:
    session = make_session([MEAN, FINAL], settings={**ASK, "max_seconds": 20})
    await session.kernel_task(session.settings)

    async def later(event: events.ApprovalRequested) -> None:
        await asyncio.sleep(3)
        session.resolve_approval(event.call_id, "approved")

    stream = await ask_and_decide(session, later, overrides={"max_seconds": 2.5})
    assert stream[-1].type == "run_finished"
    assert the_answer(stream).complete
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.seconds < 2.5


async def test_a_run_that_waits_can_be_stopped(make_session: MakeSession) -> None:
    session = make_session([MEAN, FINAL, MEAN, FINAL], settings=ASK)
    stopping: list[asyncio.Task[None]] = []
    stream = await ask_and_decide(
        session, lambda _: stopping.append(asyncio.create_task(session.stop()))
    )
    with contextlib.suppress(asyncio.CancelledError):
        await stopping[0]
    assert isinstance(stream[-1], events.RunFinished)
    assert stream[-1].status == "stopped"
    assert not session.approval_desk.waiting
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    assert the_answer(stream).text == "The mean price is 3.0."


async def test_the_first_decision_counts_and_others_are_told_so(
    make_session: MakeSession,
) -> None:
    session = make_session([MEAN, FINAL], settings=ASK)
    results: list[bool] = []

    def twice(event: events.ApprovalRequested) -> None:
        results.append(session.resolve_approval(event.call_id, "approved"))
        results.append(session.resolve_approval(event.call_id, "denied"))
        results.append(session.resolve_approval("no-such-call", "approved"))

    stream = await ask_and_decide(session, twice)
    assert results == [True, False, False]
    (resolved,) = of_kind(stream, events.ApprovalResolved)
    assert resolved.decision == "approved"


async def test_an_edited_call_needs_code(make_session: MakeSession) -> None:
    session = make_session([MEAN, FINAL], settings=ASK)

    def empty_first(event: events.ApprovalRequested) -> None:
        with pytest.raises(ValueError, match="needs its code"):
            session.resolve_approval(event.call_id, "edited", "  ")
        session.resolve_approval(event.call_id, "approved")

    stream = await ask_and_decide(session, empty_first)
    assert the_answer(stream).complete


async def test_a_decision_means_one_call_though_a_server_repeats_its_ids(
    make_session: MakeSession,
) -> None:
    calls = [
        NativeToolCall("call_0", "python", json.dumps({"code": f"print({number})"}))
        for number in range(3)
    ]
    session = make_session([calls[0], calls[1], calls[2], "Done."], settings=ASK, protocol="native")
    stream = await ask_and_decide(
        session, lambda event: session.resolve_approval(event.call_id, "approved")
    )
    ids = [event.call_id for event in of_kind(stream, events.ToolCallFinished)]
    assert len(ids) == len({*ids}) == 3
    # What was decided is decided: a click that comes late decides on nothing else.
    assert not session.resolve_approval(ids[0], "approved")
