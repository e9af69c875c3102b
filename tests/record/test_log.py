"""A log keeps every event it was given, whatever happens to the process or the file."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyst.record.blobs import LARGE
from analyst.record.events import (
    Answer,
    MessageDelta,
    Note,
    OutputEmitted,
    RunFinished,
    ToolCallFinished,
)
from analyst.record.log import (
    RunLog,
    RunLogError,
    blob_store,
    decode_event,
    log_path,
    new_run_id,
    read_run,
)

RUN = "20260102T030405678-abcdef"


def delta(seq: int, text: str = "x") -> MessageDelta:
    return MessageDelta(run_id=RUN, seq=seq, t=seq / 10, request=0, text=text)


def output(seq: int, **data: object) -> OutputEmitted:
    shown = {"output_type": "display_data", "data": data, "metadata": {}}
    return OutputEmitted(run_id=RUN, seq=seq, t=0, call_id="c", output=shown)


def write(directory: Path, *events) -> Path:
    with RunLog(RUN, directory=directory) as log:
        for event in events:
            log.append(event)
    return log.path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_events_come_back_as_they_were(tmp_path):
    events = [
        delta(0, 'quotes " and\nnew lines \u2028 and \x00'),
        output(1, **{"text/plain": "3"}),
        RunFinished(run_id=RUN, seq=2, t=1, status="ok", seconds=1.0),
    ]
    write(tmp_path, *events)
    record = read_run(RUN, directory=tmp_path)
    assert record.events == events
    assert (record.skipped, record.lost_values) == (0, 0)


def test_files_and_directories_are_private(tmp_path):
    old = os.umask(0)
    try:
        path = write(tmp_path, output(0, **{"image/png": "A" * (LARGE + 1)}))
    finally:
        os.umask(old)
    blobs = list((tmp_path / "blobs").iterdir())
    assert mode(path) == 0o600
    assert mode(path.parent) == mode(tmp_path / "blobs") == 0o700
    assert [mode(blob) for blob in blobs] == [0o600]


def test_a_directory_that_others_could_enter_is_closed(tmp_path):
    (tmp_path / "runs").mkdir(mode=0o755)
    assert mode(write(tmp_path, delta(0)).parent) == 0o700


def test_an_event_is_on_disk_when_append_returns(tmp_path):
    log = RunLog(RUN, directory=tmp_path)
    log.append(delta(0))
    assert read_run(RUN, directory=tmp_path).events == [delta(0)]
    log.close()


def test_a_killed_writer_loses_nothing_it_had_appended(tmp_path):
    code = f"""
import sys, pathlib
from analyst.record.log import RunLog
from analyst.record.events import MessageDelta
log = RunLog({RUN!r}, directory=pathlib.Path({str(tmp_path)!r}))
for seq in range(50):
    log.append(MessageDelta(run_id={RUN!r}, seq=seq, t=0, request=0, text="x"))
