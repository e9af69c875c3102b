"""The answer of a planned run, as far as it needs no model: results, what is left, citations.

Here: wording from facts. Not here: what the model writes (:mod:`analyst.agent.planning.step_work`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyst.agent.partial import NO_ANSWER
from analyst.agent.planning.plan_words import RESULT_TOLD, result_line
from analyst.memory.telling import brief
from analyst.record.events import KeptArtefact, PlannedStep, PlanStepFinished

_CITED = re.compile(r"\[(K\d{1,3})\b")


def results(steps: Sequence[PlannedStep], done: Sequence[PlanStepFinished], room: int) -> list[str]:
    """Tell what each step came to, in at most ``room`` characters; passages are told apart."""
    return [
        result_line(
            one.index + 1,
            steps[one.index],
            one.status,
            one.result if one.status == "ok" else one.reason or "",
            room,
        )
        for one in done
        if steps[one.index].kind != "look_up"
    ]


def completed(
    text: str,
    steps: Sequence[PlannedStep],
    done: Sequence[PlanStepFinished],
    charts: Sequence[tuple[int, str]],
) -> str:
    """Add the charts, each with the number of its step, and what was left out."""
    lines = [text.strip()]
    if charts:
        named = "; ".join(f"*{title}* (step {number})" for number, title in charts)
        lines.append(f"Charts: {named}.")
    for one in done:
        # What failed was got round by what comes after it.
        if one.status == "skipped" or (one.status == "error" and one.index == len(steps) - 1):
            step = steps[one.index].text.rstrip(".")
            lines.append(f"Not done: {step}. {brief(one.reason or '', 200)}")
    return "\n\n".join(lines)


def partial(
    reason: str, steps: Sequence[PlannedStep], done: Sequence[PlanStepFinished], kept_as: str
) -> str:
    """Compose the answer of a run that came to none. ``kept_as``: the run to go on with, or ""."""
    on = f"; `analyst resume {kept_as}` goes on from there" if kept_as else ""
    lines = [f"{NO_ANSWER[0]} {reason.rstrip('.')}.", *results(steps, done, RESULT_TOLD)]
    if left := len(steps) - len(done):
        steps_left = "1 step is" if left == 1 else f"{left} steps are"
        lines.append(f"{steps_left} left{on}.")
    elif any(one.status == "ok" for one in done):
        lines.append(f"Only the answer is left to be written{on}.")
    return "\n\n".join(lines)


def unknown_citations(text: str, passages: Sequence[KeptArtefact]) -> list[str]:
    """Return the passages that a text cites and that were not found."""
    return sorted({*_CITED.findall(text)} - {one.name for one in passages})
