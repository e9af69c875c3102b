"""Reading a plan from what a small model made of it.

Here: pure functions from any reply to steps. Not here: a plan to the letter
(:mod:`analyst.agent.planning.plan`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from analyst.agent import salvage
from analyst.agent.planning.plan import (
    KINDS,
    LINE,
    MOST_NAMES,
    MOST_STEPS,
    checked,
    is_variable,
    of_line,
)
from analyst.record.events import PlanArtefact, PlannedStep, StepKind

MOST_LINES = 5
"""Steps of a plan that a small model writes as numbered lines."""

_NEEDLESS = re.compile(
    r"^\W*(?:import|install|load|read(?: in)?|open|set up|print|display|show)\b[^.]{0,40}"
    r"\b(?:librar\w+|pandas|packages?|data ?(?:set|frame)?s?|csv|files?|results?|output|answer)\b"
    r"\W*$",
    re.IGNORECASE,
)
_OPENING = re.compile(r"(?:^|:)\s*(?P<bracket>[\[{])", re.MULTILINE)
"""Of JSON, by itself or after some words; code has brackets in other places."""
_QUOTE = re.compile(r"[\"']")
_FENCED = re.compile(r"^\s*```.*?(?:^\s*```\s*$|\Z)", re.MULTILINE | re.DOTALL)


def salvaged(reply: str, *, most: int = MOST_STEPS) -> tuple[PlannedStep, ...]:
    """Read a plan from any reply: JSON with the usual slips, or lines with numbers or dots.

    Raises :class:`PlanError` where there is none.
    """
    loaded = _loaded(reply)
    steps = _loose(loaded, most) if loaded is not None else _from_lines(reply, most)
    return checked(steps)


def _loaded(reply: str) -> Any:
    text = reply.strip()
    fenced = re.search(r"```(?:json)?\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
    for candidate in (fenced[1].strip() if fenced else "", text):
        opening = _OPENING.search(candidate)
        if opening is None or not _QUOTE.search(candidate, start := opening.start("bracket")):
            continue
        if candidate[start] == "[":
            value = salvage.load_object(f'{{"steps": {candidate[start:]}}}')
        else:
            value = salvage.load_object(candidate[start:])
        if value and isinstance(value.get("steps", value.get("plan")), list):
            return value.get("steps", value.get("plan"))
    return None


def _loose(found: Sequence[Any], most: int) -> list[PlannedStep]:
    steps: list[PlannedStep] = []
    texts: set[str] = set()
    for one in found[:most]:
        written = one if isinstance(one, dict) else {"text": one}
        names = ("text", "step", "description", "task", "title", "action")
        text = next((written[name] for name in names if isinstance(written.get(name), str)), "")
        step = of_line(text)
        if not step.text or step.text in texts:
            continue
        texts.add(step.text)
        kind = str(written.get("kind", written.get("type", ""))).lower().replace(" ", "_")
        known: StepKind | None = next((name for name in KINDS if name == kind), None)
        steps.append(
            step.model_copy(
                update={
                    "kind": known or step.kind,
                    "artefacts": _loose_artefacts(written.get("artefacts")) or step.artefacts,
                    "checks": _texts(written.get("checks")),
                    "depends_on": _loose_numbers(written.get("depends_on"), len(steps)),
                }
            )
        )
    return steps


def _loose_artefacts(found: object) -> tuple[PlanArtefact, ...]:
    artefacts = []
    for one in found if isinstance(found, list) else ():
        name = one.get("name") if isinstance(one, dict) else one
        kind = one.get("kind") if isinstance(one, dict) else None
        if not isinstance(name, str) or not name.strip():
            continue
        if kind in ("chart", "passage"):
            artefacts.append(PlanArtefact(name=name.strip(), kind=kind))
        elif is_variable(name.strip()):
            artefacts.append(PlanArtefact(name=name.strip()))
    return tuple(artefacts[:MOST_NAMES])


def _texts(found: object) -> tuple[str, ...]:
    items = found if isinstance(found, list) else [found]
    return tuple(one.strip() for one in items if isinstance(one, str) and one.strip())[:MOST_NAMES]


def _loose_numbers(found: object, before: int) -> tuple[int, ...]:
    """Return indexes of earlier steps; others cannot be depended on."""
    items = found if isinstance(found, list) else [found]
    numbers = (int(n) - 1 for one in items if (n := str(one).strip()).isascii() and n.isdigit())
    return tuple(sorted({one for one in numbers if 0 <= one < before}))


def _from_lines(reply: str, most: int) -> list[PlannedStep]:
    lines = _FENCED.sub("", reply).splitlines()
    found = [match for line in lines if (match := LINE.match(line))]
    if not found:
        # A model that is used to reply with code writes the plan as such, or as its comments.
        lines = [line.lstrip("# ") for line in reply.splitlines()]
        found = [m for line in lines if (m := LINE.match(line)) and m["mark"][0].isdigit()]
    numbered = [match for match in found if match["mark"][0].isdigit()]
    steps: dict[str, PlannedStep] = {}
    for match in numbered or [one for one in found if not one["indent"]]:
        step = of_line(match["text"])
        if step.text:
            steps.setdefault(step.text, step)
    # The data is loaded and the libraries are imported before any step.
    needed = [step for step in steps.values() if not _NEEDLESS.match(step.text)]
    return (needed or [*steps.values()])[:most]
