"""What the record of a planned run says of how far it came: events written by hand, no kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analyst.record import events
from analyst.record.events import PlannedStep
from analyst.record.log import RunLog
from analyst.record.making import EventMaker
from analyst.record.resumed import claim, whole
from analyst.session.resuming import Resumption, resumption

STEPS = tuple(PlannedStep(text=text) for text in ("Count rows", "Fit it", "Use the fit"))
REVISED = (*STEPS[:2], PlannedStep(text="Take the mean"))
CHART = {"output_type": "display_data", "data": {"image/png": "", "text/plain": ""}}

Part = tuple[type[events.EventBase], dict[str, Any]]


def proposed(steps: Sequence[PlannedStep] = STEPS) -> Part:
    return events.PlanProposed, {"steps": [one.text for one in steps], "planned": steps}


def begun(at: int) -> Part:
    return events.PlanStepStarted, {"index": at}


def ended(at: int, status: str = "ok", **more: Any) -> Part:
    return events.PlanStepFinished, {"index": at, "status": status, **more}


def ran(code: str, call: str, **more: Any) -> list[Part]:
    return [
        (
            events.ToolCallStarted,
            {"call_id": call, "tool": "python", "raw": "", "arguments": {"code": code}},
        ),
        (events.OutputEmitted, {"call_id": call, "output": CHART}),
        (
            events.ToolCallFinished,
            {"call_id": call, "status": "ok", "observation": call, "seconds": 0, **more},
        ),
    ]


REVISION = (
    events.PlanRevised,
    {"steps": [one.text for one in REVISED], "planned": REVISED, "reason": "Step 2 failed."},
)
FAILED = [proposed(), begun(0), ended(0), begun(1), *ran("model = 1", "a"), ended(1, "error")]


def write(place: Path, run_id: str, parts: Sequence[Part], *, resumes: str | None = None) -> None:
    make = EventMaker(run_id)
    with RunLog(run_id, directory=place) as log:
        log.append(
            make(
                events.RunStarted,
                question="Q?",
                started_at="2026-01-01T00:00:00+00:00",
                model="none",
                model_reason="written by hand",
                protocol="fenced",
                settings={},
                resumes=resumes,
            )
        )
        for kind, fields in parts:
            log.append(make(kind, **fields))  # type: ignore[arg-type]
    if resumes is not None:
        assert claim(resumes, run_id, directory=place)


def read(place: Path, *records: Sequence[Part]) -> Resumption:
    """Read runs of which each goes on with the one before."""
    for number, parts in enumerate(records):
        write(place, f"r{number}", parts, resumes=f"r{number - 1}" if number else None)
    return resumption("r0", place)


def test_a_failed_step_counts_once_it_is_got_round(tmp_path: Path) -> None:
    found = read(tmp_path, FAILED).begun
    assert [(one.index, one.status) for one in found.finished] == [(0, "ok")]
    assert found.steps == STEPS
    assert found.seen == ()


def test_a_failed_step_that_was_got_round_stays_behind(tmp_path: Path) -> None:
    found = read(tmp_path, [*FAILED, REVISION]).begun
    assert [(one.index, one.status) for one in found.finished] == [(0, "ok"), (1, "error")]
    assert found.steps == REVISED
    told = [proposed(REVISED), ended(0, resumed=True), ended(1, "error", resumed=True)]
    write(tmp_path, "r1", [*told, begun(2)], resumes="r0")
    again = resumption("r0", tmp_path).begun
    assert [(one.index, one.status) for one in again.finished] == [(0, "ok"), (1, "error")]


def test_what_a_failed_step_may_have_done_is_told_when_it_is_begun_again(tmp_path: Path) -> None:
    writes = [proposed(), begun(0), *ran("df.to_csv('x.csv')", "a"), ended(0, "error")]
    assert "df.to_csv('x.csv')" in read(tmp_path, writes).begun.note


def test_what_a_cut_off_step_did_is_told_also_after_another_break(tmp_path: Path) -> None:
    first = [proposed(), begun(0), *ran("df.to_csv('x.csv')", "a")]
    assert "df.to_csv('x.csv')" in read(tmp_path, first, [proposed()]).begun.note


@pytest.mark.parametrize("told", [0, 1, 2], ids=["nothing", "the plan", "the first step"])
def test_a_run_that_broke_off_before_it_had_told_all_again_loses_nothing(
    tmp_path: Path, told: int
) -> None:
    first = [proposed(), begun(0), ended(0), begun(1), ended(1, "skipped")]
    again = [proposed(), ended(0, resumed=True), ended(1, "skipped", resumed=True)][:told]
    found = read(tmp_path, first, again)
    assert found.run_id == "r1"
    assert [one.status for one in found.begun.finished] == ["ok", "skipped"]
    assert found.begun.steps == STEPS


def test_charts_and_values_count_of_steps_that_ended(tmp_path: Path) -> None:
    first = [proposed(), begun(0), *ran("a = 1", "a", values={"a": 1})]
    failed_first = [
        *ran("a = 2", "b", values={"a": 2}),
        (events.Note, {"code": "step_again", "text": "again"}),
        *ran("a = 3", "c", values={"a": 3}),
    ]
    cut_off = read(tmp_path, first).begun
    assert (cut_off.values, cut_off.charts, cut_off.seen) == ({}, (), ())
    write(tmp_path, "r1", [proposed(), begun(0), *failed_first, ended(0)], resumes="r0")
    found = resumption("r0", tmp_path)
    assert (found.begun.values, found.begun.charts) == ({"a": 3}, ((1, "chart"),))
    assert found.begun.seen == ("b", "c")
    assert found.code == {0: ("a = 2", "a = 3")}


def asked(call: str, decision: str) -> list[Part]:
    return [
        (events.ApprovalRequested, {"call_id": call, "kind": "plan", "risk": "?"}),
        (events.ApprovalResolved, {"call_id": call, "decision": decision, "by": "user"}),
    ]


def test_a_plan_that_was_not_begun_is_shown_again(tmp_path: Path) -> None:
    # Nothing says yet whether what was approved is the plan that is on record.
    assert not read(tmp_path, [proposed()]).begun.approved
    write(tmp_path, "r1", [proposed(), *asked("a", "edited")], resumes="r0")
    assert not resumption("r0", tmp_path).begun.approved
    write(tmp_path, "r2", [proposed(), *asked("b", "approved"), begun(0)], resumes="r1")
    assert resumption("r0", tmp_path).begun.approved


@pytest.mark.parametrize(("revised", "calls"), [(True, ["a", "b"]), (False, ["b"])])
def test_the_whole_of_a_run_leaves_out_a_failed_step_that_was_begun_again(
    tmp_path: Path, *, revised: bool, calls: list[str]
) -> None:
    write(tmp_path, "r0", [*FAILED, *([REVISION] if revised else [])])
    write(tmp_path, "r1", [begun(2 if revised else 1), *ran("x = 1", "b")], resumes="r0")
    found = whole("r1", directory=tmp_path)
    started = [one.call_id for one in found if isinstance(one, events.ToolCallStarted)]
    assert started == calls
    assert any(isinstance(one, events.PlanRevised) for one in found) is revised
