"""What our own code costs a run: before the first request, and per step.

The model is scripted and answers at once, the model's code is trivial: what remains is ours,
and the round trips to the kernel. Prints medians; the targets stand beside them.

    python benchmarks/overhead.py [RUNS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import plotly.express as px

from analyst.llm.completion import CompletionRequest
from analyst.llm.scripted import ScriptedModel
from analyst.record import events
from analyst.session import Session
from analyst.settings import Settings

STEPS = 6


def milliseconds(seconds: list[float]) -> str:
    low, middle, high = (1000 * f(seconds) for f in (min, statistics.median, max))
    return f"{middle:.1f} ms (of {len(seconds)}: {low:.1f} to {high:.1f})"


async def measure(runs: int) -> None:
    before_request: list[float] = []
    per_step: list[float] = []
    asked_at = [0.0]
    first = [True]

    def step(number: int, run: int) -> object:
        def reply(_: CompletionRequest) -> str:
            if first[0]:
                before_request.append(time.perf_counter() - asked_at[0])
                first[0] = False
            if number == STEPS:
                return "FINAL: done"
            return f"```python\nvalue = {run * STEPS + number}\nprint(value)\n```"

        return reply

    replies = [step(number, run) for run in range(runs) for number in range(STEPS + 1)]
    model = ScriptedModel(replies, label="benchmark", context_window=1_000_000)  # type: ignore[arg-type]
    frame: pd.DataFrame = px.data.gapminder()
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(max_steps=100, max_tokens_per_run=10_000_000)
        async with Session(
            cwd=Path(directory), data_directory=Path(directory), model=model, settings=settings
        ) as session:
            for run in range(runs):
                first[0] = True
                asked_at[0] = time.perf_counter()
                tools = 0.0
                last = 0.0
                async for event in session.ask("What is in frame?", data={"frame": frame}):
                    if isinstance(event, events.Prompt) and event.request == 0:
                        last = time.perf_counter()
                    elif isinstance(event, events.ToolCallFinished):
                        tools += 1
                    elif isinstance(event, events.Answer) and run:
                        per_step.append((time.perf_counter() - last) / (tools + 1))
    print(f"question to first request, warm:  {milliseconds(before_request[1:])}, target 150 ms")
    print(f"first question, kernel cold:      {before_request[0] * 1000:.0f} ms")
    print(f"a step, kernel round trips in it: {milliseconds(per_step)}, target 20 ms")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 11))
