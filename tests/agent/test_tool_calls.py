"""Calls of one turn: side by side, answered by earlier ones, tried again, asked about."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analyst.configuration import Web
from analyst.record import events
from analyst.tools.ask_user import AskUserTool
from analyst.tools.files.folder import Folder
from analyst.tools.files.looking import looking_tools
from analyst.tools.permissions import Permissions, Rule
from analyst.tools.project.git import git_tools
from analyst.tools.web.tools import web_tools

from .calling import Bench, Counting, finished


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


async def test_what_was_known_is_forgotten_when_a_person_had_time_to_change_it():
    look, edit = Counting("look", pure=True), Counting("edit", level="risky")
    bench = Bench(look, edit, attended=True)
    await bench.run(("look", "a"))
    await bench.run(("edit", "x"), decide=lambda desk, e: desk.resolve(e.call_id, "denied"))
    (after,) = finished(await bench.run(("look", "a")))
    assert (edit.ran, after.cached, len(look.ran)) == ([], False, 2)


class AsksPurely(AskUserTool):
    """Asks the user, and says that it changes nothing."""

    pure = True


async def test_a_question_gives_a_person_time_too():
    look = Counting("look", pure=True)
    bench = Bench(look, AsksPurely(), attended=True)
    await bench.run(("look", "a"))
    await bench.run(
        ("ask_user", {"question": "Which?", "choices": []}),
        decide=lambda desk, e: desk.resolve(e.call_id, "approved", text="this"),
    )
    (after,) = finished(await bench.run(("look", "a")))
    assert (after.cached, len(look.ran)) == (False, 2)


async def test_what_nobody_was_asked_about_leaves_what_was_known():
    look, edit = Counting("look", pure=True), Counting("edit", level="risky")
    bench = Bench(look, edit)
    await bench.run(("look", "a"))
    await bench.run(("edit", "x"))
    (after,) = finished(await bench.run(("look", "a")))
    assert (edit.ran, after.cached) == ([], True)


async def test_a_pure_call_whose_answer_is_not_to_be_kept_runs_each_time():
    read = Counting("read", pure=True, seconds=0.5, cacheable=False)
    bench = Bench(read)
    began = time.monotonic()
    await bench.run(("read", "a"), ("read", "b"))
    assert time.monotonic() - began < 0.9
    (again,) = finished(await bench.run(("read", "a")))
    assert (again.cached, read.ran) == (False, ["a", "b", "a"])


async def test_a_file_is_read_again_as_it_is_by_then(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_text("old = 1")
    bench = Bench(*looking_tools(Folder(tmp_path)))
    (before,) = finished(await bench.run(("read_file", {"path": "a.py"})))
    file.write_text("new = 2")
    (after,) = finished(await bench.run(("read_file", {"path": "a.py"})))
    assert "old = 1" in before.observation
    assert "new = 2" in after.observation


def test_answers_that_rest_on_files_and_pages_are_not_kept(tmp_path: Path):
    web = Web(allow=("example.org",), search_url="https://s.example/?q={query}&format=json")
    tools = [*looking_tools(Folder(tmp_path)), *git_tools(tmp_path), *web_tools(web)]
    assert len(tools) == 7
    assert all(tool.pure for tool in tools)
    assert not any(tool.cacheable for tool in tools)


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
