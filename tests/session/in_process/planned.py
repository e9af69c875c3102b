"""A program for the crash tests: a planned run that holds still at a boundary, to be killed there.

The model is scripted: which step is asked for, it reads from the request, and notes it down. Each
step's code adds its number to a file outside the kernel, which counts how often it ran.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from analyst.llm.completion import CompletionRequest
from analyst.llm.scripted import ScriptedModel
from analyst.record import events, log
from analyst.session import Session
from analyst.settings import Settings

QUESTION = "Count, fit, and add up."
PLAN = json.dumps(
    {
        "steps": [
            {"text": "Count the rows", "artefacts": ["count", "wide"]},
            {"text": "Make a function", "artefacts": ["double"]},
            {"text": "Add it all up", "artefacts": ["total"], "depends_on": [1, 2]},
        ]
    }
)
COUNTING = "with open({place!r}, 'a') as file:\n    file.write('{step}\\n')\n"
CODE = {
    1: "count = len(df)\nwide = df.assign(twice=df['x'] * 2)\ndf['seen'] = True\nprint(count)",
    2: "def double(x):\n    return 2 * x\nprint(double(count))",
    3: "total = double(count) + int(wide['twice'].sum()) + int(df['seen'].sum())\nprint(total)",
}


def model(place: Path) -> ScriptedModel:
    def reply(request: CompletionRequest) -> str:
        asked = str(request.messages[-1]["content"])
        found = re.search(r"This is step (\d) of 3", asked)
        if found is None:
            return PLAN if "write a plan" in asked else "FINAL: The total is 23."
        step = int(found[1])
        # The function is made by code that changes nothing, as it cannot be kept.
        counting = COUNTING.format(place=str(place / "ran"), step=step) if step != 2 else ""
        with (place / "asked").open("a") as file:
            file.write(f"{step}\n")
        return f"```python\n{counting}{CODE[step]}\n```"

    return ScriptedModel([reply] * 20)


def hold_at(boundary: int) -> None:
    """Hold still once the event of that number is in the record."""
    append, seen = log.RunLog.append, 0
    kinds = (events.PlanProposed, events.PlanStepStarted, events.PlanStepFinished)

    def held(self: log.RunLog, event: Any) -> None:
        nonlocal seen
        append(self, event)
        if isinstance(event, kinds):
            if seen == boundary:
                print(f"at {event.type}", flush=True)
                time.sleep(600)
            seen += 1

    log.RunLog.append = held  # type: ignore[method-assign]


async def main(place: Path, boundary: int, resume: str | None) -> None:
    if boundary >= 0:
        hold_at(boundary)
    settings = Settings().updated(
        {"work": "plan", "memory": False, "isolation": "none", "approval": "auto"}
        | {"approval_unattended": "approve"}
    )
    session = Session(
        cwd=place, data_directory=place / "data", settings=settings, model=model(place)
    )
    async with session:
        files = [] if resume else [place / "df.csv"]
        async for event in session.ask(QUESTION, files=files, resume=resume):
            if isinstance(event, events.RunStarted):
                print(f"run {event.run_id}", flush=True)
            elif isinstance(event, events.Answer):
                print(f"answer {event.complete} {event.text}", flush=True)
            elif isinstance(event, events.Note) and event.code in ("recomputed", "lost"):
                print(f"note {event.text}", flush=True)
            elif isinstance(event, events.RunFinished):
                print(f"finished {event.status} {event.reason}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if sys.argv[3:] else None))
