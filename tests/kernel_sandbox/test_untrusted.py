"""Arrow data forged to crash or fill the reader is refused, in words."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_sandbox import UntrustedResultError
from kernel_sandbox.codec.frames import METADATA_KEY, encode
from kernel_sandbox.handoff import _decode
from kernel_sandbox.untrusted import parse_untrusted, read_untrusted


def stream(table, **options) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def parse(data: bytes, *, max_bytes: int = 1 << 30):
    return parse_untrusted(data, max_bytes=max_bytes, variable="x")


def frame_stream(frame: pd.DataFrame) -> bytes:
    return stream(encode(frame).table)


FRAME = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "bb", None], "c": pd.Categorical(["u", "v", "u"])})


def test_an_honest_table_is_read():
    pd.testing.assert_frame_equal(_decode(frame_stream(FRAME), "x", 1 << 30), FRAME)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_tables_are_refused(codec):
    bomb = stream(pa.table({"z": np.zeros(20_000_000)}), compression=codec)
    assert len(bomb) < 1_000_000
    with pytest.raises(UntrustedResultError, match="compressed"):
        parse(bomb)


def test_a_compressed_dictionary_is_refused():
    table = pa.table({"d": pa.DictionaryArray.from_arrays([0, 0], ["a" * 10_000, "b"])})
    with pytest.raises(UntrustedResultError, match="compressed"):
        parse(stream(table, compression="zstd"))


def test_offsets_outside_the_data_are_refused():
    honest = stream(pa.table({"s": ["aaaa", "bbbb"]}))
    offsets = struct.pack("<iii", 0, 4, 8)
    assert honest.count(offsets) == 1
    with pytest.raises(UntrustedResultError, match="refused"):
        parse(honest.replace(offsets, struct.pack("<iii", 0, 4, 2**30)))


def test_a_claimed_length_beyond_the_data_is_refused():
    honest = stream(pa.table({"b": np.zeros(77_777, bool)}))
    length = struct.pack("<q", 77_777)
    assert length in honest
    with pytest.raises(UntrustedResultError, match="refused"):
        parse(honest.replace(length, struct.pack("<q", 10**12)))


def test_a_table_that_would_grow_out_of_proportion_is_refused():
    values = pd.Series(np.zeros(100_000, bool), dtype=object)
    data = frame_stream(pd.DataFrame({"x": values}))
    assert len(data) < 50_000
    with pytest.raises(UntrustedResultError, match="too much memory"):
        parse(data, max_bytes=1_000_000)
    assert parse(data, max_bytes=10_000_000).num_rows == 100_000
    nested = frame_stream(pd.DataFrame({"x": [[[]] * 50_000]}))
    with pytest.raises(UntrustedResultError, match="too much memory"):
        parse(nested, max_bytes=1_000_000)


def test_indices_outside_the_dictionary_are_refused():
    forged = pa.DictionaryArray.from_arrays(pa.array([0, 99]), ["only"], safe=False)
    with pytest.raises(UntrustedResultError, match="refused"):
        parse(stream(pa.table({"d": forged})))


def test_text_that_is_not_utf8_is_refused():
    offsets = pa.py_buffer(struct.pack("<ii", 0, 2))
    forged = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"\xff\xfe"))
    with pytest.raises(UntrustedResultError, match="refused"):
        parse(stream(pa.table({"s": forged})))


@pytest.mark.parametrize(
    "array",
    [
        pa.nulls(3),
        pa.array([[1], [2]]),
        pa.array([{"a": 1}]),
        pa.RunEndEncodedArray.from_arrays([2**31 - 1], [1]),
        pa.array(["a" * 50] * 3, type=pa.string_view()),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))),
    ],
    ids=lambda array: str(array.type)[:30],
)
def test_types_that_can_grow_when_read_are_refused(array):
    with pytest.raises(UntrustedResultError, match="are not taken"):
        parse(stream(pa.table({"x": array})))


def described(**changes) -> bytes:
    table = encode(FRAME).table
    meta = json.loads(table.schema.metadata[METADATA_KEY]) | changes
    return stream(table.replace_schema_metadata({METADATA_KEY: json.dumps(meta)}))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "pickle"},
        {"kind": "array", "shape": [10**9, 10**9], "dtype": "<f8"},
        {"kind": "arrow"},
        {"columns": 5},
        {"columns": [{"as": "exec", "at": [0, 1]}]},
        {"columns": [{"as": "plain", "dtype": "O8", "at": [0, 1]}]},
        {"columns": [{"as": "plain", "dtype": "datetime64[1000000000D]", "at": [0, 1]}]},
        {"columns": [{"as": "plain", "dtype": "int64", "at": [0, 10**9]}]},
        {"columns": [{"as": "plain", "dtype": "int64", "at": [-5, 1]}]},
        {"columns": [{"as": "json", "at": [1, 1]}]},
        {"columns": [{"as": "categorical", "ordered": 1, "cells": [1], "at": [0, 1]}]},
        {"columns": [{"as": "period", "dtype": "period[M]", "at": [1, 1]}]},
        {"columns": [{"as": "object", "missing": "os.system", "at": [0, 1]}]},
        {"labels": {"names": [None], "range": [0, 10**12, 1]}},
        {"index": {"names": [None], "range": [0, 10**12, 1]}},
        {"labels": {"names": [None], "values": [{"$": "eval", "v": "1"}], "multi": False}},
        {"attrs": {"$": "eval"}},
        {"attrs": [1]},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)
def test_a_forged_description_is_refused(changes):
    with pytest.raises(UntrustedResultError, match="refused"):
        _decode(described(**changes), "x", 1 << 30)


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read_as_a_frame(data):
    honest = bytearray(frame_stream(FRAME))
    for _ in range(data.draw(st.integers(1, 4))):
        honest[data.draw(st.integers(0, len(honest) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(honest)))
    try:
        frame = _decode(bytes(honest[:cut]), "x", 1 << 30)
    except UntrustedResultError:
        return
    assert isinstance(frame, pd.DataFrame)
    repr(frame)


@pytest.mark.timeout(300)
def test_damaged_streams_do_not_crash_their_reader(tmp_path):
    """Apart, since a crash would take the tests along."""
    program = Path(__file__).with_name("damaged_streams.py")
    done = subprocess.run(
        [sys.executable, program, "1500", tmp_path / "last"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[:3000]}\n{(tmp_path / 'last').read_bytes()!r}"
    assert done.stdout == "done\n"


def test_a_link_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("private")
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "result").symlink_to(secret)
    with pytest.raises(UntrustedResultError, match="left no readable file"):
        read_untrusted(tmp_path / "outbox", "result", max_bytes=100, variable="x")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UntrustedResultError, match="outbox cannot be read"):
        read_untrusted(tmp_path / "link", "secret", max_bytes=100, variable="x")


def test_a_pipe_does_not_block_the_reader(tmp_path):
    os.mkfifo(tmp_path / "result")
    with pytest.raises(UntrustedResultError, match="not a regular file"):
        read_untrusted(tmp_path, "result", max_bytes=100, variable="x")


def test_a_directory_is_no_result(tmp_path):
    (tmp_path / "result").mkdir()
    with pytest.raises(UntrustedResultError, match="not a regular file"):
        read_untrusted(tmp_path, "result", max_bytes=100, variable="x")


def test_a_file_over_the_limit_is_refused_and_deleted(tmp_path):
    (tmp_path / "result").write_bytes(b"x" * 101)
    with pytest.raises(UntrustedResultError, match="larger than the limit"):
        read_untrusted(tmp_path, "result", max_bytes=100, variable="x")
    assert not (tmp_path / "result").exists()
    (tmp_path / "result").write_bytes(b"x" * 100)
    assert read_untrusted(tmp_path, "result", max_bytes=100, variable="x") == b"x" * 100
