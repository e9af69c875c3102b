"""Runs are listed from the ends of their logs, and found by a few characters."""

from __future__ import annotations

import time

import pytest

from analyst.record.events import MessageDelta, RunFinished, RunStarted, Usage
from analyst.record.log import RunLog
from analyst.record.runs import (
    AmbiguousRunError,
    UnknownRunError,
    find_run,
    list_runs,
)


def start(directory, run_id, question="How many?"):
    log = RunLog(run_id, directory=directory)
    log.append(
        RunStarted(
            run_id=run_id,
            seq=0,
            t=0,
            question=question,
            started_at="2026-01-02T03:04:05+00:00",
            model="m",
            model_reason="because",
            protocol="fenced",
            settings={},
        )
    )
    return log


def finish(log, seq=1):
    usage = Usage(input=10, output=3, cached=5)
    log.append(RunFinished(run_id=log.run_id, seq=seq, t=2, status="ok", usage=usage, seconds=2.5))
    log.close()


def delta(run_id, seq, text="x"):
    return MessageDelta(run_id=run_id, seq=seq, t=seq / 10, request=0, text=text)


def test_a_finished_run_is_summarised(tmp_path):
    finish(start(tmp_path, "a-1"))
    (summary,) = list_runs(directory=tmp_path)
    assert summary.run_id == "a-1"
    assert summary.status == "ok"
    assert summary.question == "How many?"
    assert summary.model == "m"
    assert summary.started_at == "2026-01-02T03:04:05+00:00"
    assert summary.seconds == 2.5
    assert summary.usage == Usage(input=10, output=3, cached=5)


def test_the_newest_come_first_and_no_more_than_asked(tmp_path):
    for run_id in ("20260101-a", "20260103-c", "20260102-b"):
        finish(start(tmp_path, run_id))
    ids = [summary.run_id for summary in list_runs(2, directory=tmp_path)]
    assert ids == ["20260103-c", "20260102-b"]
    assert len(list_runs(None, directory=tmp_path)) == 3


def test_a_run_that_is_being_written_is_running_and_then_interrupted(tmp_path):
    log = start(tmp_path, "a-1")
    log.append(delta("a-1", 7))
    (summary,) = list_runs(directory=tmp_path)
    assert (summary.status, summary.seconds, summary.usage) == ("running", 0.7, None)
    log.close()
    assert list_runs(directory=tmp_path)[0].status == "interrupted"


def test_a_torn_end_is_an_interruption(tmp_path):
    log = start(tmp_path, "a-1")
    finish(log)
    log.path.write_bytes(log.path.read_bytes()[:-5])
    assert list_runs(directory=tmp_path)[0].status == "interrupted"


def test_a_log_of_garbage_is_listed_as_what_it_is(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a-1.jsonl").write_bytes(b"\xff\x00garbage")
    (tmp_path / "runs" / "b-2.jsonl").write_bytes(b"")
    assert [(s.run_id, s.status, s.question) for s in list_runs(directory=tmp_path)] == [
        ("b-2", "interrupted", None),
        ("a-1", "interrupted", None),
    ]


def test_listing_does_not_read_logs_through(tmp_path):
    log = start(tmp_path, "a-1")
    with log.path.open("ab") as file:
        file.truncate(2_000_000_000)  # a sparse file that would take long to read
        file.seek(0, 2)
        file.write(b"\n")
    finish(log)
    began = time.perf_counter()
    (summary,) = list_runs(directory=tmp_path)
    assert summary.status == "ok"
    assert time.perf_counter() - began < 0.5


def test_no_runs_is_an_empty_list(tmp_path):
    assert list_runs(directory=tmp_path / "nowhere") == []


def test_a_run_is_found_by_beginning_or_random_part(tmp_path):
    for run_id in ("20260101T1-abc", "20260101T2-def", "20260102T3-abd"):
        start(tmp_path, run_id).close()
    assert find_run("20260102", directory=tmp_path) == "20260102T3-abd"
    assert find_run("de", directory=tmp_path) == "20260101T2-def"
    assert find_run("20260101T1-abc", directory=tmp_path) == "20260101T1-abc"
    assert find_run("last", directory=tmp_path) == "20260102T3-abd"


def test_a_whole_id_wins_over_longer_ones(tmp_path):
    for run_id in ("run", "run2"):
        start(tmp_path, run_id).close()
    assert find_run("run", directory=tmp_path) == "run"


def test_an_ambiguous_id_lists_the_candidates(tmp_path):
    for run_id in ("20260101T1-abc", "20260101T2-def"):
        start(tmp_path, run_id).close()
    with pytest.raises(AmbiguousRunError, match="20260101T2-def, 20260101T1-abc") as caught:
        find_run("2026", directory=tmp_path)
    assert caught.value.candidates == ("20260101T2-def", "20260101T1-abc")


@pytest.mark.parametrize("typed", ["zzz", "", "../../etc/passwd", "*"])
def test_an_unknown_id_lists_the_newest(tmp_path, typed):
    start(tmp_path, "20260101T1-abc").close()
    with pytest.raises(UnknownRunError, match="20260101T1-abc"):
        find_run(typed, directory=tmp_path)


def test_without_runs_the_error_says_so(tmp_path):
    with pytest.raises(UnknownRunError, match="no run on record yet"):
        find_run("a", directory=tmp_path)
