"""A short loop within a run: a budget of steps and a progress of its own, counted to the run's.

Not here: the loop (:mod:`analyst.agent.loop`), and what it is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from analyst.agent.budget import Budget
from analyst.agent.loop import AgentLoop
from analyst.agent.task import Progress, Task
from analyst.agent.workbench import StepMaker, Workbench
from analyst.record import events
from analyst.record.making import EventMaker


async def run_short(
    loop: AgentLoop,
    task: Task,
    *,
    bench: Workbench,
    steps: int,
    budget: Budget,
    make: EventMaker,
    progress: Progress,
    known: int = 0,
    seen: Sequence[str] = (),
) -> AsyncIterator[events.Event]:
    """Run a short loop; its last event is an answer, which is none of the run's.

    ``known``: how many calls of before the answer may rest on, ``seen``: the texts that it may take
    numbers from. Budget and progress count on.
    """
    own = replace(
        progress,
        values={},
        calls_ok=known,
        calls_failed=0,
        last_output="",
        seen=[*seen],
        doubts=0,
        retrying=False,
        nudged=False,
        loss_told=False,
        seconds_model=0.0,
        seconds_tools=0.0,
    )
    before = len(own.seen)
    await bench.begin(task.assignable)
    try:
        async for event in loop.run(task, budget.part(steps=steps), StepMaker(make), own):
            yield event
    finally:
        progress.requests, progress.sent = own.requests, own.sent
        progress.told_tools = own.told_tools
        progress.calls_ok += max(0, own.calls_ok - known)
        progress.calls_failed += own.calls_failed
        progress.last_output = own.last_output or progress.last_output
        progress.seen += own.seen[before:]
        progress.values.update(own.values)
        progress.seconds_model += own.seconds_model
        progress.seconds_tools += own.seconds_tools