print("written", flush=True)
sys.stdin.read()
"""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    )
    with process:
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert len(read_run(RUN, directory=tmp_path)) == 50


def test_appending_after_a_torn_line_begins_a_fresh_one(tmp_path):
    path = write(tmp_path, delta(0), delta(1))
    path.write_bytes(path.read_bytes()[:-10])
    write(tmp_path, delta(2))
    record = read_run(RUN, directory=tmp_path)
    assert record.events == [delta(0), delta(2)]
    assert record.skipped == 1


def test_a_disk_that_fills_up_costs_only_what_did_not_fit(tmp_path, monkeypatch):
    log = RunLog(RUN, directory=tmp_path)
    log.append(delta(0))
    whole_write, room = os.write, [20]

    def small_disk(descriptor, data):
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = whole_write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", small_disk)
    with pytest.raises(RunLogError, match="No space left"):
        log.append(delta(1))
    monkeypatch.undo()
    log.append(delta(2))
    log.close()
    assert read_run(RUN, directory=tmp_path).events == [delta(0), delta(2)]


def test_lines_of_other_versions_are_skipped_and_counted(tmp_path):
    path = write(tmp_path, delta(0))
    with path.open("ab") as file:
        file.write(b'{"type":"from_the_future","run_id":"r","seq":1,"t":0}\n[]\n\n\xff\xfe\n')
    write(tmp_path, delta(2))
    record = read_run(RUN, directory=tmp_path)
    assert record.events == [delta(0), delta(2)]
    assert record.skipped == 3


def test_several_threads_may_append(tmp_path):
    log = RunLog(RUN, directory=tmp_path)
    threads = [
        threading.Thread(target=lambda: [log.append(delta(seq)) for seq in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    record = read_run(RUN, directory=tmp_path)
    assert (len(record), record.skipped) == (200, 0)


def test_large_values_are_kept_once_and_come_back(tmp_path):
    image, figure = "A" * (LARGE + 1), {"data": [{"y": list(range(LARGE))}]}
    events = [
        output(seq, **{"image/png": image, "application/json": figure, "text/plain": "small"})
        for seq in range(3)
    ]
    path = write(tmp_path, *events)
    assert path.stat().st_size < 3000
    assert len(list((tmp_path / "blobs").iterdir())) == 2
    assert read_run(RUN, directory=tmp_path).events == events


def test_long_printed_text_is_kept_beside_the_log_too(tmp_path):
    printed = {"output_type": "stream", "name": "stdout", "text": "y" * (LARGE + 1)}
    event = OutputEmitted(run_id=RUN, seq=0, t=0, call_id="c", output=printed)
    assert write(tmp_path, event).stat().st_size < 1000
    assert read_run(RUN, directory=tmp_path).events == [event]


def test_a_lost_or_altered_blob_costs_its_value_only(tmp_path):
    write(tmp_path, output(0, **{"image/png": "A" * (LARGE + 1), "text/plain": "p"}), delta(1))
    (blob,) = (tmp_path / "blobs").iterdir()
    blob.write_bytes(b"B" * (LARGE + 1))
    record = read_run(RUN, directory=tmp_path)
    assert record.events[0].output["data"] == {"text/plain": "p"}
    assert record.events[1] == delta(1)
    assert record.lost_values == 1
    blob.unlink()
    assert read_run(RUN, directory=tmp_path).lost_values == 1


def test_an_output_cannot_pose_as_a_reference_to_a_blob(tmp_path):
    digest = blob_store(tmp_path).put(b"private")
    reference = {"in": "data", "key": "text/plain", "kind": "text", "sha256": digest}
    event = output(0, **{"application/json": {"blobs": [reference]}, "blobs": [reference]})
    write(tmp_path, event)
    assert read_run(RUN, directory=tmp_path).events == [event]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x\ud800y", "x?y"),
        (np.int64(3), 3),
        (np.float64("nan"), None),
        (frozenset([1]), [1]),
        (b"\xff", "\ufffd"),
        pytest.param(10**5000, "[an integer of 16610 bits]", id="huge integer"),
        (np.array([1, 2]), "[1 2]"),
    ],
)
def test_values_that_json_cannot_hold_are_recorded_by_their_likeness(tmp_path, value, kept):
    write(tmp_path, Answer(run_id=RUN, seq=0, t=0, text="a", values={"v": value}))
    (event,) = read_run(RUN, directory=tmp_path)
    assert event.values == {"v": kept}


@pytest.mark.parametrize("depth", [90, 150, 500, 5000])
def test_nesting_of_any_depth_can_be_written_and_read(tmp_path, depth):
    value: object = "deep"
    for _ in range(depth):
        value = [value]
    write(tmp_path, output(0, **{"application/json": value}), delta(1))
    record = read_run(RUN, directory=tmp_path)
    assert (len(record), record.skipped) == (2, 0)


def test_an_event_of_another_run_is_refused(tmp_path):
    with RunLog("other", directory=tmp_path) as log, pytest.raises(ValueError, match="other"):
        log.append(delta(0))


@pytest.mark.parametrize("run_id", ["", "../evil", "a/b", ".hidden", "a\n"])
def test_what_is_no_run_id_never_becomes_a_path(tmp_path, run_id):
    with pytest.raises(ValueError, match="no run id"):
        log_path(run_id, tmp_path)


def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / f"{RUN}.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunLogError, match="cannot open the log"):
        RunLog(RUN, directory=tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_log_is_told_in_a_sentence(tmp_path):
    with pytest.raises(RunLogError, match="cannot read the log"):
        read_run(RUN, directory=tmp_path)


def test_the_data_directory_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path / "mine"))
    assert log_path(RUN) == tmp_path / "mine" / "runs" / f"{RUN}.jsonl"
    monkeypatch.delenv("ANALYST_DATA")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    assert log_path(RUN) == tmp_path / "jupyter" / "analyst" / "runs" / f"{RUN}.jsonl"


def test_run_ids_sort_by_time_and_differ():
    ids = [new_run_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert [run_id[:18] for run_id in ids] == sorted(run_id[:18] for run_id in ids)


LINES = [
    delta(0, "é\u4e2d" * 5),
    ToolCallFinished(run_id=RUN, seq=1, t=1, call_id="c", status="ok", observation="o", seconds=1),
    Note(run_id=RUN, seq=2, t=1, code="n", text='a "quoted" \\ text'),
    output(3, **{"text/plain": "4", "image/png": "A" * (LARGE + 1)}),
    RunFinished(run_id=RUN, seq=4, t=1, status="ok", seconds=1.0),
]


@pytest.fixture(scope="module")
def log_bytes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("log")
    return write(directory, *LINES).read_bytes()


def test_a_log_torn_at_any_byte_keeps_all_lines_before(tmp_path, log_bytes):
    write(tmp_path, LINES[3])  # for its blob
    path = log_path(RUN, tmp_path)
    for cut in range(len(log_bytes) + 1):
        path.write_bytes(log_bytes[:cut])
        record = read_run(RUN, directory=tmp_path)
        whole = log_bytes[:cut].count(b"\n")
        assert record.events[:whole] == LINES[:whole]
        assert len(record) + record.skipped == whole + bool(log_bytes[:cut].rpartition(b"\n")[2])


@settings(max_examples=150)
@given(garbage=st.binary(max_size=300), at=st.integers(0, 10_000), overwrite=st.booleans())
def test_garbage_at_any_byte_never_raises_nor_costs_earlier_events(
    tmp_path_factory, log_bytes, garbage, at, overwrite
):
    at %= len(log_bytes) + 1
    spoilt = log_bytes[:at] + garbage + log_bytes[at + (len(garbage) if overwrite else 0) :]
    directory = tmp_path_factory.getbasetemp() / "garbage"
    write(directory, LINES[3])
    log_path(RUN, directory).write_bytes(spoilt)
    record = read_run(RUN, directory=directory)
    whole = log_bytes[:at].count(b"\n")
    assert record.events[:whole] == LINES[:whole]
    with RunLog(RUN, directory=directory) as log:
        log.append(delta(9))
    assert read_run(RUN, directory=directory).events[-1] == delta(9)


@settings(max_examples=150)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_is_appended_can_be_read(tmp_path_factory, value):
    event = Answer(run_id=RUN, seq=0, t=0, text="a", values={"v": value})
    directory = tmp_path_factory.mktemp("any")
    write(directory, event)
    record = read_run(RUN, directory=directory)
    assert (len(record), record.skipped) == (1, 0)


@settings(max_examples=100)
@given(
    references=st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["in", "key", "kind", "sha256"]), inner, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_spoilt_references_never_raise(tmp_path_factory, references):
    body = json.loads(output(0, **{"text/plain": "p"}).model_dump_json()) | {"blobs": references}
    line = json.dumps(body, separators=(",", ":")).encode()
    event, _ = decode_event(line, blob_store(tmp_path_factory.getbasetemp()))
    assert event.output["data"]["text/plain"] == "p"
