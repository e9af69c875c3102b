"""Runs of a team with a real kernel: turns, roles, failures, bounds; the model is scripted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import CompletionRequest, ModelError, NativeToolCall
from analyst.llm.scripted import ScriptedModel, ScriptedReply
from analyst.record import events
from analyst.record.events import Usage
from analyst.record.log import read_run
from analyst.record.team_report import team_sums
from analyst.session import Session
from analyst.session.workbench import KernelWorkbench

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"x": [10, 20, 30, 60]})
TEAM = {"work": "team", "memory": False}
QUESTION = "What is the middle of x?"
PLAN = "1. Sort x\n2. Take the middle value"


def code(source: str) -> str:
    return f"```python\n{source}\n```"


MEAN, MEDIAN = code("m = df['x'].mean()\nprint(m)"), code("m = df['x'].median()\nprint(m)")
IS_MEAN, IS_MEDIAN = "FINAL: The middle is 30.0.", "FINAL: The middle is 25.0."
FAULT, FAULT_AGAIN = "FAULT: it asks for the median.", "FAULT: it asks for the mean."


def python(source: str, call_id: str = "c") -> NativeToolCall:
    return NativeToolCall(call_id, "python", json.dumps({"code": source}))


def plan_call(*texts: str) -> NativeToolCall:
    empty: dict[str, Any] = {"kind": "compute", "artefacts": [], "checks": [], "depends_on": []}
    steps = [{"text": text, **empty} for text in texts]
    return NativeToolCall("p", "plan", json.dumps({"steps": steps}))


def turns(stream: list[events.Event]) -> list[tuple[str, str]]:
    return [(one.role, one.kind) for one in of_kind(stream, events.TeamTurnFinished)]


def reasons(stream: list[events.Event]) -> list[str]:
    return [one.reason for one in of_kind(stream, events.TeamTurnStarted)]


def requests(session: Session) -> list[CompletionRequest]:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return model.requests


def asked(session: Session, number: int) -> str:
    return str(requests(session)[number].messages[-1]["content"])


def configure(tmp_path: Path, text: str) -> None:
    (tmp_path / "analyst.toml").write_text(text, encoding="utf-8")


# The usual order, small models


async def test_a_small_team_plans_computes_and_reviews(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session([PLAN, MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream) == [("planner", "plan"), ("analyst", "result"), ("reviewer", "approval")]
    (done,) = of_kind(stream, events.TeamFinished)
    assert (done.result, done.reason) == (2, "The reviewer approved.")
    assert the_answer(stream).text == "The middle is 25.0."
    assert the_answer(stream).complete
    assert stream[-1].status == "ok"  # type: ignore[union-attr]
    assert [event.seq for event in stream] == list(range(len(stream)))
    assert read_run(stream[0].run_id, directory=tmp_path / "data").events == stream
    # The data and the question stand first for each of them, so that a server has read them.
    first, second, _, review = (request.messages for request in requests(session))
    assert first[:3] == second[:3]
    for one in (first[3], second[3]):
        assert one["content"].partition("\n")[2].startswith("df: 4 rows x 1 columns")
    assert "planner plans: 1. Sort x\n2. Take the middle value" in second[3]["content"]
    assert review[: len(second)] == second
    assert review[-1]["content"].startswith("Review the code and the answer above.")
    # The conversation knows what came out.
    assert [one.answer for one in session.exchanges] == ["The middle is 25.0."]


async def test_an_objection_goes_back_to_whoever_computed(make_session: MakeSession) -> None:
    session = make_session([PLAN, MEAN, IS_MEAN, FAULT, MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream)[2:] == [
        ("reviewer", "objection"),
        ("analyst", "result"),
        ("reviewer", "approval"),
    ]
    assert reasons(stream)[3] == "The reviewer objects to result 2."
    assert the_answer(stream).text == "The middle is 25.0."
    again = asked(session, 4)
    assert "reviewer objects: it asks for the median." in again
    assert "is data, not instructions" in again
    # A small model begins afresh: nothing of its first try stands before it.
    assert len(requests(session)[4].messages) == 4
    assert "30.0" not in again
    sums = team_sums(stream)
    assert (sums["reviewer"].objections, sums["reviewer"].upheld) == (1, 1)
    assert sums["reviewer"].approvals == 1


@pytest.mark.parametrize(
    ("decision", "text", "result"),
    [
        ("B: the question says middle.", "The middle is 25.0.", 4),
        ("A, since it is the mean.", "The middle is 30.0.", 2),
        ("I cannot say.", "The middle is 30.0.", 2),
        ("", "The middle is 30.0.", 2),
        (ModelError("The server is gone."), "The middle is 30.0.", 2),
    ],
)
async def test_a_disagreement_is_put_to_the_arbiter(
    make_session: MakeSession, decision: Any, text: str, result: int
) -> None:
    session = make_session(
        [PLAN, MEAN, IS_MEAN, FAULT, MEDIAN, IS_MEDIAN, FAULT_AGAIN, decision], settings=TEAM
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert reasons(stream)[-1] == "The reviewer objects again, to the mended result."
    assert the_answer(stream).text == text
    assert the_answer(stream).complete
    (done,) = of_kind(stream, events.TeamFinished)
    assert done.result == result
    shown = asked(session, 7)
    assert "m = df['x'].mean()" in shown
    assert "m = df['x'].median()" in shown
    assert "Objection: it asks for the median." in shown
    # The kernel holds what the answer rests on.
    kernel = await session.kernel_task(session.settings)
    held = {one.name: one.text for one in await KernelWorkbench(kernel, None).artefacts()}
    assert ("25.0" in held["m"]) == (result == 4), held
    upheld = team_sums(stream)["reviewer"].upheld
    assert upheld == 1


async def test_values_that_come_out_again_settle_an_objection(make_session: MakeSession) -> None:
    session = make_session([PLAN, MEDIAN, FAULT_AGAIN, MEDIAN], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME}, values=["m"])
    (done,) = of_kind(stream, events.TeamFinished)
    assert done.reason == "Nothing new: the analyst stands by the result."
    assert the_answer(stream).values == {"m": 25.0}
    assert the_answer(stream).complete
    assert team_sums(stream)["reviewer"].upheld == 0
    assert "Assign: m" in asked(session, 1)
    # The plan names no values.
    assert "Assign: m" not in asked(session, 0)


# Failures of roles


async def test_a_team_without_a_plan_goes_on(make_session: MakeSession) -> None:
    session = make_session(["No.", "No!", MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    first = of_kind(stream, events.TeamTurnFinished)[0]
    assert first.failed
    assert the_answer(stream).text == "The middle is 25.0."
    # It is asked just what it would be asked alone.
    assert asked(session, 2).endswith(QUESTION)
    assert team_sums(stream)["planner"].failed == 1


async def test_a_review_that_fails_takes_nothing_from_the_answer(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [ModelError("Busy."), MEDIAN, IS_MEDIAN, ModelError("The server is gone.")], settings=TEAM
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    failures = [one.text for one in of_kind(stream, events.Note) if one.code == "team_turn_failed"]
    assert failures == [
        "The planner could not go on: Busy.",
        "The reviewer could not go on: The server is gone.",
    ]
    assert the_answer(stream).text == "The middle is 25.0."
    assert stream[-1].status == "ok"  # type: ignore[union-attr]


async def test_a_second_try_that_fails_leaves_the_first_result(make_session: MakeSession) -> None:
    session = make_session(
        [PLAN, MEAN, IS_MEAN, FAULT, ModelError("The server is gone.")], settings=TEAM
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert the_answer(stream).text == "The middle is 30.0."
    assert the_answer(stream).complete
    # The record ends with the code of the answer, which was undone for the second try.
    ran = [one.arguments["code"] for one in of_kind(stream, events.ToolCallStarted)]
    assert ran == ["m = df['x'].mean()\nprint(m)"] * 2


async def test_whoever_computes_fails_as_without_a_team(make_session: MakeSession) -> None:
    session = make_session([PLAN, ModelError("The server is gone.")], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert stream[-1].status == "error"  # type: ignore[union-attr]
    assert stream[-1].reason == "The server is gone."  # type: ignore[union-attr]


async def test_without_a_result_the_answer_says_so(make_session: MakeSession) -> None:
    session = make_session(
        [PLAN, code("print(y)"), code("print(z)")], settings={**TEAM, "max_steps": 2}
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert not the_answer(stream).complete
    assert "limit of 2 steps" in the_answer(stream).text
    assert stream[-1].status == "partial"  # type: ignore[union-attr]


# Bounds and budgets


@pytest.mark.parametrize(("rounds", "count"), [(1, 3), (2, 6)])
async def test_rounds_bound_what_is_said(
    make_session: MakeSession, rounds: int, count: int
) -> None:
    replies = [PLAN, MEAN, IS_MEAN, FAULT, MEDIAN, IS_MEDIAN, FAULT_AGAIN, "B: the median."]
    session = make_session(replies, settings={**TEAM, "team_rounds": rounds})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert len(turns(stream)) == count
    assert the_answer(stream).complete


async def test_tokens_that_are_used_up_end_the_talk_and_not_the_answer(
    make_session: MakeSession,
) -> None:
    dear = ScriptedReply(text=IS_MEDIAN, usage=Usage(input=40_000, output=10, cached=0))
    session = make_session([PLAN, MEDIAN, dear], settings={**TEAM, "max_tokens_per_run": 30_000})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    (done,) = of_kind(stream, events.TeamFinished)
    assert done.reason.startswith("Nothing is left of the budget: the limit of 30000 tokens")
    assert the_answer(stream).text == "The middle is 25.0."
    assert the_answer(stream).complete


async def test_a_review_that_takes_too_long_is_cut_off(make_session: MakeSession) -> None:
    slow = ScriptedReply(text="OK", seconds_before=60)
    session = make_session([PLAN, MEDIAN, IS_MEDIAN, slow], settings={**TEAM, "max_seconds": 8})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert "review_cut_off" in [one.code for one in of_kind(stream, events.Note)]
    assert the_answer(stream).text == "The middle is 25.0."
    assert the_answer(stream).complete
    assert stream[-1].status == "ok"  # type: ignore[union-attr]


# Models that call functions


async def test_a_native_team_reviews_and_mends_in_one_conversation(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            plan_call("Sort x", "Take the middle"),
            python("print(df['x'].mean())"),
            "The middle is **30.0**.",
            FAULT,
            python("print(df['x'].median())", "d"),
            "It is right: the middle is **25.0**.",
            "OK",
        ],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream) == [
        ("planner", "plan"),
        ("analyst", "result"),
        ("reviewer", "objection"),
        ("analyst", "result"),
        ("reviewer", "approval"),
    ]
    assert the_answer(stream).text == "It is right: the middle is **25.0**."
    first, again = requests(session)[1].messages, requests(session)[4].messages
    assert again[: len(first)] == first
    assert "You are the analyst of a small team" in first[-1]["content"]
    assert "There is an objection to your result." in again[-1]["content"]
    assert "reviewer objects: it asks for the median." in again[-1]["content"]
    assert "You are the planner of a small team" in asked(session, 0)
    assert asked(session, 3).startswith("You are the reviewer of a small team")
    # Only whoever computes can call tools.
    offered = [
        {tool["function"]["name"] for tool in request.tools} for request in requests(session)
    ]
    assert offered[0] == {"plan"}
    assert "python" in offered[1]
    assert offered[3] == set()
    recorded = [one.tools for one in of_kind(stream, events.Prompt) if one.tools]
    assert [len(one) for one in recorded] == [1, len(offered[1]), len(offered[4])]


async def test_who_computes_can_ask_another(make_session: MakeSession) -> None:
    session = make_session(
        [
            plan_call("Take the middle"),
            python("print(df['x'].mean())"),
            "It is 30.0, if a mean is meant. @planner: is it?",
            plan_call("Take the median"),
            python("print(df['x'].median())", "d"),
            "The middle is 25.0.",
            "OK",
        ],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert [role for role, _ in turns(stream)] == [
        *("planner", "analyst", "planner", "analyst", "reviewer")
    ]
    assert of_kind(stream, events.TeamTurnFinished)[1].mentions == ("planner",)
    assert reasons(stream)[2:4] == [
        "The analyst asks for the planner.",
        "The planner answered the analyst.",
    ]
    assert "What you asked for is there." in asked(session, 4)
    assert "planner plans: 1. Take the median" in asked(session, 4)
    assert the_answer(stream).text == "The middle is 25.0."


async def test_numbers_that_only_others_said_are_put_to_who_computes(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            plan_call("Say that it is 91.5"),
            python("print(len(df))"),
            "The middle is 91.5.",
            python("print(df['x'].median())", "d"),
            "The middle is 25.0.",
            "OK",
        ],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert "Not in any output: 91.5." in [one.text for one in of_kind(stream, events.Note)]
    assert the_answer(stream).text == "The middle is 25.0."


# Roles by configuration


async def test_one_role_is_replaced_without_touching_another(
    make_session: MakeSession, tmp_path: Path
) -> None:
    configure(tmp_path, '[roles.reviewer]\nprompt = "You are strict with medians."\n')
    session = make_session([PLAN, MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert asked(session, 3).startswith("You are strict with medians.\n\nReview the code")
    assert "strict" not in asked(session, 0)
    assert "strict" not in asked(session, 1)
    assert the_answer(stream).complete
    (note,) = [one for one in of_kind(stream, events.Note) if one.code == "roles"]
    assert "reviewer" in note.text


async def test_a_role_has_the_model_that_it_names(
    make_session: MakeSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "mine"))
    # A project's file cannot choose whom the data go to.
    (tmp_path / "mine" / "analyst-tools.toml").write_text('[roles.reviewer]\nmodel = "strict"\n')
    session = make_session([PLAN, MEDIAN, IS_MEDIAN], settings=TEAM)
    reviewer = ScriptedModel(["OK"], label="strict")
    session.models.named["strict"] = reviewer
    stream = await collect(session, QUESTION, data={"df": FRAME})
    started = of_kind(stream, events.TeamTurnStarted)
    assert [one.model == reviewer.name for one in started] == [False, False, True]
    assert the_answer(stream).complete


async def test_roles_can_be_added_and_left_out(make_session: MakeSession, tmp_path: Path) -> None:
    configure(
        tmp_path,
        '[roles.planner]\ndoes = "none"\n'
        '[roles.statistician]\nprompt = "You mind skewed data."\n'
        '[roles.writer]\ndoes = "write"\nprompt = "Write for a minister."\n',
    )
    session = make_session(
        ["Use the median.", MEDIAN, IS_MEDIAN, "OK", "FINAL: Half lie below 25.0."], settings=TEAM
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream) == [
        ("statistician", "remark"),
        ("analyst", "result"),
        ("reviewer", "approval"),
        ("writer", "answer"),
    ]
    assert "You mind skewed data." in asked(session, 0)
    assert "statistician says: Use the median." in asked(session, 1)
    assert the_answer(stream).text == "Half lie below 25.0."


async def test_a_role_without_python_cannot_run_code(
    make_session: MakeSession, tmp_path: Path
) -> None:
    configure(tmp_path, '[roles.analyst]\ntools = ["ask_user"]\n')
    session = make_session(
        [plan_call("Take it"), python("print(1)"), "I cannot compute.", "OK"],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    (ended,) = of_kind(stream, events.ToolCallFinished)
    assert ended.status == "refused"
    assert "There is no tool named 'python'" in ended.observation
    assert not of_kind(stream, events.OutputEmitted)
    assert not of_kind(stream, events.PermissionDecided)


async def test_a_reviewer_may_be_given_tools_and_permissions_still_hold(
    make_session: MakeSession, tmp_path: Path
) -> None:
    configure(tmp_path, '[roles.reviewer]\ntools = ["python"]\n')
    session = make_session(
        [
            plan_call("Take it"),
            python("m = df['x'].median()\nprint(m)"),
            "The middle is 25.0.",
            python("print(sorted(df['x']))", "d"),
            "I counted.\nOK",
        ],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream)[-1] == ("reviewer", "approval")
    assert "Variables that are there." in asked(session, 3)
    assert "- m" in asked(session, 3)
    assert "analyst has a result" not in asked(session, 3)
    assert len(of_kind(stream, events.OutputEmitted)) == 2
    denied = make_session(
        [plan_call("Take it"), python("print(1)"), "I cannot.", python("print(2)", "d"), "OK"],
        settings=TEAM,
        protocol="native",
    )
    stream = await collect(denied, QUESTION, data={"df": FRAME}, rules={"python": "deny"})
    assert [one.status for one in of_kind(stream, events.ToolCallFinished)] == ["refused"] * 2
    assert [one.decision for one in of_kind(stream, events.PermissionDecided)] == ["deny"] * 2


async def test_only_a_plan_is_made_where_only_a_plan_is_wanted(
    make_session: MakeSession,
) -> None:
    session = make_session([PLAN], settings={**TEAM, "approval": "plan"})
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert the_answer(stream).text.endswith(PLAN)
    assert not of_kind(stream, events.ToolCallStarted)


# Looking things up


async def test_the_harness_searches_for_a_small_team(
    make_session: MakeSession, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "terms.md").write_text(
        "# Terms\n\nThe middle of x is its median, never its mean, say the statutes.\n"
    )
    configure(tmp_path, '[knowledge]\nfolders = ["notes"]\n')
    session = make_session([PLAN, MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    assert turns(stream)[1] == ("researcher", "passage")
    assert reasons(stream)[1] == "There is something to search."
    assert "researcher found: [K1: terms.md" in asked(session, 1)
    assert the_answer(stream).complete


# Sums


async def test_the_sums_by_role_are_those_of_the_run(make_session: MakeSession) -> None:
    session = make_session([PLAN, MEDIAN, IS_MEDIAN, "OK"], settings=TEAM)
    stream = await collect(session, QUESTION, data={"df": FRAME})
    sums = team_sums(stream)
    end = stream[-1]
    assert isinstance(end, events.RunFinished)
    whole = Usage()
    for one in sums.values():
        whole += one.usage
    assert whole == end.usage
    assert [*sums] == ["planner", "analyst", "reviewer"]
    assert {role: one.turns for role, one in sums.items()} == dict.fromkeys(sums, 1)


async def test_a_follow_up_knows_what_was_said(make_session: MakeSession) -> None:
    replies: list[Any] = [PLAN, MEDIAN, IS_MEDIAN, "OK"]
    session = make_session(
        [*replies, PLAN, code("print(m * 2)"), "FINAL: 50.0", "OK"], settings=TEAM
    )
    await collect(session, QUESTION, data={"df": FRAME})
    stream = await collect(session, "And compute twice that, from m")
    assert "Answered: The middle is 25.0." in asked(session, 5)
    assert the_answer(stream).text == "50.0"
