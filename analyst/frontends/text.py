"""A run as plain text: what a notebook keeps besides the HTML, and what a terminal prints.

All text comes out cleaned, so that it cannot steer a terminal.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from analyst.frontends import wording
from analyst.frontends.outputs import plain_text
from analyst.frontends.transcript import Draft, PlanItem, Remark, ShownOutput, Step, Transcript
from analyst.frontends.ungrounded import legend, marked_markdown
from analyst.frontends.untrusted import clean_text

MAX_TEXT_CHARS = 20_000
"""How much of one text output is shown; the log has all of it."""


def header(transcript: Transcript) -> str:
    """Say which model answers and why, and what was handed over."""
    if not transcript.started:
        return ""
    return "\n".join([wording.model_line(transcript), *wording.data_lines(transcript.data)])


def plan(items: Sequence[PlanItem]) -> str:
    """Say the plan, a line a step."""
    return "\n".join(f"{number}. {wording.plan_line(one)}" for number, one in enumerate(items, 1))


def step(shown: Step, *, published: Container[str] = ()) -> str:
    """Say what a step did; outputs whose keys are in ``published`` are shown by themselves."""
    lines = [f"Step {shown.number} · {wording.step_title(shown)} {wording.step_state(shown)}"]
    if shown.shows_code:
        lines += ["    " + line for line in clean_text(shown.code).rstrip().split("\n")]
    if shown.preview:
        lines += ["    " + line for line in clean_text(shown.preview).rstrip().split("\n")]
    if shown.said:
        lines.append(f"You said: {clean_text(shown.said)}")
    lines += [text for one in shown.outputs if one.key not in published and (text := output(one))]
    return "\n".join(lines)


def output(shown: ShownOutput) -> str:
    """Return the text of an output, its beginning cut off where it is very long."""
    text = plain_text(shown.output).rstrip("\n")
    cut = shown.cut + max(len(text) - MAX_TEXT_CHARS, 0)
    note = f"[{cut:,} characters before this are in the record]\n" if cut else ""
    return note + text[-MAX_TEXT_CHARS:]


def remark(shown: Remark) -> str:
    """Return a note for the user."""
    mark = "" if shown.level == "info" else f"{shown.level}: "
    return mark + clean_text(shown.text)


def draft(shown: Draft) -> str:
    """Return the reply that is being generated."""
    return clean_text("\n".join(filter(None, (shown.prose, shown.code, shown.answer))))


def answer(text: str, values: Mapping[str, Any], ungrounded: Sequence[str] = ()) -> str:
    """Return the answer, its ``ungrounded`` numbers marked, and the named values."""
    shown = clean_text(text)
    told = [legend(shown, ungrounded)] if ungrounded else []
    rows = [f"{name} = {value}" for name, value in wording.untold(text, values).items()]
    return "\n".join([marked_markdown(shown, ungrounded), *map(clean_text, (*told, *rows))])


def footer(transcript: Transcript, *, seconds: float, stopping: bool = False) -> str:
    """Say how the run ended, or what it does now, and the quiet line."""
    line = wording.usage_line(transcript, seconds=seconds)
    if transcript.status is None:
        doing = "stopping" if stopping else wording.activity(transcript)
        return f"{doing} … {line}"
    return "\n".join(filter(None, (wording.end_line(transcript), line)))
