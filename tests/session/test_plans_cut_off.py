"""Planned runs whose tokens run out: the step that is cut off is begun again; a real kernel."""

from __future__ import annotations

import pytest

from analyst.llm.scripted import ScriptedReply
from analyst.record import events
from analyst.record.events import Usage
from analyst.record.runs import list_runs

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer
from .test_planned_runs import (
    CHART,
    FINAL,
    FRAME,
    LINES,
    MEAN,
    PLAN,
    QUESTION,
    code,
    replies_that_fail,
    statuses,
)

LIMIT = {**PLAN, "max_tokens_per_run": 500}


def reply(text: str, tokens: int = 50) -> ScriptedReply:
    return ScriptedReply(text=text, usage=Usage(input=tokens))


async def test_a_step_that_the_budget_cuts_off_is_begun_again(make_session: MakeSession) -> None:
    failing = reply(code("px.line(nothing).show()"), 400)
    session = make_session([reply(LINES), reply(code(MEAN)), failing], settings=LIMIT)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert statuses(stream) == [(0, "ok")]
    answer = the_answer(stream)
    assert not answer.complete
    assert "the limit of 500 tokens was reached" in answer.text
    assert "2 steps are left; `analyst resume" in answer.text
    again = make_session([code(CHART), FINAL], settings=PLAN)
    resumed = await collect(again, "", resume=stream[0].run_id)
    assert statuses(resumed) == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert the_answer(resumed).complete
    assert "Not done" not in the_answer(resumed).text


async def test_a_private_run_names_no_way_to_go_on(make_session: MakeSession) -> None:
    failing = reply(code("px.line(nothing).show()"), 400)
    private = {**LIMIT, "private": True}
    session = make_session([reply(LINES), reply(code(MEAN)), failing], settings=private)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert "2 steps are left." in the_answer(stream).text
    assert "resume" not in the_answer(stream).text


async def test_a_plan_of_one_step_goes_on_too(make_session: MakeSession) -> None:
    replies = [reply("1. Compute the mean life"), reply(code("print(nothing)"), 500)]
    session = make_session(replies, settings=LIMIT)
    stream = await collect(session, "What is the mean life?", data={"df": FRAME})
    assert statuses(stream) == []
    again = make_session(
        [code("print(df['life'].mean())"), "FINAL: It is 66.5.", "FINAL: It is 66.5."],
        settings=PLAN,
    )
    resumed = await collect(again, "", resume=stream[0].run_id)
    assert statuses(resumed) == [(0, "ok")]
    assert the_answer(resumed).complete
    assert the_answer(resumed).text == "It is 66.5."


async def test_a_last_step_to_write_that_the_budget_cuts_off_is_begun_again(
    make_session: MakeSession,
) -> None:
    replies = [reply(LINES), reply(code(MEAN)), reply(code(CHART)), reply("I wonder.", 400)]
    session = make_session(replies, settings=LIMIT)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert statuses(stream) == [(0, "ok"), (1, "ok")]
    answer = the_answer(stream)
    assert not answer.complete
    assert answer.text.startswith("**No complete answer:** the limit of 500 tokens was reached.")
    assert "1 step is left; `analyst resume" in answer.text
    again = make_session([FINAL], settings=PLAN)
    resumed = await collect(again, "", resume=stream[0].run_id)
    assert statuses(resumed) == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert the_answer(resumed).complete


async def test_a_step_is_not_left_out_because_no_tokens_are_left_to_ask_about_it(
    make_session: MakeSession,
) -> None:
    failing, asked = reply(code("px.line(nothing).show()")), reply("1. Dra", 400)
    replies = [reply(LINES), reply(code(MEAN)), failing, asked]
    session = make_session(replies, settings={**LIMIT, "max_steps": 1})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert statuses(stream) == [(0, "ok")]
    assert not of_kind(stream, events.PlanRevised)


async def test_an_answer_that_is_all_that_lacks_can_be_gone_on_to(
    make_session: MakeSession,
) -> None:
    plan = "1. Compute the mean life per year\n2. Count the rows"
    replies = [reply(plan), reply(code(MEAN)), reply(code("print(len(df))")), reply("Hm.", 400)]
    session = make_session(replies, settings=LIMIT)
    stream = await collect(session, "How did it change?", data={"df": FRAME})
    assert statuses(stream) == [(0, "ok"), (1, "ok")]
    assert "Only the answer is left to be written; `analyst resume" in the_answer(stream).text
    again = make_session([FINAL], settings=PLAN)
    resumed = await collect(again, "", resume=stream[0].run_id)
    assert the_answer(resumed).text == "It rose from 65.0 to 68.0 years."


async def test_a_plan_is_revised_no_more_often_for_being_gone_on_with(
    make_session: MakeSession,
) -> None:
    replies, fails = replies_that_fail()
    session = make_session(replies, settings=PLAN)
    with pytest.raises(AssertionError, match="asked for one more"):
        await collect(session, "Draw it", data={"df": FRAME})
    (broken_off, *_) = list_runs(directory=session.data_directory)
    # A third plan would be asked for beyond what the script holds.
    again = make_session([fails, fails], settings=PLAN)
    stream = await collect(again, "", resume=broken_off.run_id)
    assert statuses(stream) == [(0, "error"), (1, "error"), (2, "skipped")]
    assert not of_kind(stream, events.PlanRevised)
