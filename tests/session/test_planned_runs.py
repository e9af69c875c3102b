"""Planned runs with a real kernel: order, failure, editing, bounds; the model is scripted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import CompletionRequest, NativeToolCall
from analyst.llm.scripted import ScriptedModel
from analyst.record import events
from analyst.record.log import read_run
from analyst.session import Session

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame(
    {"year": [2002, 2002, 2007, 2007], "life": [60.0, 70.0, 62.0, 74.0], "land": list("abab")}
)
PLAN = {"work": "plan", "memory": False}
QUESTION = "How did life expectancy change, with a chart?"
LINES = "1. Compute the mean life per year\n2. Draw a chart of it\n3. Summarize the findings"
MEAN = "trend = df.groupby('year')['life'].mean().reset_index()\nprint(trend.to_string())"
CHART = "px.line(trend, x='year', y='life', title='Life expectancy').show()"
FINAL = "FINAL: It rose from 65.0 to 68.0 years."


def code(source: str) -> str:
    return f"```python\n{source}\n```"


def python(source: str, call_id: str = "c") -> NativeToolCall:
    return NativeToolCall(call_id, "python", json.dumps({"code": source}))


def planned(*steps: dict[str, Any]) -> NativeToolCall:
    whole = [
        {"kind": "compute", "artefacts": [], "checks": [], "depends_on": [], **one} for one in steps
    ]
    return NativeToolCall("p", "plan", json.dumps({"steps": whole}))


def variable(name: str) -> list[dict[str, str]]:
    return [{"name": name, "kind": "variable"}]


def statuses(stream: list[events.Event]) -> list[tuple[int, str]]:
    return [(one.index, one.status) for one in of_kind(stream, events.PlanStepFinished)]


def asked(session: Session, number: int) -> str:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return str(model.requests[number].messages[-1]["content"])


async def test_a_small_model_plans_computes_draws_and_answers(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session([LINES, code(MEAN), code(CHART), FINAL], settings=PLAN)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    (proposed,) = of_kind(stream, events.PlanProposed)
    assert [one.kind for one in proposed.planned] == ["compute", "chart", "write"]
    assert proposed.steps[1] == "Draw a chart of it"
    assert statuses(stream) == [(0, "ok"), (1, "ok"), (2, "ok")]
    answer = the_answer(stream)
    assert answer.text.startswith("It rose from 65.0 to 68.0 years.")
    assert "*Life expectancy* (step 2)" in answer.text
    assert stream[-1].type == "run_finished"
    assert [event.seq for event in stream] == list(range(len(stream)))
    assert read_run(stream[0].run_id, directory=tmp_path / "data").events == stream
    first, second, _ = of_kind(stream, events.PlanStepFinished)
    assert "2002  65.0" in first.result
    assert [one.name for one in second.artefacts if one.kind == "frame"] == ["df", "trend"]
    # Each step is asked by itself: nothing of the plan's making or of the step before.
    assert "- trend: DataFrame 2 x 2: 'year', 'life'" in asked(session, 2)
    assert all(len(request.messages) == 4 for request in session.models.given.requests)  # type: ignore[union-attr]
    assert "Do now only this: Draw a chart of it" in asked(session, 2)
    assert "2002  65.0" in asked(session, 3)
    assert not list((tmp_path / "data" / "checkpoints").iterdir())


async def test_a_native_model_plans_by_a_call(make_session: MakeSession) -> None:
    session = make_session(
        [
            planned(
                {"text": "Draw it", "kind": "chart", "depends_on": [2]},
                {
                    "text": "Mean by year",
                    "artefacts": variable("trend"),
                    "checks": ["len(trend) == 2", "it is sorted"],
                },
            ),
            python(MEAN),
            "The means are 65 and 68.",
            python(CHART, "d"),
            "The line rises.",
            "It rose from **65** to **68** years.",
        ],
        settings=PLAN,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    (proposed,) = of_kind(stream, events.PlanProposed)
    assert proposed.steps == ("Mean by year", "Draw it")
    assert statuses(stream) == [(0, "ok"), (1, "ok")]
    assert the_answer(stream).text.startswith("It rose from **65** to **68** years.")
    request = session.models.given.requests[0]  # type: ignore[union-attr]
    assert [tool["function"]["name"] for tool in request.tools] == ["plan"]
    assert "Leave the result in `trend`" in asked(session, 1)
    assert "It is checked that: len(trend) == 2; it is sorted" in asked(session, 1)


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (code("means = df.groupby('year').life.mean()\nprint(means)"), "did not leave trend"),
        (code("trend = df.head(1)\nprint(trend)"), "does not hold that len\\(trend\\) == 2"),
    ],
)
async def test_a_step_that_does_not_do_what_it_should_is_tried_once_more(
    make_session: MakeSession, first: str, why: str
) -> None:
    plan = planned(
        {"text": "Mean", "artefacts": variable("trend"), "checks": ["len(trend) == 2"]},
        {"text": "Count rows"},
    )
    session = make_session(
        [
            plan.arguments,
            first,
            code(MEAN),
            code("print(len(df))"),
            "FINAL: It rose from 65.0 to 68.0, in 4 rows.",
        ],
        settings=PLAN,
    )
    stream = await collect(session, "How did it change?", data={"df": FRAME})
    assert statuses(stream) == [(0, "ok"), (1, "ok")]
    assert re.search(f"A first try failed:.*{why}", asked(session, 2))
    assert the_answer(stream).complete


async def test_a_failed_step_is_left_out_and_what_rests_on_it_too(
    make_session: MakeSession,
) -> None:
    plan = planned(
        {"text": "Fit it", "artefacts": variable("model")},
        {"text": "Use the fit", "depends_on": [1]},
        {"text": "Count rows"},
    )
    session = make_session(
        [
            plan.arguments,
            code("x = 1\nprint(x)"),
            code("y = 2\nprint(y)"),
            "SKIP",
            code("print(len(df))"),
            "FINAL: There are 4 rows.",
        ],
        settings=PLAN,
    )
    stream = await collect(session, "How many rows?", data={"df": FRAME})
    assert statuses(stream) == [(0, "skipped"), (1, "skipped"), (2, "ok")]
    first, second, _ = of_kind(stream, events.PlanStepFinished)
    assert first.reason == "It did not leave model."
    assert second.reason == "It needs step 1, which was not done."
    assert not of_kind(stream, events.PlanRevised)
    answer = the_answer(stream)
    assert answer.complete
    assert "Not done: Fit it. It did not leave model." in answer.text


async def test_a_failed_step_may_be_got_round_by_another_plan(make_session: MakeSession) -> None:
    plan = planned(
        {"text": "Fit it", "artefacts": variable("model")}, {"text": "Use it", "depends_on": [1]}
    )
    session = make_session(
        [
            plan.arguments,
            code("x = 1\nprint(x)"),
            code("y = 2\nprint(y)"),
            "1. Compute the mean\n2. Count the rows",
            code(MEAN),
            code("print(len(df))"),
            "FINAL: 65.0 and 68.0, in 4 rows.",
        ],
        settings=PLAN,
    )
    stream = await collect(session, "What is it?", data={"df": FRAME})
    (revised,) = of_kind(stream, events.PlanRevised)
    assert revised.steps == ("Fit it", "Compute the mean", "Count the rows")
    assert revised.reason == "Step 1 failed: It did not leave model."
    assert statuses(stream) == [(0, "error"), (1, "ok"), (2, "ok")]
    assert the_answer(stream).complete


def replies_that_fail() -> tuple[list[Any], Callable[[CompletionRequest], str]]:
    """Script a chart that fails, with two more plans for it; and what fails once more."""
    failing = iter(range(100))

    def fails(_: CompletionRequest) -> str:
        return code(f"y{next(failing)} = 1\nprint(1)")

    def another(number: int) -> Callable[[CompletionRequest], str]:
        return lambda _: f"1. chart: Draw it in the way {number}"

    replies: list[Any] = ["1. chart: Draw it\n2. Count the rows"]
    for number in range(2):
        replies += [fails, fails, another(number)]
    return replies, fails


async def test_plans_are_revised_no_more_often_than_allowed(make_session: MakeSession) -> None:
    replies, fails = replies_that_fail()
    replies += [fails, fails, "FINAL: No chart could be drawn."]
    session = make_session(replies, settings=PLAN)
    stream = await collect(session, "Draw it", data={"df": FRAME})
    assert len(of_kind(stream, events.PlanRevised)) == 2
    assert statuses(stream) == [(0, "error"), (1, "error"), (2, "skipped")]
    answer = the_answer(stream)
    assert not answer.complete
    assert "no step of the plan could be done" in answer.text


async def test_a_model_that_cannot_plan_gets_one_step(make_session: MakeSession) -> None:
    session = make_session(
        [
            "I would rather not.",
            code("print(3)"),
            code("print(df['life'].mean())"),
            "FINAL: The mean is 66.5.",
        ],
        settings=PLAN,
    )
    stream = await collect(session, "What is the mean life?", data={"df": FRAME})
    notes = [note.code for note in of_kind(stream, events.Note)]
    assert notes.count("malformed_plan") == 2
    assert "no_plan" in notes
    assert statuses(stream) == [(0, "ok")]
    assert the_answer(stream).text == "The mean is 66.5."


async def test_named_values_are_given_by_the_last_computing_step(make_session: MakeSession) -> None:
    session = make_session(
        [
            "1. Compute the mean by year\n2. Take the last mean",
            code(MEAN),
            code("last = trend['life'].iloc[-1]\nprint(last)"),
        ],
        settings=PLAN,
    )
    stream = await collect(session, "What is the last mean?", data={"df": FRAME}, values=["last"])
    assert the_answer(stream).values == {"last": 68.0}
    assert the_answer(stream).complete
    assert "Assign: last" in asked(session, 2)
    assert "Assign" not in asked(session, 1)


async def test_numbers_that_no_step_computed_are_put_to_the_model(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [LINES, code(MEAN), code(CHART), "FINAL: It rose to 91.5 years.", FINAL], settings=PLAN
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert [n.text for n in of_kind(stream, events.Note) if n.code == "not_grounded"]
    assert the_answer(stream).text.startswith("It rose from 65.0")
    assert the_answer(stream).ungrounded == ()


async def test_numbers_that_no_step_computed_are_told_with_the_answer(
    make_session: MakeSession,
) -> None:
    wrong = "FINAL: It rose to 91.5 years."
    session = make_session([LINES, code(MEAN), code(CHART), *[wrong] * 6], settings=PLAN)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert the_answer(stream).text.startswith("It rose to 91.5 years.")
    assert the_answer(stream).ungrounded == ("91.5",)
    assert [one.ungrounded for one in session.exchanges] == [("91.5",)]


async def test_a_dead_kernel_gets_back_what_finished_steps_left(make_session: MakeSession) -> None:
    dies = code("import os\nos.kill(os.getpid(), 9)")
    session = make_session([LINES, code(MEAN), dies, code(CHART), FINAL], settings=PLAN)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert statuses(stream) == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert the_answer(stream).complete


# Approval


async def decided(
    session: Session,
    decide: Callable[[events.ApprovalRequested, int], None],
    question: str = QUESTION,
) -> list[events.Event]:
    stream, count = [], 0
    async for event in session.ask(question, data={"df": FRAME}, attended=True):
        stream.append(event)
        if isinstance(event, events.ApprovalRequested):
            decide(event, count)
            count += 1
    return stream


async def test_a_plan_is_shown_and_approved_before_its_first_step(
    make_session: MakeSession,
) -> None:
    session = make_session([LINES, code(MEAN), code(CHART), FINAL], settings=PLAN)
    stream = await decided(
        session, lambda event, _: bool(session.resolve_approval(event.call_id, "approved")) or None
    )
    (request,) = of_kind(stream, events.ApprovalRequested)
    assert request.kind == "plan"
    assert request.editable == (
        "1. compute: Compute the mean life per year\n2. chart: Draw a chart of it\n"
        "3. write: Summarize the findings"
    )
    kinds = [event.type for event in stream]
    assert kinds.index("plan_proposed") < kinds.index("approval_requested")
    assert kinds.index("approval_resolved") < kinds.index("plan_step_started")
    assert the_answer(stream).complete


async def test_an_edited_plan_is_what_is_carried_out(make_session: MakeSession) -> None:
    session = make_session(
        [LINES, code("print(df['life'].max())"), "FINAL: The most is 74.0."], settings=PLAN
    )
    stream = await decided(
        session,
        lambda event, _: (
            session.resolve_approval(event.call_id, "edited", "Compute the most\nwrite: Say it")
            and None
        ),
    )
    (revised,) = of_kind(stream, events.PlanRevised)
    assert revised.steps == ("Compute the most", "Say it")
    (resolved,) = of_kind(stream, events.ApprovalResolved)
    assert resolved.answer == "Compute the most\nwrite: Say it"
    assert the_answer(stream).text == "The most is 74.0."


async def test_an_edit_that_is_no_plan_is_asked_about_until_it_is_one(
    make_session: MakeSession,
) -> None:
    long = "\n".join(f"do {n}" for n in range(20))
    session = make_session(
        [LINES, code("print(df['life'].max())"), "FINAL: The most is 74.0."], settings=PLAN
    )

    def decide(event: events.ApprovalRequested, count: int) -> None:
        if count == 1:
            # What is shown is the edit, so that this cannot mean the plan of before.
            session.resolve_approval(event.call_id, "approved")
        else:
            text = long if count == 0 else "Compute the most\nwrite: Say it"
            session.resolve_approval(event.call_id, "edited", text)

    stream = await decided(session, decide)
    _, *again = of_kind(stream, events.ApprovalRequested)
    assert len(again) == 2
    for request in again:
        assert request.risk.startswith("A plan has at most 8 steps, and this one has 20.")
        assert request.editable == long
    notes = [note.code for note in of_kind(stream, events.Note)]
    assert notes.count("plan_unreadable") == 2
    (revised,) = of_kind(stream, events.PlanRevised)
    assert revised.steps == ("Compute the most", "Say it")
    assert statuses(stream) == [(0, "ok"), (1, "ok")]
    assert the_answer(stream).text == "The most is 74.0."


async def test_a_plan_that_is_turned_down_does_nothing(make_session: MakeSession) -> None:
    session = make_session([LINES], settings=PLAN)
    stream = await decided(
        session, lambda event, _: session.resolve_approval(event.call_id, "denied") and None
    )
    assert the_answer(stream).text == "The plan was turned down, so nothing was done."
    assert not of_kind(stream, events.PlanStepStarted)
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.status == "partial"


async def test_the_mode_plan_ends_with_the_plan(make_session: MakeSession) -> None:
    session = make_session([LINES], settings={**PLAN, "approval": "plan"})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    answer = the_answer(stream)
    assert "1. Compute the mean life per year (compute)" in answer.text
    assert answer.complete
    assert not of_kind(stream, events.ToolCallStarted)


async def test_calls_within_steps_still_ask(make_session: MakeSession) -> None:
    write = code("df.to_csv('x.csv')\nprint(1)")
    session = make_session(
        [
            "1. Save it\n2. Count the rows",
            write,
            "FINAL: It was not allowed.",
            write.replace("1", "2"),
            "FINAL: It was not allowed again.",
            "SKIP",
            code("print(len(df))"),
            "FINAL: 4 rows.",
        ],
        settings={**PLAN, "approval": "ask"},
    )
    stream = await decided(
        session,
        lambda event, count: (
            session.resolve_approval(event.call_id, "denied" if count in (1, 2) else "approved")
            and None
        ),
        "Save it, and count the rows.",
    )
    kinds = [event.kind for event in of_kind(stream, events.ApprovalRequested)]
    assert kinds == ["plan", "call", "call", "call"]
    first, _ = of_kind(stream, events.PlanStepFinished)
    assert first.status == "skipped"
    assert "did not allow this call" in str(first.reason)
    assert not await session.written_files()


@pytest.mark.parametrize(("mode", "status"), [("auto", "error"), ("ask", "ok")])
async def test_a_check_that_would_have_to_be_asked_about_is_left_out(
    make_session: MakeSession, mode: str, status: str
) -> None:
    step = {"text": "Mean", "artefacts": variable("trend"), "checks": ["len(trend) == 9"]}
    settings = {**PLAN, "approval": mode, "approval_unattended": "approve"}
    replies = [planned(step), python(MEAN), "Done.", python(MEAN), "Done.", "It rose.", "It rose."]
    session = make_session(replies, settings=settings, protocol="native")
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert statuses(stream) == [(0, status)]
