"""What our own code costs a run: before the first request, and per step.

The model is scripted and answers at once, and its code is trivial: what remains is ours. The
same cells, run in a bare kernel session, are measured too and taken off. Measured through the
session, and through a ``%%agent`` cell of an IPython shell in this process. Prints medians; the
targets stand beside them.

    python benchmarks/overhead.py [RUNS]
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import plotly.express as px
from IPython.core.interactiveshell import InteractiveShell

from analyst.frontends import magic
from analyst.llm.completion import CompletionRequest
from analyst.llm.scripted import ScriptedModel
from analyst.session import Session
from analyst.settings import Settings
from kernel_sandbox import KernelSession

STEPS = 6
QUESTION = "What is in frame?"
SETTINGS = Settings(max_steps=100, max_tokens_per_run=10_000_000)


def milliseconds(seconds: list[float]) -> str:
    low, middle, high = (1000 * f(seconds) for f in (min, statistics.median, max))
    return f"{middle:.1f} ms (of {len(seconds)}: {low:.1f} to {high:.1f})"


@dataclass
class Clock:
    """When runs were asked, and when the scripted model got their requests, in seconds."""

    asked: list[float] = field(default_factory=list)
    requests: list[list[float]] = field(default_factory=list)

    def ask(self) -> None:
        """Note that a run is asked for."""
        self.requests.append([])
        self.asked.append(time.perf_counter())

    def model(self, runs: int) -> ScriptedModel:
        """Return a model that runs trivial cells and notes when it is asked."""

        def reply(number: int, run: int) -> object:
            def play(_: CompletionRequest) -> str:
                self.requests[-1].append(time.perf_counter())
                if number == STEPS:
                    return "FINAL: done"
                return f"```python\nvalue = {run * STEPS + number}\nprint(value)\n```"

            return play

        replies = [reply(number, run) for run in range(runs) for number in range(STEPS + 1)]
        return ScriptedModel(replies, label="benchmark", context_window=1_000_000)  # type: ignore[arg-type]

    def report(self, asked_by: str, cell: float) -> None:
        """Print the medians beside their targets; ``cell`` are the seconds of the code alone."""
        first = [times[0] - asked for asked, times in zip(self.asked, self.requests, strict=True)]
        steps = [(times[-1] - times[0]) / STEPS - cell for times in self.requests[1:]]
        print(f"{asked_by}:")
        print(f"  to the first request, kernel cold:  {first[0] * 1000:.0f} ms")
        print(f"  to the first request, warm:         {milliseconds(first[1:])}, target 150 ms")
        print(f"  a step, without its code:           {milliseconds(steps)}, target 20 ms")


async def through_session(runs: int, directory: Path) -> Clock:
    clock = Clock()
    frame: pd.DataFrame = px.data.gapminder()
    async with Session(
        cwd=directory, data_directory=directory, model=clock.model(runs), settings=SETTINGS
    ) as session:
        for _ in range(runs):
            clock.ask()
            async for _event in session.ask(QUESTION, data={"frame": frame}):
                pass
    return clock


def through_cell(runs: int, directory: Path) -> Clock:
    clock = Clock()

    def make_session(settings: Settings) -> Session:
        return Session(
            cwd=directory,
            data_directory=directory,
            model=clock.model(runs),
            settings=settings.model_copy(update=dict(SETTINGS)),
        )

    shell = InteractiveShell()
    magic.load(shell, make_session=make_session)
    shell.user_ns["frame"] = px.data.gapminder()
    try:
        for _ in range(runs):
            clock.ask()
            with contextlib.redirect_stdout(io.StringIO()):
                shell.run_cell(f"%%agent\n{QUESTION}").raise_error()
    finally:
        magic.unload(shell)
    return clock


async def cell_alone() -> float:
    """Return the median seconds of such a cell in a bare kernel session."""
    taken = []
    async with await KernelSession.start() as session:
        for number in range(60):
            began = time.perf_counter()
            async for _ in session.execute(f"value = {number}\nprint(value)", deadline=60):
                pass
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    cell = asyncio.run(cell_alone())
    print(f"the code of a step in a bare kernel session: {cell * 1000:.1f} ms")
    # Apart: what one had computed would be known to the other.
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        asyncio.run(through_session(runs, Path(one))).report("Session.ask", cell)
        through_cell(runs, Path(other)).report("%%agent cell", cell)


if __name__ == "__main__":
    main()
