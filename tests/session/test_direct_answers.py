"""Questions that need no code: no kernel, no data, one short request. The model is scripted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import NativeToolCall
from analyst.llm.scripted import ScriptedModel
from analyst.record import events
from analyst.session import Session

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"region": ["north", "south", "north"], "qty": [1.0, 2.0, 4.0]})
DEFINITION = "A p-value is how likely data this extreme is by chance, often held against 0.05."
MEANS = "print(df.groupby('region')['qty'].mean())"
ANSWER = "North has 2.5, south has 2.0."


def code(source: str) -> str:
    return f"```python\n{source}\n```"


def call(source: str) -> NativeToolCall:
    return NativeToolCall("call_1", "python", f'{{"code": "{source}"}}')


def scripted(session: Session) -> ScriptedModel:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return model


def codes_of(stream: list[events.Event]) -> list[str]:
    return [note.code for note in of_kind(stream, events.Note)]


@pytest.mark.parametrize("protocol", ["fenced", "native"])
async def test_a_definition_takes_one_short_request_and_no_kernel(
    make_session: MakeSession, protocol: Any
) -> None:
    session = make_session([DEFINITION], protocol=protocol)
    stream = await collect(session, "What is a p-value?", data={"df": FRAME})
    assert the_answer(stream).text == DEFINITION
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.status, finished.steps) == ("ok", 1)
    assert session.status().kernel == "not started"
    assert not of_kind(stream, events.DataHandedOver)
    assert "direct" in codes_of(stream)
    (request,) = scripted(session).requests
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert "qty" not in str(request.messages)
    assert "```" not in str(request.messages)
    assert request.tools == ()
    assert request.aside
    assert of_kind(stream, events.Prompt)[0].messages == request.messages


async def test_data_that_came_with_it_waits_for_a_question_about_data(
    make_session: MakeSession, tmp_path: Path
) -> None:
    FRAME.to_csv(tmp_path / "sales.csv", index=False)
    session = make_session(
        [DEFINITION, "Fine.", code("print(df['qty'].sum(), sales['qty'].max())"), "FINAL: 7.0, 4.0"]
    )
    await collect(session, "What is a p-value?", data={"df": FRAME}, files=[Path("sales.csv")])
    await collect(session, "Thanks!")
    stream = await collect(session, "What is the sum of qty?")
    (handed,) = of_kind(stream, events.DataHandedOver)
    assert [one.name for one in handed.data] == ["df", "sales"]
    assert the_answer(stream).text == "7.0, 4.0"
    assert session.waiting.frames == {}


async def test_a_reset_forgets_data_that_waits(make_session: MakeSession) -> None:
    session = make_session([DEFINITION])
    await collect(session, "What is a p-value?", data={"df": FRAME})
    await session.reset()
    assert session.waiting.frames == {}


async def test_a_follow_up_is_answered_from_what_was_said(make_session: MakeSession) -> None:
    session = make_session([code(MEANS), f"FINAL: {ANSWER}", "North, with 2.5."])
    await collect(session, "Mean qty by region?", data={"df": FRAME})
    stream = await collect(session, "Which of the two was larger?")
    assert the_answer(stream).text == "North, with 2.5."
    assert not of_kind(stream, events.ToolCallStarted)
    request = scripted(session).requests[-1]
    assert [message["content"] for message in request.messages[1:]] == [
        "Mean qty by region?",
        ANSWER,
        "Which of the two was larger?",
    ]


@pytest.mark.parametrize(
    "reply",
    ["COMPUTE", "North, by 0.7.", "North is twice as large.", code("print(1)"), ""],
)
async def test_a_reply_that_says_more_goes_through_the_loop(
    make_session: MakeSession, reply: str
) -> None:
    more = "print(df[df['region'] == 'north']['qty'].mean())"
    session = make_session(
        [code(MEANS), f"FINAL: {ANSWER}", reply, code(more), "FINAL: North, with 2.5."]
    )
    await collect(session, "Mean qty by region?", data={"df": FRAME})
    stream = await collect(session, "Which of the two was larger?")
    assert "not_direct" in codes_of(stream)
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert "2.5" in finished.observation
    assert the_answer(stream).text == "North, with 2.5."


async def test_a_definition_is_no_ground_for_numbers(make_session: MakeSession) -> None:
    session = make_session(
        [DEFINITION, code("print(df['qty'].sum())"), "FINAL: 0.05", code("print(7.0)"), "FINAL: 7"]
    )
    await collect(session, "What is a p-value?")
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert "not_grounded" in codes_of(stream)


async def test_a_small_models_conversation_stays_one_of_code(make_session: MakeSession) -> None:
    session = make_session([DEFINITION, code("print(df['qty'].sum())"), "FINAL: 7.0"])
    await collect(session, "What is a p-value?")
    await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert DEFINITION not in str(scripted(session).requests[1].messages)
    assert [one.computed for one in session.exchanges] == [False, True]


async def test_a_native_models_conversation_goes_on_from_it(make_session: MakeSession) -> None:
    session = make_session([DEFINITION, call("print(df['qty'].sum())"), "7.0"], protocol="native")
    await collect(session, "What is a p-value?")
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    messages = scripted(session).requests[1].messages
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == DEFINITION
    assert of_kind(stream, events.Prompt)[0].tools


async def test_a_native_model_may_rest_on_what_was_computed_before(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            call(MEANS),
            ANSWER,
            "Yes: 2.5 against 2.0.",
            "It is 4.5 in all.",
            call("print(4.5)"),
            "4.5",
        ],
        protocol="native",
    )
    await collect(session, "Mean qty by region?", data={"df": FRAME})
    stream = await collect(session, "Is the north above the south?")
    assert the_answer(stream).text == "Yes: 2.5 against 2.0."
    assert "not_computed" not in codes_of(stream)
    # What no code gave is asked for all the same.
    stream = await collect(session, "And both together?")
    assert "not_computed" in codes_of(stream)


async def test_the_setting_and_what_is_asked_for_by_name_turn_it_off(
    make_session: MakeSession,
) -> None:
    script = [code("answer = 1\nprint(answer)"), "FINAL: one"]
    session = make_session(script, settings={"direct_answers": "no"})
    stream = await collect(session, "What is a p-value?")
    assert of_kind(stream, events.ToolCallStarted)
    session = make_session([code("p = 0.5")])
    stream = await collect(session, "What is a p-value?", values=["p"])
    assert the_answer(stream).values == {"p": 0.5}


async def test_a_long_definition_ends_with_a_sentence(make_session: MakeSession) -> None:
    from analyst.llm.scripted import ScriptedReply

    cut = ScriptedReply(text="It is a number. It is small when", finish_reason="length")
    session = make_session([cut])
    stream = await collect(session, "What is a p-value?")
    assert the_answer(stream).text == "It is a number."
