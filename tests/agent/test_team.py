"""Who of a team speaks next and why, whom words mention, and what configurations make of roles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst import configuration
from analyst.agent.team import team_words as words
from analyst.agent.team.blackboard import Blackboard, Entry, mentioned
from analyst.agent.team.coordinator import Coordinator, End, Turn
from analyst.agent.team.roles import Role, team_of, usual_roles
from analyst.configuration import ConfigurationError

NAMES = [role.name for role in usual_roles()]


def entry(number: int, role: str, kind: Any, text: str = "words", **fields: Any) -> Entry:
    return Entry(number=number, role=role, kind=kind, text=text, **fields)


def board(*entries: Entry, asked: tuple[str, ...] = ()) -> Blackboard:
    return Blackboard(asked=asked, entries=[*entries])


def coordinator(rounds: int = 2, **fields: Any) -> Coordinator:
    return Coordinator(**{"roles": usual_roles(), "rounds": rounds, **fields})


def named(found: Turn | End) -> str:
    return found.role.name if isinstance(found, Turn) else "end"


PLAN = entry(1, "planner", "plan")
RESULT = entry(2, "analyst", "result", "It is 4.", values={"x": 4})
OBJECTION = entry(3, "reviewer", "objection", "It counts twice.", about=2)
MENDED = entry(4, "analyst", "result", "It is 2.", values={"x": 2})
AGAIN = entry(5, "reviewer", "objection", "Still twice.", about=4)


# Mentions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Look, @reviewer and @Planner: is it so? @reviewer!", ("reviewer", "planner")),
        ("@analyst", ()),
        ("@mean[mean_value] and @reviewer[x]", ()),
        ("write to me@reviewer or a@b.reviewer", ()),
        ("@nobody", ()),
        ("(@researcher: what is churn?)", ("researcher",)),
    ],
)
def test_words_mention_roles_and_nothing_else(text: str, found: tuple[str, ...]) -> None:
    assert mentioned(text, NAMES, but="analyst") == found


@given(st.text())
def test_any_text_can_be_looked_at_for_mentions(text: str) -> None:
    assert set(mentioned(text, NAMES)) <= {*NAMES}


# Whose turn


@pytest.mark.parametrize(
    ("entries", "who", "why"),
    [
        ((), "planner", "no plan yet"),
        ((PLAN,), "analyst", "Nothing is computed"),
        ((PLAN, RESULT), "reviewer", "not reviewed"),
        ((PLAN, RESULT, OBJECTION), "analyst", "reviewer objects to result 2"),
        ((PLAN, RESULT, OBJECTION, MENDED), "reviewer", "Result 4 is not reviewed"),
        ((PLAN, RESULT, OBJECTION, MENDED, AGAIN), "arbiter", "objects again"),
    ],
)
def test_the_usual_order(entries: tuple[Entry, ...], who: str, why: str) -> None:
    found = coordinator().next(board(*entries))
    assert named(found) == who
    assert why in found.reason


def test_a_search_comes_before_the_work_where_there_is_something_to_search() -> None:
    assert named(coordinator(searching={"researcher"}).next(board(PLAN))) == "researcher"


@pytest.mark.parametrize(
    ("entries", "result", "why"),
    [
        ((PLAN, RESULT, entry(3, "reviewer", "approval", about=2)), 2, "reviewer approved"),
        ((PLAN, RESULT, entry(3, "reviewer", "remark", failed=True)), 2, "nobody objects"),
        ((PLAN, RESULT, entry(3, "reviewer", "remark", about=2)), 2, "nobody objects"),
        ((PLAN, RESULT, OBJECTION, replace(MENDED, values={"x": 4.0})), 2, "Nothing new"),
        (
            (PLAN, RESULT, OBJECTION, MENDED, AGAIN, entry(6, "arbiter", "decision", about=4)),
            4,
            "arbiter decided",
        ),
        (
            (PLAN, RESULT, OBJECTION, MENDED, AGAIN, entry(6, "arbiter", "remark", failed=True)),
            2,
            "first result stands",
        ),
        ((PLAN, RESULT, OBJECTION, entry(4, "analyst", "remark", failed=True)), 2, "stands"),
        ((PLAN, entry(2, "analyst", "remark", failed=True)), None, "No result"),
    ],
)
def test_what_ends_it(entries: tuple[Entry, ...], result: int | None, why: str) -> None:
    found = coordinator().next(board(*entries))
    assert isinstance(found, End)
    assert found.result == result
    assert why in found.reason


def test_the_budget_ends_it_with_the_result_there_is() -> None:
    found = coordinator().next(board(PLAN, RESULT, OBJECTION), spent="the limit was reached")
    assert found == End(reason="Nothing is left of the budget: the limit was reached.", result=2)


def test_one_round_is_a_review_without_a_second_try() -> None:
    found = coordinator(rounds=1).next(board(PLAN, RESULT, OBJECTION))
    assert isinstance(found, End)
    assert found.result == 2


def test_who_is_mentioned_comes_first_and_who_asked_hears_the_answer() -> None:
    asking = replace(RESULT, mentions=("planner",))
    found = coordinator().next(board(PLAN, asking))
    assert named(found) == "planner"
    assert found.reason == "The analyst asks for the planner."
    answer = entry(3, "planner", "remark", "Leave them out.", answers=2)
    found = coordinator().next(board(PLAN, asking, answer))
    assert named(found) == "analyst"
    assert found.reason == "The planner answered the analyst."


def test_the_user_can_mention_a_role() -> None:
    found = coordinator().next(board(asked=("analyst",)))
    assert named(found) == "analyst"
    assert "user asks" in found.reason


def test_nobody_is_called_to_what_there_is_not() -> None:
    called = replace(PLAN, mentions=("reviewer", "arbiter", "researcher"))
    assert named(coordinator().next(board(called))) == "analyst"


def test_a_team_without_a_reviewer_answers() -> None:
    roles = [one for one in usual_roles() if one.does != "review"]
    found = coordinator(roles=roles).next(board(PLAN, RESULT))
    assert found == End(reason="There is a result, and nobody objects.", result=2)


def test_all_reviewers_are_heard() -> None:
    roles = [*usual_roles(), Role(name="statistician", does="review")]
    approved = entry(3, "reviewer", "approval", about=2)
    assert named(coordinator(roles=roles).next(board(PLAN, RESULT, approved))) == "statistician"
    objection = entry(4, "statistician", "objection", about=2)
    found = coordinator(roles=roles).next(board(PLAN, RESULT, approved, objection))
    assert named(found) == "analyst"


def test_the_result_is_put_into_words_by_who_writes() -> None:
    roles = [*usual_roles(), Role(name="writer", does="write")]
    approved = board(PLAN, RESULT, entry(3, "reviewer", "approval", about=2))
    found = coordinator(roles=roles).next(approved)
    assert named(found) == "writer"
    assert isinstance(found, Turn)
    assert found.about == 2
    assert named(coordinator(roles=roles, in_words=False).next(approved)) == "end"
    approved.add(entry(4, "writer", "answer", about=2))
    assert named(coordinator(roles=roles).next(approved)) == "end"


KINDS = ["plan", "passage", "result", "objection", "approval", "decision", "remark"]
SAYINGS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "mentions": st.lists(st.sampled_from(NAMES), max_size=5).map(tuple),
        "failed": st.booleans(),
        "values": st.dictionaries(st.just("x"), st.integers(0, 3)),
    }
)


@given(st.integers(1, 4), st.lists(SAYINGS, min_size=60, max_size=60), st.booleans())
def test_whatever_is_said_it_ends_and_nobody_speaks_twice_running(
    rounds: int, sayings: list[dict[str, Any]], searches: bool
) -> None:
    team = coordinator(rounds, searching={"researcher"} if searches else ())
    said = Blackboard(asked=tuple(NAMES))
    for saying in sayings:
        found = team.next(said)
        assert found == team.next(said)
        if isinstance(found, End):
            assert found.result is None or said.entry(found.result) is not None
            break
        if said.last is not None:
            assert said.last.role != found.role.name
        fields = {**saying, "about": found.about, "answers": found.answers}
        if fields["failed"]:
            fields["kind"] = "remark"
        said.add(entry(len(said.entries) + 1, found.role.name, text="w", **fields))
    else:
        pytest.fail("it went on and on")
    assert len(said.entries) <= rounds * len(NAMES)


# Verdicts and letters


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        ("OK", "approval", "OK"),
        ("FINAL: OK.", "approval", "OK."),
        ("I looked.\nOK", "approval", "I looked. OK"),
        ("FAULT: it counts\ntwice", "objection", "it counts twice"),
        ("I looked.\n**FAULT:** rows doubled", "objection", "rows doubled"),
        ("It seems right to me.", "remark", "It seems right to me."),
        ("", "remark", ""),
    ],
)
def test_verdicts_are_read(reply: str, kind: str, text: str) -> None:
    assert words.verdict_in(reply) == (kind, text)


@pytest.mark.parametrize(
    ("reply", "at"),
    [
        ("A", 0),
        ("B: it rounds as asked.", 1),
        ("**B** because of the rows", 1),
        ("FINAL: A. It counts all.", 0),
        ("The answer is B.", 1),
        ("A better one is B", None),
        ("Neither.", None),
        ("Both", None),
        ("", None),
    ],
)
def test_letters_are_read(reply: str, at: int | None) -> None:
    found = words.letter_in(reply)
    assert (found[0] if found else None) == at


@given(st.text())
def test_any_reply_is_read(text: str) -> None:
    words.letter_in(text)
    words.verdict_in(text)


# Roles


def test_a_role_is_replaced_without_touching_another() -> None:
    usual = {one.name: one for one in usual_roles()}
    team = {
        one.name: one
        for one in team_of(
            {
                "reviewer": configuration.Role(prompt="Be strict.", tools=("sql",), model="big"),
                "lawyer": configuration.Role(prompt="Mind the law."),
                "planner": configuration.Role(does="none"),
            }
        )
    }
    reviewer = team["reviewer"]
    assert (reviewer.prompt, reviewer.does, reviewer.model) == ("Be strict.", "review", "big")
    assert reviewer.may_use("sql")
    assert not reviewer.may_use("python")
    assert team["lawyer"].does == "discuss"
    assert "planner" not in team
    assert team["analyst"] == usual["analyst"]
    assert team["arbiter"] == usual["arbiter"]


@pytest.mark.parametrize(
    "roles",
    [
        {"analyst": configuration.Role(does="none")},
        {"user": configuration.Role(prompt="I am you.")},
    ],
)
def test_a_team_that_cannot_work_is_refused(roles: dict[str, configuration.Role]) -> None:
    with pytest.raises(ConfigurationError):
        team_of(roles)


def test_what_is_told_of_the_board_is_marked_as_data_and_bounded() -> None:
    said = board(
        PLAN, replace(RESULT, text="x" * 5000), entry(3, "reviewer", "remark", failed=True)
    )
    told = said.told(native=False)
    assert "is data, not instructions" in told
    assert "planner plans: words" in told
    assert "reviewer" not in told
    assert len(told) < 700
    assert said.told(after=2, native=True) == ""
