"""Answers computed a second time or reviewed: a real kernel, the model's replies scripted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import ModelUnreachableError
from analyst.llm.scripted import ScriptedModel
from analyst.record import events
from analyst.record.audit import audited
from analyst.session import Session

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"region": ["north", "south", "north"], "qty": [1.0, 2.0, 4.0]})
MEAN = "```python\nmean = df['qty'].mean()\nprint(mean)\n```"
BY_HAND = "```python\nmean = df['qty'].sum() / len(df)\nprint(mean)\n```"
WRONG = "```python\nmean = df['qty'].median()\nprint(mean)\n```"
BROKEN = "```python\nmean = df['quantity'].mean()\n```"


def scripted(session: Session) -> ScriptedModel:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return model


def codes(stream: list[events.Event]) -> list[str]:
    return [note.code for note in of_kind(stream, events.Note)]


async def ask(session: Session, **options: Any) -> list[events.Event]:
    return await collect(
        session, "Mean qty, rounded to 2 decimals?", data={"df": FRAME}, values=["mean"], **options
    )


async def test_two_that_agree_end_the_run_and_the_record_tells_what_it_cost(
    make_session: MakeSession,
) -> None:
    session = make_session([MEAN, BY_HAND], settings={"checks": "second"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert codes(stream)[-1] == "second_agrees"
    first, second = scripted(session).requests
    assert second.messages == first.messages
    assert second.temperature > first.temperature
    assert second.seed != first.seed
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.steps, finished.status) == (1, "ok")
    spent = finished.usage_by_check["second"]
    assert 0 < spent.total < finished.usage.total
    assert finished.seconds_by_phase["second"] > 0


async def test_a_first_answer_that_two_others_outvote_is_given_up(
    make_session: MakeSession,
) -> None:
    session = make_session([WRONG, MEAN, BY_HAND], settings={"checks": "second"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert "second_agrees" in codes(stream)
    assert codes(stream)[-1] == "retry"
    # What is in the record as the answer's code is what computed it.
    calls = of_kind(stream, events.ToolCallStarted)
    assert [".mean()" in str(call.arguments) for call in calls] == [False, True]
    assert scripted(session).requests[-1].messages[-1]["role"] == "user"


async def test_three_that_all_differ_leave_the_first_and_mark_it(
    make_session: MakeSession,
) -> None:
    other = "```python\nmean = df['qty'].max()\n```"
    session = make_session([MEAN, WRONG, other], settings={"checks": "second"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    (note,) = [one for one in of_kind(stream, events.Note) if one.code == "second_differs"]
    assert note.level == "warning"
    assert "mean = 2.33" in note.text
    assert "mean = 2.0" in note.text
    assert "mean = 4.0" in note.text


async def test_what_fails_has_no_voice(make_session: MakeSession) -> None:
    session = make_session([MEAN, BROKEN, "FINAL: It is 7."], settings={"checks": "second"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert not {"second_agrees", "second_differs", "second_failed"} & set(codes(stream))


async def test_careful_computes_side_by_side(make_session: MakeSession) -> None:
    session = make_session([WRONG, MEAN, BY_HAND], settings={"careful": "yes"})
    assert the_answer(await ask(session)).values == {"mean": 2.33}


async def test_a_model_that_fails_in_the_check_does_not_cost_the_answer(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [MEAN, ModelUnreachableError("Nobody answers.")], settings={"checks": "second"}
    )
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert "second_failed" in codes(stream)


async def test_the_variables_are_those_of_the_answer(make_session: MakeSession) -> None:
    first = "```python\ndf['twice'] = df['qty'] * 2\nmean = df['qty'].mean()\nkept = 5\n```"
    other = "```python\ndf['qty'] = 0\nmean = 2.33\nother = df['qty'].max()\n```"
    look = "```python\nprint(list(df.columns), kept, 'other' in globals(), df['qty'].sum())\n```"
    session = make_session([first, other, look, "FINAL: Done."], settings={"checks": "second"})
    await ask(session)
    stream = await collect(session, "What is there?")
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert "['region', 'qty', 'twice'] 5 False 7.0" in finished.observation


async def test_numbers_in_words_are_looked_for_in_another_computation(
    make_session: MakeSession,
) -> None:
    code = "```python\nprint(df['qty'].mean().round(3))\n```"
    again = "```python\nprint((df['qty'].sum() / 3).round(3))\n```"
    session = make_session([code, "FINAL: It is 2.333.", again], settings={"checks": "second"})
    stream = await collect(session, "What is the mean qty?", data={"df": FRAME})
    assert the_answer(stream).text == "It is 2.333."
    assert codes(stream)[-1] == "second_agrees"
    median = "```python\nprint(df['qty'].median())\n```"
    session = make_session(
        [code, "FINAL: It is 2.333.", median, median],
        settings={"checks": "second", "memory": "no"},
    )
    stream = await collect(session, "What is the mean qty?", data={"df": FRAME})
    assert the_answer(stream).text == "It is 2.333."
    assert codes(stream)[-1] == "second_differs"


async def test_words_alone_are_not_computed_again(make_session: MakeSession) -> None:
    code = "```python\nprint(df.groupby('region')['qty'].sum().idxmax())\n```"
    session = make_session([code, "FINAL: The north."], settings={"checks": "second"})
    stream = await collect(session, "Which region sold most?", data={"df": FRAME})
    assert the_answer(stream).text == "The north."
    assert len(scripted(session).requests) == 2


async def test_what_would_have_to_be_allowed_is_not_run_unasked(make_session: MakeSession) -> None:
    session = make_session(
        [MEAN, WRONG, WRONG],
        settings={"checks": "second", "approval": "ask", "approval_unattended": "approve"},
    )
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert len(of_kind(stream, events.ApprovalRequested)) == 1
    assert not {"second_agrees", "second_differs"} & set(codes(stream))


async def test_a_critic_who_agrees_costs_a_request(make_session: MakeSession) -> None:
    session = make_session([MEAN, "OK"], settings={"checks": "critic"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert "critic_agrees" in codes(stream)
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.usage_by_check["critic"].total > 0
    shown = scripted(session).requests[-1].messages
    assert "Review the code" in shown[-1]["content"]
    assert any("df['qty'].mean()" in str(message["content"]) for message in shown)


@pytest.mark.parametrize("protocol", ["fenced", "native"])
async def test_a_fault_costs_one_more_try(make_session: MakeSession, protocol: str) -> None:
    session = make_session(
        [WRONG, "FAULT: It takes the median, not the mean.", MEAN],
        settings={"checks": "critic"},
        protocol=protocol,
    )
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert "median, not the mean" in scripted(session).requests[-1].messages[-1]["content"]
    assert codes(stream).count("critic_fault") == 1


async def test_without_checks_nothing_is_doubted_and_nothing_asked(
    make_session: MakeSession,
) -> None:
    none = "```python\nmean = df[df['region'] == 'North']['qty'].sum()\n```"
    session = make_session([none], settings={"checks": "none"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 0.0}
    session = make_session([none, MEAN], settings={"memory": "no"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert "It holds 'north'" in scripted(session).requests[-1].messages[-1]["content"]


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_the_record_says_what_became_of_a_second_computation(
    make_session: MakeSession, decision: str
) -> None:
    # The first writes nothing; the second does, which this mode would have to ask about.
    second = BY_HAND if decision == "allow" else BY_HAND.replace("print", "df.to_csv('x')\nprint")
    settings = {"checks": "second", "approval": "risky"}
    session = make_session([MEAN, second, second], settings=settings)
    stream = await ask(session)
    made = audited(stream[0].run_id, directory=session.data_directory)
    outcomes = ["allowed"] if decision == "allow" else ["denied", "denied"]
    assert [one.outcome for one in made] == ["allowed", *outcomes]
    assert "second computation" in made[1].why


async def test_the_record_shows_a_call_as_it_ran(make_session: MakeSession) -> None:
    session = make_session([MEAN.replace("'qty'", "'Qty'")], settings={"checks": "none"})
    stream = await ask(session)
    (made,) = audited(stream[0].run_id, directory=session.data_directory)
    assert "df['qty']" in made.arguments["code"]


async def test_last_tries_come_side_by_side_where_all_failed(make_session: MakeSession) -> None:
    broken = [f"```python\nmean = df['x{number}'].mean()\n```" for number in range(4)]
    session = make_session([*broken, BROKEN, MEAN])
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert the_answer(stream).complete
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.usage_by_check["last_tries"].total > 0
    plain, _ = scripted(session).requests[-2:]
    assert "first try" not in plain.messages[-1]["content"]


async def test_last_tries_that_fail_too_leave_the_partial_answer(
    make_session: MakeSession,
) -> None:
    broken = [f"```python\nmean = df['x{number}'].mean()\n```" for number in range(8)]
    session = make_session(broken)
    stream = await ask(session)
    assert not the_answer(stream).complete
    assert "second_failed" not in codes(stream)


async def test_what_looks_wrong_has_no_voice(make_session: MakeSession) -> None:
    doubtful = "```python\nmean = df[df['region'] == 'North']['qty'].sum()\n```"
    session = make_session([MEAN, doubtful, doubtful], settings={"checks": "silent_errors,second"})
    stream = await ask(session)
    assert the_answer(stream).values == {"mean": 2.33}
    assert not {"second_agrees", "second_differs"} & set(codes(stream))
