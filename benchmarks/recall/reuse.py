"""Asked again in other words: the same values, no code, and how much sooner. Embedded model.

Each of twenty questions is asked of its data in a session of its own, then in other words in
another session, then once more after one value of the data was changed. Nothing else may run
beside it.

    python benchmarks/recall/reuse.py [PAIRS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from datasets import DATASETS

from analyst.record import events
from analyst.session import Session
from analyst.settings import Settings
from kernel_sandbox import shared_pool

PAIRS = [
    ("tips", "What is the mean tip?", "How large is a tip on average?"),
    ("tips", "What is the median total_bill?", "Middle value of the total bill?"),
    ("tips", "What is the highest tip?", "Maximum tip"),
    ("tips", "What is the sum of all tips?", "What do the tips total altogether?"),
    ("tips", "What is the standard deviation of total_bill?", "How much does the total bill vary?"),
    (
        "tips",
        "What is the correlation between total_bill and tip?",
        "How are tip and bill related?",
    ),
    ("iris", "What is the mean sepal_length?", "Average of the sepal length"),
    ("iris", "What is the smallest petal_length?", "Minimum petal length"),
    ("iris", "What is the median petal_width?", "What is the middle petal width?"),
    ("iris", "How many flowers of each species are there?", "Number of flowers per species"),
    ("iris", "What is the maximum of sepal_width?", "Largest sepal width"),
    ("gapminder", "What was the mean lifeExp in 2007?", "Average lifeExp in 2007"),
    ("gapminder", "What is the maximum of gdpPercap?", "Highest gdpPercap"),
    ("gapminder", "How many distinct countries are there?", "Number of different countries"),
    ("gapminder", "What is the minimum lifeExp?", "Lowest lifeExp"),
    ("wine", "What is the mean alcohol?", "Average alcohol"),
    ("wine", "What is the standard deviation of magnesium?", "How much does magnesium vary?"),
    ("wine", "What is the highest malic_acid?", "Maximum of malic acid"),
    ("carshare", "What is the sum of car_hours?", "Total car hours"),
    ("carshare", "What is the mean of car_hours?", "Average car hours"),
]


@dataclass
class Asked:
    """What one run gave."""

    seconds: float
    text: str
    code_ran: bool
    recalled: str
    status: str


async def ask(question: str, frame: pd.DataFrame, directory: Path) -> Asked:
    text, code_ran, recalled, seconds, status = "", False, "", 0.0, ""
    async with Session(
        cwd=directory, data_directory=directory, settings=Settings(), pool=shared_pool()
    ) as session:
        session.warm_up()
        async for event in session.ask(question, data={"df": frame}):
            match event:
                case events.Answer():
                    text = event.text
                case events.ToolCallStarted():
                    code_ran = code_ran or event.tool == "python"
                case events.FindingsRecalled():
                    recalled = event.findings[0].outcome
                case events.RunFinished():
                    seconds, status = event.seconds, event.status
    return Asked(seconds, text, code_ran, recalled, status)


def changed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the data with its first row twice and its numbers made larger there."""
    more = frame.iloc[[0]].copy()
    for column in more.select_dtypes("number"):
        more[column] = more[column] * 1000 + 1000
    return pd.concat([frame, more.astype(frame.dtypes)], ignore_index=True)


async def main() -> None:
    pairs = PAIRS[: int(sys.argv[1])] if len(sys.argv) > 1 else PAIRS
    ratios, reused, same, stale = [], 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        await ask("How many rows are there?", DATASETS["tips"](), folder / "first")
        for number, (name, first, again) in enumerate(pairs):
            frame = DATASETS[name]()
            directory = folder / str(number)
            directory.mkdir()
            one = await ask(first, frame, directory)
            two = await ask(again, frame, directory)
            three = await ask(first, changed(frame), directory)
            reused += not two.code_ran
            is_same = two.text.startswith(one.text.strip())
            same += is_same
            computed = three.code_ran and "Known from" not in three.text
            stale += not computed
            ratios.append(two.seconds / one.seconds)
            print(
                f"{name}: {first} {one.seconds:.1f} s ({one.status}); {again} {two.seconds:.1f} s, "
                f"{two.recalled or 'not recalled'}, {'code ran' if two.code_ran else 'no code'}, "
                f"{'same' if is_same else 'OTHER'}; changed: {'anew' if computed else 'STALE'}",
                flush=True,
            )
    print(
        f"no code in {reused} of {len(pairs)}, same answer in {same}, old value as current "
        f"{stale} times; median of second by first time {statistics.median(ratios):.2f} "
        "(target 0.33)"
    )


if __name__ == "__main__":
    asyncio.run(main())
