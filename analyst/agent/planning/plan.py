"""A plan: its steps held to rules, read from what a model or a user wrote, written as lines.

Here: pure functions between text, JSON and steps, to the letter. Not here: what a small model
makes of it (:mod:`.plan_salvage`), asking for a plan (:mod:`.planner`), and carrying it out
(:mod:`.planned`).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analyst.record.events import PlanArtefact, PlannedStep, StepKind

MOST_STEPS = 8
LONGEST_TEXT = 400
MOST_NAMES = 8

KINDS: tuple[StepKind, ...] = ("compute", "look_up", "chart", "write")
_BY_WORDS: tuple[tuple[StepKind, re.Pattern[str]], ...] = (
    (
        "look_up",
        re.compile(
            r"\b(?:look\w* up|look (?:for|into)|search|consult|(?:documents?|sources?|notes"
            r"|literature|background|knowledge|reports?) (?:say|on|about|for))",
            re.IGNORECASE,
        ),
    ),
    (
        "chart",
        re.compile(
            r"\b(?:charts?|plots?|graphs?|histograms?|visuali[sz]\w+|draws?|scatter\w*|maps?)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "write",
        re.compile(
            r"^\W*(?:write|summari[sz]e|conclude|explain|describe the (?:findings|results)"
            r"|report the|interpret|answer)\b",
            re.IGNORECASE,
        ),
    ),
)
LINE = re.compile(
    r"^(?P<indent>\s*)(?:\*\*)?(?:step\s+)?(?P<mark>\d{1,2}[.):]|[-*•])(?:\*\*)?\s+(?P<text>\S.*)$",
    re.IGNORECASE,
)
_NAMED_KIND = re.compile(
    r"^\[?(?P<kind>compute|look[ _-]?up|chart|write)\]?\s*:\s*(?P<text>.*)$", re.IGNORECASE
)
_LEAVES = re.compile(r"\s*(?:->|→)\s*(?P<names>[\w ,]+)$")


class PlanError(ValueError):
    """It is no plan; the message is one sentence for whoever wrote it."""


class _Written(BaseModel):
    """A step as a model writes it, its dependencies counted from 1."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    kind: StepKind
    artefacts: Annotated[tuple[PlanArtefact, ...], Field(max_length=MOST_NAMES)] = ()
    checks: Annotated[tuple[str, ...], Field(max_length=MOST_NAMES)] = ()
    depends_on: tuple[Annotated[int, Field(strict=True)], ...] = ()


class _WrittenPlan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    steps: tuple[_Written, ...]


