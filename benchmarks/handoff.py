"""How fast frames get to an isolated kernel and back, and Arrow against parquet and pickle.

    python benchmarks/handoff.py [--quick]

Medians of five, after one that does not count: fresh memory of a virtual machine is slow the first
time. "There" is the whole hand-over: encoding, fingerprint, file, loading in the
kernel. "Back" is the whole fetch: writing there, copying, validating, decoding here.
"""

from __future__ import annotations

import asyncio
import io
import mmap
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kernel_sandbox import HandOff, KernelSession, Limits, Policy
from kernel_sandbox.limits import GIB

TIMES = 5
TARGETS = {"100 MB numbers": (0.1, None), "1 GB numbers": (1.0, 1.5)}


def numbers(rows: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).random((rows, 10)), columns=list("abcdefghij"))


def words(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    some = np.array([f"word number {n}" for n in range(5000)])
    return pd.DataFrame(
        {
            "s": pd.Series(some[rng.integers(0, 5000, rows)], dtype="str"),
            "t": pd.Series(some[rng.integers(0, 5000, rows)], dtype="str"),
            "x": rng.random(rows),
        }
    )


def median(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):6.2f} s"


async def crossing(frames: dict[str, Callable[[], pd.DataFrame]]) -> None:
    limits = Limits(memory=8 * GIB, frame_bytes=4 * GIB)
    async with await KernelSession.start(policy=Policy(limits=limits)) as session:
        hand = HandOff(session)
        await hand.hand_over("warm", pd.DataFrame({"a": [1]}))
        print(f"{'frame':<16} {'there':>8} {'back':>8}   targets")
        for name, make in frames.items():
            frame = make()
            there, back = [], []
            for number in range(TIMES + 1):
                start = time.perf_counter()
                await hand.hand_over("frame", frame)
                there.append(time.perf_counter() - start)
                start = time.perf_counter()
                await hand.fetch("frame")
                back.append(time.perf_counter() - start)
                # Gives the memory back, so that the next round gets the same, and sends anew.
                await hand.hand_over("frame", pd.DataFrame({"round": [number]}))
            target = TARGETS.get(name, ("", ""))
            print(f"{name:<16} {median(there[1:]):>8} {median(back[1:]):>8}   {target}")


def formats(frame: pd.DataFrame, name: str) -> None:
    table = pa.Table.from_pandas(frame)
    folder = Path(tempfile.mkdtemp(prefix="bench-"))

    def arrow() -> None:
        with (
            pa.OSFile(str(folder / "arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as w,
        ):
            w.write_table(pa.Table.from_pandas(frame))

    def read_arrow() -> None:
        with pa.memory_map(str(folder / "arrow")) as source:
            pa.ipc.open_file(source).read_all().to_pandas()

    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "arrow": (arrow, read_arrow),
        "parquet": (
            lambda: pq.write_table(pa.Table.from_pandas(frame), folder / "parquet"),
            lambda: pq.read_table(folder / "parquet").to_pandas(),
        ),
        "pickle": (
            lambda: (folder / "pickle").write_bytes(pickle.dumps(frame, protocol=5)),
            lambda: pickle.load(io.BytesIO((folder / "pickle").read_bytes())),
        ),
    }
    for kind, (write, read) in ways.items():
        written, loaded = [], []
        for _ in range(TIMES):
            start = time.perf_counter()
            write()
            written.append(time.perf_counter() - start)
            start = time.perf_counter()
            read()
            loaded.append(time.perf_counter() - start)
        size = (folder / kind).stat().st_size / 1e6
        print(f"{name:<16} {kind:<8} {median(written)} {median(loaded)} {size:8.0f} MB")
        (folder / kind).unlink()
    folder.rmdir()


def fresh_memory() -> float:
    """Return the seconds that touching a gigabyte of new memory takes; below most of the rest."""
    start = time.perf_counter()
    with mmap.mmap(-1, 1 << 30) as memory:
        for page in range(0, 1 << 30, 4096):
            memory[page] = 1
    return time.perf_counter() - start


def main() -> None:
    print(f"touching 1 GB of new memory takes {fresh_memory():.2f} s here (0.2 s without a VM)\n")
    quick = "--quick" in sys.argv
    frames: dict[str, Callable[[], pd.DataFrame]] = {
        "100 MB numbers": lambda: numbers(1_300_000),
        "100 MB words": lambda: words(1_800_000),
    }
    if not quick:
        frames |= {
            "1 GB numbers": lambda: numbers(13_400_000),
            "1 GB words": lambda: words(18_000_000),
        }
    asyncio.run(crossing(frames))
    print(f"\n{'frame':<16} {'format':<8} {'write':>8} {'load':>8} {'size':>11}")
    for name in ("100 MB numbers", "100 MB words"):
        formats(frames[name](), name)


if __name__ == "__main__":
    main()
