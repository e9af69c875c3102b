"""What checks the answer of a planned run: grounding, a critic, and what is said to be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyst.llm.scripted import ScriptedModel
from analyst.record import events

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
    planned,
    python,
)


def notes(stream: list[events.Event], code: str) -> list[events.Note]:
    return [note for note in of_kind(stream, events.Note) if note.code == code]


async def test_a_number_that_a_step_only_said_is_not_taken_for_computed(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            planned({"text": "Print the share"}, {"text": "Count rows"}),
            python("share = 12.34\nprint(share)"),
            # It is marked in the step too, and the step's model insists.
            "The mean is 99.87.",
            "The mean is 99.87, I am sure.",
            python("print(len(df))", "d"),
            "There are 4 rows.",
            "The mean is 99.87.",
            "The mean is 99.87 all the same.",
        ],
        settings=PLAN,
        protocol="native",
    )
    stream = await collect(session, "What is the mean?", data={"df": FRAME})
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    written = str(model.requests[6].messages[-1]["content"])
    assert 0 < written.index("What is the mean?") < written.index("99.87") < written.index("Answer")
    last = max(one.seq for one in of_kind(stream, events.PlanStepFinished))
    found = [note for note in notes(stream, "not_grounded") if note.seq > last]
    assert found
    assert all("99.87" in note.text for note in found)
    assert "99.87" in the_answer(stream).text


async def test_numbers_that_ran_were_asked_or_planned_are_not_put_to_the_model(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            planned({"text": "Take the 25 first rows"}, {"text": "Count rows"}),
            python("share = 12.34"),
            "Done.",
            python("print(len(df))", "d"),
            "There are 4 rows.",
            "Of the 25 first rows the share is 12.34, and above 31.",
        ],
        settings=PLAN,
        protocol="native",
    )
    stream = await collect(session, "What is the share above 31?", data={"df": FRAME})
    assert not notes(stream, "not_grounded")


async def test_a_second_try_of_a_step_is_told(make_session: MakeSession) -> None:
    replies = [LINES, code(MEAN), code("print(1)"), code(CHART), FINAL]
    stream = await collect(make_session(replies, settings=PLAN), QUESTION, data={"df": FRAME})
    (again,) = notes(stream, "step_again")
    assert again.level == "info"
    calls = [one.seq for one in of_kind(stream, events.ToolCallStarted)]
    assert calls[1] < again.seq < calls[2]


async def test_a_small_model_that_gave_a_step_up_does_not_begin_it_again(
    make_session: MakeSession,
) -> None:
    lines = "1. Compute the mean life per year\n2. Count the rows"
    failing = [code(f"print('41.5')\nnothing_{number}") for number in range(4)]
    replies = [lines, *failing, "SKIP", code("print(len(df))"), "FINAL: There are 4 rows."]
    stream = await collect(
        make_session(replies, settings=PLAN), "How many rows are there?", data={"df": FRAME}
    )
    assert not notes(stream, "step_again")
    given_up, done = of_kind(stream, events.PlanStepFinished)
    assert [given_up.status, done.status] == ["skipped", "ok"]
    assert given_up.reason is not None
    assert given_up.reason.startswith("The last 4 tries did not work. ")
    assert "NameError" in given_up.reason
    # What failed tries came to is nothing to answer from.
    prompts = "".join(str(one.messages) for one in of_kind(stream, events.Prompt))
    assert "not checked to be the answer" not in prompts + the_answer(stream).text
    assert the_answer(stream).complete


async def test_the_answer_is_reviewed_by_the_model_that_is_configured_for_it(
    make_session: MakeSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "analyst-tools.toml").write_text('[models]\ncritic = "strict"\n')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(config))
    session = make_session(
        [LINES, code(MEAN), code(CHART), FINAL],
        settings={**PLAN, "checks": "grounding, critic"},
    )
    strict = ScriptedModel(["OK"], label="strict")
    session.models.named["strict"] = strict
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert len(strict.requests) == 1
    assert notes(stream, "critic_agrees")
    assert not notes(stream, "checks_left_out")
    assert the_answer(stream).complete


@pytest.mark.parametrize("protocol", ["fenced", "native"])
async def test_a_fault_that_a_reviewer_finds_is_mended(
    make_session: MakeSession, protocol: str
) -> None:
    if protocol == "fenced":
        replies = [LINES, code(MEAN), code(CHART), "FINAL: It rose."]
        again = [FINAL, FINAL]
    else:
        steps = planned({"text": "Mean life per year"}, {"text": "Draw it", "kind": "chart"})
        replies = [steps, python(MEAN), "Done.", python(CHART, "d"), "Done.", "It rose."]
        again = ["It rose from 65.0 to 68.0 years."]
    session = make_session(
        [*replies, "FAULT: By how much it rose is not said.", *again],
        settings={**PLAN, "checks": "grounding, critic"},
        protocol=protocol,
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert notes(stream, "critic_fault")
    assert the_answer(stream).complete
    assert the_answer(stream).text.startswith("It rose from 65.0 to 68.0 years.")


async def test_the_answer_of_a_single_step_is_reviewed_too(make_session: MakeSession) -> None:
    session = make_session(
        ["1. Compute the mean life", code("print(df['life'].mean())"), *["FINAL: 66.5."] * 2, "OK"],
        settings={**PLAN, "checks": "critic"},
    )
    stream = await collect(session, "What is the mean life?", data={"df": FRAME})
    assert notes(stream, "critic_agrees")
    assert the_answer(stream).text == "66.5."


@pytest.mark.parametrize(
    ("checks", "values", "left_out"),
    [
        ({"checks": "grounding, second", "careful": True}, (), ["second", "careful"]),
        ({"checks": "critic"}, ("last",), ["critic"]),
        ({}, ("last",), []),
    ],
)
async def test_checks_that_are_left_out_are_told_once(
    make_session: MakeSession,
    checks: dict[str, object],
    values: tuple[str, ...],
    left_out: list[str],
) -> None:
    session = make_session(
        [
            "1. Compute the mean by year\n2. Take the last mean",
            code(MEAN),
            code("last = trend['life'].iloc[-1]\nprint(last)"),
            "FINAL: It is 68.0.",
        ],
        settings={**PLAN, **checks},
    )
    stream = await collect(session, "What is the last mean?", data={"df": FRAME}, values=values)
    assert the_answer(stream).complete
    found = notes(stream, "checks_left_out")
    assert [
        word for one in found for word in ("second", "careful", "critic") if word in one.text
    ] == left_out
    assert len(found) == bool(left_out)
    if found:
        assert found[0].seq < of_kind(stream, events.PlanProposed)[0].seq
