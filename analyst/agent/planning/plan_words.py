"""What the model is told of a plan: to make one, to do a step, to mend it, to sum it up.

Here: wording only, short where the model is small. Not here: when it is said
(:mod:`.planner`, :mod:`.step_work`, :mod:`.planned`).
"""

from __future__ import annotations

from collections.abc import Sequence

from analyst.agent.planning.plan import MOST_STEPS
from analyst.agent.planning.plan_salvage import MOST_LINES
from analyst.boundaries import as_data
from analyst.memory.telling import brief
from analyst.record.events import KeptArtefact, PlannedStep

ARTEFACTS_TOLD = 20
RESULT_TOLD = 600
PASSAGE_TOLD = 700
PASSAGES_TOLD = 6

_NOT_TOLD = {"module", "passage", "other"}


def result_room(*, native: bool) -> int:
    """Return how many characters of a step's result are told."""
    return RESULT_TOLD * (3 if native else 1)


def ask_for_plan(question: str, *, native: bool) -> str:
    """Ask for a plan."""
    if native:
        return (
            f"{question}\n\nDo not compute yet. Call plan with the steps that lead to the answer, "
            f"at most {MOST_STEPS}; few are better. Each step is done by itself, and knows of the "
            "others only what they leave in named variables. The answer is written at the end, "
            "from what all steps left; that needs no step."
        )
    return (
        f"{question}\n\nDo not write code yet. First write a plan: at most {MOST_LINES} numbered "
        "lines, each one short thing to compute, to draw or to look up. The data is loaded. "
        "Reply with the numbered lines and nothing else."
    )


def ask_again_for_plan(error: str, *, native: bool) -> str:
    """Say what was wrong with a plan."""
    how = "Call plan again." if native else "Reply with numbered lines: 1. … 2. … and nothing else."
    return f"That is no plan: {error} {how}"


def ask_what_now(
    question: str,
    steps: Sequence[PlannedStep],
    done: Sequence[str],
    failed: int,
    reason: str,
    *,
    native: bool,
) -> str:
    """Ask whether to leave a failed step out, or how to go on without it."""
    lines = [question, ""]
    lines += [f"Done: {steps[at].text}" for at in range(failed) if done[at] == "ok"]
    lines += [
        f"Failed: {steps[failed].text}",
        as_data("Why it failed.", [brief(reason, 300)])
        if native
        else f"Because: {brief(reason, 300)}",
        *(f"Still to do: {step.text}" for step in steps[failed + 1 :]),
    ]
    ask = (
        "If the task can be done without the failed step, reply with SKIP and nothing else. If "
        "not, give the steps that are left, with another way to get there"
    )
    how = ": call plan." if native else ", as at most 3 numbered lines."
    return "\n".join([*lines, ask + how])


def step_question(
    question: str,
    steps: Sequence[PlannedStep],
    at: int,
    *,
    artefacts: Sequence[KeptArtefact],
    passages: Sequence[KeptArtefact],
    native: bool,
) -> str:
    """Compose what a step is asked: what is there, what to do now, what to leave.

    The question comes first and whole: no step loses sight of its conditions, and a server that
    has read it for the plan need not read it again.
    """
    step = steps[at]
    parts = [question]
    if listed := artefact_lines(artefacts):
        parts.append(as_data("Variables that are there.", listed))
    if passages:
        parts.append(passages_told(passages))
    parts.append(f"This is step {at + 1} of {len(steps)}. Do now only this: {step.text}")
    leave = [f"`{one.name}`" for one in step.artefacts if one.kind == "variable"]
    if leave:
        parts.append(f"Leave the result in {', '.join(leave)}, and print it.")
    if step.kind == "chart":
        parts.append("Draw it with px and fig.show(), with a title, and print what it shows.")
    if native and step.checks:
        parts.append("It is checked that: " + "; ".join(step.checks))
    return "\n\n".join(parts)


def failed_before(reason: str, *, native: bool) -> str:
    """Say to a second try what was wrong with the first, in words that may come from data."""
    if native:
        return as_data("A first try failed; do it another way.", [brief(reason, 400)])
    return f"A first try failed: {brief(reason, 400)} Mind that, and do it another way."


def synthesis_note(
    results: Sequence[str],
    artefacts: Sequence[KeptArtefact],
    passages: Sequence[KeptArtefact],
    *,
    native: bool,
) -> str:
    """Ask for the answer, from what the steps came to; said after the question.

    ``results`` hold what models said, so that nothing of this is what an answer may rest on.
    """
    parts = [as_data("What was done, and what came out.", results)]
    if listed := artefact_lines(artefacts):
        parts.append(as_data("Variables that are there.", listed))
    if passages:
        parts.append(passages_told(passages))
    cite = " Name a passage, as in [K1], where a sentence rests on it." if passages else ""
    if native:
        parts.append(
            "All that is done. Answer now in Markdown, the answer first, with the numbers that "
            f"came out and their units; use no other numbers.{cite} Say what could not be found "
            "out. The charts are shown beside your answer. Call nothing, unless a number is "
            "lacking."
        )
    else:
        parts.append(
            "All that is done. Write no code. Reply with one line that starts with FINAL: and "
            "answers the task in two to five sentences, with the numbers that came out above and "
            f"no others.{cite}"
        )
    return "\n\n".join(parts)


def result_line(number: int, step: PlannedStep, status: str, result: str, limit: int) -> str:
    """Tell one step and what it came to."""
    if status != "ok":
        return f"{number}. {step.text}\nNot done: {brief(result, 200)}"
    text = result.strip()
    return f"{number}. {step.text}\n{text if len(text) <= limit else text[: limit - 1] + '…'}"


def artefact_lines(artefacts: Sequence[KeptArtefact]) -> list[str]:
    """List variables for a model, the newest last."""
    told = [one for one in artefacts if one.kind not in _NOT_TOLD]
    return [
        f"- {one.name}" + (" = " if one.kind == "value" else ": ") + brief(one.text, 160)
        for one in told[-ARTEFACTS_TOLD:]
    ]


def passages_told(passages: Sequence[KeptArtefact]) -> str:
    """Give passages to a model as data, each with its citation."""
    lines = []
    for one in passages[:PASSAGES_TOLD]:
        where = f"[{one.name}: {one.source}]" if one.source else f"[{one.name}]"
        lines.append(f"{where} {brief(one.text, PASSAGE_TOLD)}")
    return as_data("Found for this task.", lines)


def plan_as_answer(steps: Sequence[PlannedStep]) -> str:
    """Compose the answer of a run that is only to plan."""
    lines = []
    for number, step in enumerate(steps, 1):
        after = ", ".join(str(one + 1) for one in step.depends_on)
        names = ", ".join(f"`{one.name}`" for one in step.artefacts)
        line = f"{number}. {step.text} ({step.kind.replace('_', ' ')}"
        line += f", after {after}" if after else ""
        lines.append(line + (f", leaves {names})" if names else ")"))
    return "The plan, of which nothing was done:\n\n" + "\n".join(lines)
