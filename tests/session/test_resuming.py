"""Planned runs that break off: killed at every boundary, gone on with, and no step done twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analyst.record import events
from analyst.record.resumed import chain, claim, successor
from analyst.record.runs import list_runs
from analyst.session import Session
from analyst.session.resuming import ResumeError, is_pure

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer
from .test_planned_runs import CHART, FINAL, FRAME, LINES, MEAN, PLAN, QUESTION, code, statuses

PROGRAM = Path(__file__).parent / "in_process" / "planned.py"
BOUNDARIES = 7
"""The plan, then the beginning and the end of each of three steps."""

FAILED = 6
BOUNDARIES_REVISED = 12
"""The plan, the beginning and the end of each of five steps, and the revision after the third."""


def start(place: Path, boundary: int, *resume: str, script: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(place), script, str(boundary), *resume]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=place, start_new_session=True
    )


def killed_at(place: Path, boundary: int, *resume: str, script: str = "plain") -> str:
    """Run to a boundary, kill -9 there, and return the id of the run."""
    with start(place, boundary, *resume, script=script) as process:
        assert process.stdout is not None
        run_id, said = "", ""
        for line in process.stdout:
            said += line
            run_id = line.split()[1] if line.startswith("run ") else run_id
            if line.startswith("at "):
                break
        else:
            pytest.fail(f"it ended before boundary {boundary}: {said}")
        os.kill(process.pid, signal.SIGKILL)
    return run_id


def resumed(place: Path, run_id: str, *, script: str = "plain") -> dict[str, str]:
    with start(place, -1, run_id, script=script) as process:
        said, _ = process.communicate(timeout=100)
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    pd.DataFrame({"x": [1, 2, 3]}).to_csv(tmp_path / "df.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("boundary", range(BOUNDARIES))
def test_a_run_that_was_killed_goes_on_and_does_no_step_twice(place: Path, boundary: int) -> None:
    run_id = killed_at(place, boundary)
    said = resumed(place, run_id)
    assert said.get("answer") == "True The total is 21.", said
    assert said["finished"] == "ok None"
    # What each step did outside the kernel, and what the model was asked, happened once.
    assert lines(place / "ran") == ["1", "3"]
    assert lines(place / "asked") == ["1", "2", "3", "answer"]
    if boundary >= 4:
        assert "double could not be kept; the code of step 2" in said["note"]
    first, second = chain(said["run"], directory=place / "data")
    assert first.run_id == run_id
    finished = of_kind(second.events, events.PlanStepFinished)
    assert [one.index for one in finished] == [0, 1, 2]
    assert [one.resumed for one in finished].count(True) == boundary // 2
    assert not list((place / "data" / "checkpoints").iterdir())


@pytest.mark.parametrize("boundary", range(BOUNDARIES_REVISED))
def test_no_step_is_lost_or_done_twice_where_one_failed_and_was_got_round(
    place: Path, boundary: int
) -> None:
    run_id = killed_at(place, boundary, script="revised")
    said = resumed(place, run_id, script="revised")
    answer = "True The mean is 2.25, and rows are people [K1]."
    assert said.get("answer") == answer, said
    assert "note" not in said
    # Until the plan is revised, the failed step is not behind; the next is told what it did.
    again = boundary == FAILED
    failing = ["3", "3", "instead"] * (1 + again)
    assert lines(place / "ran") == ["1", *(one for one in failing if one == "3"), "4"]
    assert lines(place / "asked") == ["1", *failing, "4", "answer"]
    assert lines(place / "told") == ["3"] * again
    assert lines(place / "searched") == ["rows"]
    _, second = chain(said["run"], directory=place / "data")
    finished = of_kind(second.events, events.PlanStepFinished)
    assert [one.status for one in finished] == ["ok", "ok", "error", "ok", "ok"]
    assert len(of_kind(second.events, events.PlanRevised)) == (boundary <= FAILED)
    assert not list((place / "data" / "checkpoints").iterdir())


@pytest.mark.parametrize("boundary", [0, 1])
def test_a_run_killed_before_it_had_told_all_again_does_no_step_twice(
    place: Path, boundary: int
) -> None:
    run_id = killed_at(place, 4)
    run_id = killed_at(place, boundary, run_id)
    said = resumed(place, run_id)
    assert said.get("answer") == "True The total is 21.", said
    assert lines(place / "ran") == ["1", "3"]
    assert lines(place / "asked") == ["1", "2", "3", "answer"]


def test_a_run_killed_again_and_again_still_comes_to_its_end(place: Path) -> None:
    run_id = killed_at(place, 2)
    # Retold are the plan and one finished step; the third event is the second step's beginning.
    run_id = killed_at(place, 2, run_id)
    run_id = killed_at(place, 5, run_id)
    said = resumed(place, run_id)
    assert said.get("answer") == "True The total is 21.", said
    assert lines(place / "ran") == ["1", "3"]
    assert len(chain(said["run"], directory=place / "data")) == 4


def test_the_first_run_leads_to_the_one_that_went_on(place: Path) -> None:
    first = killed_at(place, 2)
    second = killed_at(place, 2, first)
    said = resumed(place, first)
    assert said.get("answer") == "True The total is 21.", said
    runs = [record.run_id for record in chain(said["run"], directory=place / "data")]
    assert runs[:2] == [first, second]
    assert lines(place / "ran") == ["1", "3"]


async def test_a_run_that_was_stopped_goes_on_in_the_same_session(
    make_session: MakeSession,
) -> None:
    session = make_session([LINES, code(MEAN), code(CHART), FINAL], settings=PLAN)
    stream: list[events.Event] = []
    stopping = None
    async for event in session.ask(QUESTION, data={"df": FRAME}):
        stream.append(event)
        if isinstance(event, events.PlanStepFinished):
            stopping = stopping or asyncio.create_task(session.stop())
    assert stream[-1].type == "run_finished"
    done = len(statuses(stream))
    assert 1 <= done < 3
    model = session.models.given
    model._replies[len(model.requests) :] = [code(CHART), FINAL][done - 1 :]  # type: ignore[union-attr]
    again = await collect(session, "", resume=stream[0].run_id)
    started = again[0]
    assert isinstance(started, events.RunStarted)
    assert (started.question, started.resumes) == (QUESTION, stream[0].run_id)
    assert statuses(again) == [(0, "ok"), (1, "ok"), (2, "ok")]
    assert "*Life expectancy* (step 2)" in the_answer(again).text
    assert [event.seq for event in again] == list(range(len(again)))


async def broken_off(make_session: MakeSession) -> str:
    """Return the id of a run that broke off after its first step."""
    return await breaks_off(make_session([LINES, code(MEAN)], settings=PLAN))


async def breaks_off(session: Session) -> str:
    """Run until the script has no reply; return the id of the run."""
    with pytest.raises(AssertionError, match="asked for one more"):
        await collect(session, QUESTION, data={"df": FRAME})
    (newest, *_) = list_runs(directory=session.data_directory)
    return newest.run_id


async def test_tables_of_a_notebook_come_from_where_they_were_kept(
    make_session: MakeSession,
) -> None:
    run_id = await broken_off(make_session)
    session = make_session([code(CHART), FINAL], settings=PLAN)
    stream = await collect(session, "", resume=run_id)
    assert the_answer(stream).complete
    (handed,) = of_kind(stream, events.DataHandedOver)
    assert handed.data[0].name == "df"
    fetched = await session.fetch_frame("df")
    pd.testing.assert_frame_equal(fetched, FRAME)


async def test_data_that_changed_ends_the_going_on(place: Path, make_session: MakeSession) -> None:
    run_id = killed_at(place, 2)
    pd.DataFrame({"x": [1, 2, 4]}).to_csv(place / "df.csv", index=False)
    session = make_session([], settings=PLAN)
    stream = await collect(session, "", resume=run_id)
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    assert finished.status == "error"
    assert "is not what it was when run" in str(finished.reason)


async def test_what_cannot_be_gone_on_with_is_said_in_a_sentence(
    make_session: MakeSession,
) -> None:
    session = make_session(["FINAL: Hello.", LINES, code(MEAN), code(CHART), FINAL])
    plain = await collect(session, "Say hello")
    with pytest.raises(ResumeError, match="has ended well"):
        await collect(session, "", resume=plain[0].run_id)
    with pytest.raises(ResumeError, match="no run 'x9' on record"):
        await collect(session, "", resume="x9")
    with pytest.raises(ResumeError, match="private run keeps nothing"):
        await collect(session, "", resume=plain[0].run_id, overrides={"private": True})
    planned = await collect(session, QUESTION, data={"df": FRAME}, overrides=PLAN)
    with pytest.raises(ResumeError, match="has ended well; there is nothing left to do"):
        await collect(session, "", resume=planned[0].run_id)


async def test_two_do_not_go_on_with_one_run(make_session: MakeSession, tmp_path: Path) -> None:
    run_id = await broken_off(make_session)
    data = tmp_path / "data"
    assert claim(run_id, "nobody", directory=data)
    assert successor(run_id, directory=data) is None
    session = make_session([code(CHART), FINAL], settings=PLAN)
    stream = await collect(session, "", resume=run_id)
    assert the_answer(stream).complete
    assert successor(run_id, directory=data) == stream[0].run_id
    assert not claim(run_id, "another", directory=data)
    with pytest.raises(ResumeError, match="has ended well"):
        await collect(session, "", resume=run_id)


async def test_what_the_cut_off_step_may_have_done_is_told(make_session: MakeSession) -> None:
    writes = code("df.to_csv('copy.csv')\nraise RuntimeError('cut')")
    run_id = await breaks_off(make_session([LINES, code(MEAN), writes], settings=PLAN))
    again = make_session([code(CHART), FINAL], settings=PLAN)
    await collect(again, "", resume=run_id)
    asked = str(again.models.given.requests[0].messages[-1]["content"])  # type: ignore[union-attr]
    assert "This step was cut off before." in asked
    assert "df.to_csv('copy.csv')" in asked


@pytest.mark.parametrize(
    ("source", "pure"),
    [
        ("def f(x):\n    return x", True),
        (
            "from sklearn.linear_model import LinearRegression\nm = LinearRegression().fit(a, b)",
            True,
        ),
        ("open('x', 'w').write('1')", False),
        ("df.to_csv('x.csv')", False),
        ("import random\nm = random.random()", False),
        ("import subprocess", False),
        ("not python at all", False),
    ],
)
def test_only_code_that_surely_changes_nothing_runs_again(source: str, *, pure: bool) -> None:
    assert is_pure(source) is pure


async def test_a_run_that_goes_on_is_held_as_the_one_before_was(make_session: MakeSession) -> None:
    first = make_session([LINES], settings={**PLAN, "approval": "risky"})
    with pytest.raises(AssertionError, match="asked for one more"):
        await collect(first, QUESTION, data={"df": FRAME}, rules={"python": "deny", "sql": "allow"})
    (newest, *_) = list_runs(directory=first.data_directory)
    session = make_session([code(MEAN)] * 8 + ["SKIP"] * 8, settings=PLAN)
    stream: list[events.Event] = []
    with contextlib.suppress(AssertionError):
        asking = session.ask("", resume=newest.run_id, rules={"python": "allow"})
        async for event in asking:
            stream.append(event)  # noqa: PERF401 - what came before it broke off counts
    started = stream[0]
    assert isinstance(started, events.RunStarted)
    assert (started.settings["approval"], started.settings["rules"]) == (
        "risky",
        {"python": "deny"},
    )
    ended = of_kind(stream, events.ToolCallFinished)
    assert ended
    assert {one.status for one in ended} == {"refused"}
