"""What the roles of a team did, told from the events of a run."""

from __future__ import annotations

from typing import Any

from analyst.record import events
from analyst.record.events import Usage
from analyst.record.making import EventMaker
from analyst.record.team_report import RoleSums, added_up, team_sums

USAGE = Usage(input=100, output=10, cached=40)


def run(*said: dict[str, Any], result: int | None) -> list[events.EventBase]:
    make = EventMaker("r")
    stream: list[events.EventBase] = [
        make(
            events.TeamTurnFinished,
            number=number,
            usage=USAGE,
            seconds=0.5,
            **{"text": "w", "kind": "remark", **one},
        )
        for number, one in enumerate(said, 1)
    ]
    return [*stream, make(events.TeamFinished, result=result, reason="r")]


RESULT = {"role": "analyst", "kind": "result"}


def objection(about: int) -> dict[str, Any]:
    return {"role": "reviewer", "kind": "objection", "about": about}


def test_an_objection_is_upheld_when_another_result_is_the_answer() -> None:
    said = [RESULT, objection(1), RESULT, {"role": "reviewer", "kind": "approval", "about": 3}]
    sums = team_sums(run(*said, result=3))
    assert sums["reviewer"] == RoleSums(
        turns=2,
        usage=Usage(input=200, output=20, cached=80),
        seconds=1.0,
        objections=1,
        upheld=1,
        approvals=1,
    )
    assert sums["analyst"].turns == 2
    assert team_sums(run(*said[:3], result=1))["reviewer"].upheld == 0
    assert team_sums(run(*said[:3], result=None))["reviewer"].upheld == 0


def test_failed_turns_and_decisions_are_counted() -> None:
    sums = team_sums(
        run(
            {"role": "planner", "failed": True},
            {"role": "arbiter", "kind": "decision", "about": 1},
            result=1,
        )
    )
    assert [*sums] == ["planner", "arbiter"]
    assert (sums["planner"].failed, sums["arbiter"].decisions) == (1, 1)


def test_runs_without_a_team_have_no_sums_and_sums_add_up() -> None:
    assert team_sums([]) == {}
    one = team_sums(run(RESULT, result=1))
    assert added_up([one, {}, one])["analyst"].turns == 2
    assert added_up([one, one])["analyst"].usage == USAGE + USAGE