def checked(steps: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    """Return the steps in an order in which each comes after those that it depends on.

    Raises :class:`PlanError` for none or too many of them, for one without text or told twice,
    for names that no variable can have, and for dependencies that are missing or go in a circle.
    """
    if not steps:
        raise PlanError("A plan needs at least one step.")
    if len(steps) > MOST_STEPS:
        raise PlanError(f"A plan has at most {MOST_STEPS} steps, and this one has {len(steps)}.")
    told: set[str] = set()
    for number, step in enumerate(steps, 1):
        text = " ".join(step.text.split())
        if not text:
            raise PlanError(f"Step {number} says nothing.")
        if len(text) > LONGEST_TEXT:
            raise PlanError(f"Step {number} is longer than {LONGEST_TEXT} characters.")
        if text in told:
            raise PlanError(f"Step {number} says the same as one before it.")
        told.add(text)
        for artefact in step.artefacts:
            if artefact.kind == "variable" and not is_variable(artefact.name):
                raise PlanError(
                    f"Step {number} is to leave {artefact.name!r}, which no variable can be called."
                )
        for other in step.depends_on:
            if not 0 <= other < len(steps):
                raise PlanError(f"Step {number} depends on step {other + 1}, which there is not.")
    return _in_order(steps)


def _in_order(steps: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    waiting = [*range(len(steps))]
    order: list[int] = []
    while waiting:
        ready = next((one for one in waiting if {*steps[one].depends_on} <= {*order}), None)
        if ready is None:
            numbers = ", ".join(str(one + 1) for one in waiting)
            raise PlanError(f"Steps {numbers} depend on each other in a circle.")
        waiting.remove(ready)
        order.append(ready)
    place = {old: new for new, old in enumerate(order)}
    return tuple(
        steps[old].model_copy(
            update={
                "text": " ".join(steps[old].text.split()),
                "depends_on": tuple(sorted(place[one] for one in {*steps[old].depends_on})),
            }
        )
        for old in order
    )


def read_plan(value: Mapping[str, Any]) -> tuple[PlannedStep, ...]:
    """Read the JSON of a plan to the letter; raises :class:`PlanError`."""
    try:
        written = _WrittenPlan.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise PlanError(f"{where}: {first['msg']}.") from None
    return checked(
        [
            PlannedStep(
                **one.model_dump(exclude={"depends_on"}),
                depends_on=tuple(number - 1 for number in one.depends_on),
            )
            for one in written.steps
        ]
    )


def edited(text: str, before: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    """Read a plan that a user edited, one step a line; raises :class:`PlanError`.

    A step whose words are as before keeps its checks, and what it depends on as far as that still
    comes before it.
    """
    steps = [of_line(_unmarked(line)) for line in text.splitlines() if line.strip()]
    known = {step.text: step for step in before}
    texts = [step.text for step in steps]
    kept = []
    for at, step in enumerate(steps):
        old = known.get(step.text)
        on = {before[one].text for one in old.depends_on} if old is not None else set()
        update = {
            "checks": old.checks if old is not None else (),
            "depends_on": tuple(one for one in range(at) if texts[one] in on),
        }
        kept.append(step.model_copy(update=update))
    return checked(kept)


def as_lines(steps: Sequence[PlannedStep]) -> str:
    """Write a plan with one step a line, as :func:`edited` reads it."""
    return "\n".join(f"{number}. {_line(step)}" for number, step in enumerate(steps, 1))


def _line(step: PlannedStep) -> str:
    names = [one.name for one in step.artefacts if one.kind == "variable"]
    leaves = f" -> {', '.join(names)}" if names else ""
    return f"{step.kind}: {' '.join(step.text.split())}{leaves}"


def kind_of(text: str) -> StepKind:
    """Tell from a step's words what it does."""
    return next((kind for kind, words in _BY_WORDS if words.search(text)), "compute")


def computes(step: PlannedStep) -> bool:
    """Whether code is what does the step."""
    return step.kind in ("compute", "chart")


def shifted(step: PlannedStep, by: int) -> PlannedStep:
    """Return a step for a plan in which so many others come before its own."""
    return step.model_copy(update={"depends_on": tuple(one + by for one in step.depends_on)})


def draws(text: str) -> bool:
    """Tell whether words ask for a chart, whatever else they ask for."""
    return any(kind == "chart" and words.search(text) for kind, words in _BY_WORDS)


def is_variable(name: str) -> bool:
    """Whether a variable can have the name."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


def _unmarked(line: str) -> str:
    match = LINE.match(line)
    return match["text"] if match else line.strip()


def of_line(line: str) -> PlannedStep:
    """Read a step of one line, without its number."""
    text = " ".join(line.replace("**", "").split()).rstrip(": ")
    kind: StepKind | None = None
    if named := _NAMED_KIND.match(text):
        written = re.sub(r"[ -]", "_", named["kind"].lower()).replace("lookup", "look_up")
        kind = next(one for one in KINDS if one == written)
        text = named["text"].strip()
    artefacts: tuple[PlanArtefact, ...] = ()
    if leaves := _LEAVES.search(text):
        names = [name.strip() for name in leaves["names"].split(",")]
        if all(map(is_variable, names)) and len(names) <= MOST_NAMES:
            artefacts = tuple(PlanArtefact(name=name) for name in names)
            text = text[: leaves.start()].strip()
    return PlannedStep(text=text, kind=kind or kind_of(text), artefacts=artefacts)
