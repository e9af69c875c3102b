"""A program for the crash tests: a planned run that holds still at a boundary, to be killed there.

The model is scripted: which step is asked for, it reads from the request, and notes it down; so is
the search of documents. Each step's code adds its number to a file outside the kernel, which counts
how often it ran.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyst.agent.workbench import Passage, SearchKnowledge
from analyst.llm.completion import CompletionRequest
from analyst.llm.scripted import ScriptedModel
from analyst.record import events, log
from analyst.session import Session, planned_run
from analyst.settings import Settings

QUESTION = "Count, fit, and add up."
COUNTING = "with open({place!r}, 'a') as file:\n    file.write('{step}\\n')\n"


@dataclass(frozen=True)
class Script:
    """What the model replies. ``code``: by the words of a step, one for each try.

    ``uncounted``: steps whose code is to change nothing but variables.
    """

    plan: list[dict[str, Any]]
    code: dict[str, list[str]]
    answer: str
    instead: list[dict[str, Any]] = field(default_factory=list)
    uncounted: tuple[str, ...] = ()


PLAIN = Script(
    plan=[
        {"text": "Count the rows", "artefacts": ["count", "wide"]},
        {"text": "Make a function", "artefacts": ["double"]},
        {"text": "Add it all up", "artefacts": ["total"], "depends_on": [1, 2]},
    ],
    code={
        "Count the rows": [
            "count = len(df)\nwide = df.assign(twice=df['x'] * 2)\ndf['seen'] = True\nprint(count)"
        ],
        "Make a function": ["def double(x):\n    return 2 * x\nprint(double(count))"],
        "Add it all up": [
            "total = double(count) + int(wide['twice'].sum()) + int(df['seen'].sum())\nprint(total)"
        ],
    },
    answer="FINAL: The total is 21.",
    # A function cannot be kept.
    uncounted=("Make a function",),
)
REVISED = Script(
    plan=[
        {"text": "Count the rows", "artefacts": ["count"]},
        {"text": "Look up what the notes say about rows", "kind": "look_up"},
        {"text": "Fit it", "artefacts": ["fitted"]},
        {"text": "Use the fit", "depends_on": [3]},
    ],
    code={
        "Count the rows": ["count = len(df)\nprint(count)"],
        "Fit it": ["once = 1\nprint(once)", "twice = 2\nprint(twice)"],
        "Take the mean": ["mean = df['x'].sum() / count + 0.25\nprint(mean)"],
    },
    instead=[
        {"text": "Take the mean", "artefacts": ["mean"]},
        {"text": "Write what came out", "kind": "write"},
    ],
    answer="FINAL: The mean is 2.25, and rows are people [K1].",
)
TOLD = ("recomputed", "lost", "unknown_citation", "not_grounded")
SCRIPTS = {"plain": PLAIN, "revised": REVISED}


def note_down(place: Path, name: str, line: str) -> None:
    with (place / name).open("a") as file:
        file.write(f"{line}\n")


def model(place: Path, script: Script) -> ScriptedModel:
    def reply(request: CompletionRequest) -> str:
        asked = str(request.messages[-1]["content"])
        if "write a plan" in asked:
            return json.dumps({"steps": script.plan})
        if "Failed: " in asked:
            note_down(place, "asked", "instead")
            return json.dumps({"steps": script.instead})
        found = re.search(r"This is step (\d) of \d\. Do now only this: (.*)", asked)
        if found is None:
            note_down(place, "asked", "answer")
            return script.answer
        step, text = found.groups()
        note_down(place, "asked", step)
        if "This step was cut off before" in asked:
            note_down(place, "told", step)
        counting = COUNTING.format(place=str(place / "ran"), step=step)
        code = script.code[text][-1 if "A first try failed" in asked else 0]
        return f"```python\n{'' if text in script.uncounted else counting}{code}\n```"

    return ScriptedModel([reply] * 20)


def search_in_script(place: Path) -> SearchKnowledge:
    async def search(words: str, _: int) -> list[Passage]:
        note_down(place, "searched", words)
        return [Passage(number=1, text="Rows are people.", source="notes.md")]

    return search


def hold_at(boundary: int) -> None:
    """Hold still once the event of that number is in the record."""
    append, seen = log.RunLog.append, 0
    kinds = (
        *(events.PlanProposed, events.PlanRevised),
        *(events.PlanStepStarted, events.PlanStepFinished),
    )

    def held(self: log.RunLog, event: Any) -> None:
        nonlocal seen
        append(self, event)
        if isinstance(event, kinds):
            if seen == boundary:
                print(f"at {event.type}", flush=True)
                time.sleep(600)
            seen += 1

    log.RunLog.append = held  # type: ignore[method-assign]


async def main(place: Path, script: Script, boundary: int, resume: str | None) -> None:
    if boundary >= 0:
        hold_at(boundary)
    search = search_in_script(place)
    planned_run.passages_of = lambda _: search
    settings = Settings().updated(
        {"work": "plan", "memory": False, "isolation": "none", "approval": "auto"}
        | {"approval_unattended": "approve"}
    )
    session = Session(
        cwd=place, data_directory=place / "data", settings=settings, model=model(place, script)
    )
    async with session:
        files = [] if resume else [place / "df.csv"]
        async for event in session.ask(QUESTION, files=files, resume=resume):
            if isinstance(event, events.RunStarted):
                print(f"run {event.run_id}", flush=True)
            elif isinstance(event, events.Answer):
                print(f"answer {event.complete} {event.text}", flush=True)
            elif isinstance(event, events.Note) and event.code in TOLD:
                print(f"note {event.text}", flush=True)
            elif isinstance(event, events.RunFinished):
                print(f"finished {event.status} {event.reason}", flush=True)


if __name__ == "__main__":
    at, name, number, *others = sys.argv[1:]
    asyncio.run(main(Path(at), SCRIPTS[name], int(number), others[0] if others else None))
