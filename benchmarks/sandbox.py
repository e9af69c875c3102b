"""What isolation costs: the start of a kernel, a round trip, and the first step with a spare.

    python benchmarks/sandbox.py [RUNS]

Each is measured in turn with a plain kernel (jupyter_client as it is, TCP), so that the ratios are
of one run on one machine. Medians; the targets stand beside them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from jupyter_client.manager import AsyncKernelManager

from kernel_sandbox import ExecutionResult, KernelPool, KernelSession, Policy
from kernel_sandbox.confinement.backends import choose

STEP = """\
import pandas as pd
import plotly.express as px
frame = pd.DataFrame({"region": list("abcd") * 250, "sales": range(1000)})
totals = frame.groupby("region", as_index=False)["sales"].sum()
px.bar(totals, x="region", y="sales").to_json()
"""
TRIPS = 200
SPARE_SECONDS = 4.0
"""Enough to make a spare in the background."""


async def plain() -> tuple[float, float]:
    """Return seconds to the first ``1 + 1``, and of a round trip, of a plain kernel."""
    start = time.perf_counter()
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready()
    await client.execute_interactive("1 + 1", output_hook=lambda _: None)
    first = time.perf_counter() - start
    trips = []
    for _ in range(TRIPS):
        start = time.perf_counter()
        await client.execute_interactive("1 + 1", output_hook=lambda _: None)
        trips.append(time.perf_counter() - start)
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    return first, statistics.median(trips)


async def cell(session: KernelSession, code: str) -> float:
    start = time.perf_counter()
    async for event in session.execute(code):
        if isinstance(event, ExecutionResult):
            assert event.status == "ok", event.detail
    return time.perf_counter() - start


async def ours(isolation: str) -> tuple[float, float]:
    """Return the same of a kernel of a session."""
    start = time.perf_counter()
    async with await KernelSession.start(policy=Policy(isolation=isolation)) as session:
        await cell(session, "1 + 1")
        first = time.perf_counter() - start
        return first, statistics.median([await cell(session, "1 + 1") for _ in range(TRIPS)])


async def first_steps(runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds from wanting a kernel to the end of a first step: cold, with a spare."""
    cold, warm = [], []
    for _ in range(runs):
        start = time.perf_counter()
        async with await KernelSession.start() as session:
            await cell(session, STEP)
            cold.append(time.perf_counter() - start)
        pool = KernelPool(refill_seconds=None)
        pool.prepare()
        await asyncio.sleep(SPARE_SECONDS)
        start = time.perf_counter()
        async with await pool.take() as session:
            await cell(session, STEP)
            warm.append(time.perf_counter() - start)
        await pool.aclose()
    return cold, warm


async def main(runs: int) -> None:
    kinds = ["plain", "none", "landlock", "bubblewrap"]
    for kind in kinds[1:]:
        choose(kind)
    starts: dict[str, list[float]] = {kind: [] for kind in kinds}
    trips: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for kind in kinds:
            first, trip = await (plain() if kind == "plain" else ours(kind))
            starts[kind].append(first)
            trips[kind].append(trip)
    print(f"{'kernel':<12} {'first 1 + 1':>12} {'ratio':>7} {'round trip':>12} {'ratio':>7}")
    for kind in kinds:
        first, trip = statistics.median(starts[kind]), statistics.median(trips[kind])
        of_first = first / statistics.median(starts["plain"])
        of_trip = trip / statistics.median(trips["plain"])
        print(
            f"{kind:<12} {first:>10.3f} s {of_first:>7.2f} {1000 * trip:>9.2f} ms {of_trip:>7.2f}"
        )
    print("targets                        1.25                 1.05")
    cold, warm = await first_steps(runs)
    print(f"first step with pandas and plotly: {statistics.median(cold):.2f} s cold, "
          f"{1000 * statistics.median(warm):.0f} ms with a spare (target 80)")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
