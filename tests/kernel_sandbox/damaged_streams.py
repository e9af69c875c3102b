"""A program that reads damaged Arrow streams as a host would; it must end by itself.

``python damaged_streams.py EXAMPLES LAST``: the file LAST holds what was read last, so that a
crash can be looked into.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import struct
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel_sandbox import UntrustedResultError
from kernel_sandbox.codec.frames import encode
from kernel_sandbox.handoff import _decode

LIMIT = 1 << 24
LAST = Path(sys.argv[2])
TEMPTING = (0, 1, -1, 2, 7, 8, 127, 255, 2**15, 2**31 - 1, -(2**31), 2**32 - 1, 2**62, 2**63 - 1)


def frames() -> list[pd.DataFrame]:
    days = pd.date_range("2024-01-01", periods=5, tz="Europe/Rome")
    return [
        pd.DataFrame({"n": np.arange(4), "f": [1.5, None, 3, 4], "b": [True, False, True, True]}),
        pd.DataFrame({"s": ["a", "bb", None, "é", ""], "o": [b"x", b"", None, b"yy", b"z"]}),
        pd.DataFrame({"c": pd.Categorical([*"uvuvw"]), "d": days}, index=days),
        pd.DataFrame({"m": [decimal.Decimal("1.50")] * 5, "t": [dt.date(2024, 1, 1)] * 5}),
        pd.DataFrame({"i": pd.interval_range(0, 5), "p": pd.period_range("2024", periods=5)}),
        pd.DataFrame({"x": [1 + 2j] * 5, "j": [[1], {"a": 2}, None, "t", 3]}),
        pd.DataFrame({"v": range(4)}, index=pd.MultiIndex.from_product([["a", "b"], [1, 2]])),
        pd.DataFrame({"I": pd.array([1, None, 3], dtype="Int64"), "S": pd.array(["q", None, "r"])}),
    ]


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


HONEST = [stream(encode(frame).table) for frame in frames()]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(HONEST)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 9))
        match draw(st.sampled_from(["byte", "word", "long", "copy", "cut"])):
            case "byte":
                data[at] = draw(st.integers(0, 255))
            case "word":
                value = draw(st.sampled_from(TEMPTING)) & 0xFFFFFFFF
                struct.pack_into("<I", data, at & ~3, value)
            case "long":
                value = draw(st.sampled_from(TEMPTING)) & 0xFFFFFFFFFFFFFFFF
                struct.pack_into("<Q", data, at & ~3, value)
            case "copy":
                other = draw(st.integers(0, len(data) - 9))
                size = draw(st.integers(1, 64))
                data[at : at + size] = data[other : other + size]
            case "cut":
                del data[at : at + draw(st.sampled_from([1, 4, 8, 64]))]
        if len(data) < 16:
            break
    return bytes(data)


@settings(
    max_examples=int(sys.argv[1]),
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)
@given(damaged())
def read(data: bytes) -> None:
    LAST.write_bytes(data)
    try:
        frame = _decode(data, "x", LIMIT)
    except UntrustedResultError:
        return
    # A time out of pandas' range can be had but not shown.
    with contextlib.suppress(Exception):
        repr(frame)
    frame.memory_usage(deep=True)


read()
print("done")
