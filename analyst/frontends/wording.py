"""What the views say of a run besides its own text: one wording for notebook and terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyst.frontends.transcript import PlanItem, Step, Transcript
from analyst.frontends.untrusted import one_line
from analyst.record.events import DataDescription

STATUS_MARKS = {
    None: "…",
    "ok": "✓",
    "error": "✗",
    "timeout": "✗ out of time",
    "interrupted": "■ interrupted",
    "died": "✗ kernel died",
    "refused": "✗ not run",
}

PLAN_MARKS = {
    "waiting": "",
    "running": " …",
    "ok": " ✓",
    "error": " ✗",
    "skipped": " (left out)",
}

RUN_ENDS = {
    "ok": "",
    "partial": "Not finished",
    "error": "Failed",
    "stopped": "Stopped",
}


def model_line(transcript: Transcript) -> str:
    """Say which model answers, and why that one."""
    reason = one_line(transcript.model_reason, 200)
    return one_line(transcript.model) + (f" ({reason})" if reason else "")


def data_lines(data: Sequence[DataDescription]) -> list[str]:
    """Say what was handed over, how large it is, and what the hand-over changed."""
    lines = []
    for item in data:
        shape = ""
        if item.rows is not None and item.columns is not None:
            shape = f"{item.rows:,} rows, {item.columns:,} columns, "
        lines.append(f"{one_line(item.name)}: {shape}{size_text(item.bytes)}")
        lines += [f"{one_line(item.name)}: {one_line(change, 300)}" for change in item.changes]
    return lines


def size_text(size: int) -> str:
    """Return a number of bytes in a fitting unit."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"


def plan_line(item: PlanItem) -> str:
    """Return a step of the plan, its state, and why it is so if there is a reason."""
    reason = f": {one_line(item.reason, 200)}" if item.reason else ""
    return f"{one_line(item.text, 400)}{PLAN_MARKS[item.status]}{reason}"


def step_title(step: Step) -> str:
    """Say in one line what a step is for: the model's words, a comment, or its first line."""
    if step.tool == "recall":
        return "Known from before; the code that computed it"
    if step.tool == "ask_user":
        return one_line(f"Asks you: {step.arguments.get('question', '')}", 100)
    lines = [line.strip() for line in step.code.split("\n") if line.strip()]
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    acts = [line for line in lines if not line.startswith(("import ", "from ", "#"))]
    for source in (step.prose, *comments, *acts, *lines):
        if line := one_line(source.strip().partition("\n")[0], 100):
            return line
    return step.tool


def step_state(step: Step) -> str:
    """Return a step's mark, the last line of its error, and its seconds."""
    parts = [STATUS_MARKS.get(step.status, str(step.status))]
    if step.awaits_user:
        parts = ["waits for you"]
    for shown in reversed(step.outputs):
        if shown.output.get("output_type") == "error":
            parts.append(one_line(f"{shown.output.get('ename')}: {shown.output.get('evalue')}"))
            break
    if step.seconds is not None:
        parts.append(f"{step.seconds:.1f} s")
    return " · ".join(parts)


def usage_line(transcript: Transcript, *, seconds: float) -> str:
    """Return the quiet line: steps, tokens, seconds, cost where it is known, model."""
    count = len(transcript.steps)
    usage = transcript.usage
    parts = [f"{count} step{'' if count == 1 else 's'}"]
    if usage.total:
        cached = f", {usage.cached:,} from cache" if usage.cached else ""
        parts.append(f"{usage.input:,} tokens read{cached}, {usage.output:,} written")
    if spent := sum(one.total for one in transcript.checks.values()):
        parts.append(f"{spent:,} of them to check the answer")
    parts.append(f"{seconds:.1f} s" if transcript.status else f"{seconds:.0f} s")
    if transcript.cost:
        parts.append(f"cost {money_text(transcript.cost)}")
    if transcript.model:
        parts.append(one_line(transcript.model))
    if transcript.status and transcript.run_id:
        parts.append(f"run {one_line(transcript.run_id)}")
    return " · ".join(parts)


def money_text(amount: float) -> str:
    """Return an amount with at least two figures; the currency is the provider's."""
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.2g}"


def activity(transcript: Transcript) -> str:
    """Say what is going on in a run that has not ended."""
    steps = transcript.steps
    if not transcript.started:
        return "starting"
    if transcript.waiting:
        is_question = transcript.waiting[0].kind == "question"
        return f"waiting for your {'answer' if is_question else 'approval'}"
    if steps and steps[-1].status is None:
        return f"step {steps[-1].number} is running"
    if transcript.request is None:
        return "getting ready"
    return "the model is writing" if transcript.streaming else "the model is reading"


def end_line(transcript: Transcript) -> str:
    """Say how a run ended that did not end well; empty for one that did."""
    word = RUN_ENDS.get(transcript.status or "ok", "Ended")
    if not word:
        return ""
    reason = one_line(transcript.reason or "", 1000)
    return f"{word}: {reason}" if reason else f"{word}."


def value_text(value: object) -> str:
    """Return a named value of an answer as short text; digits that were computed stay."""
    return one_line(f"{value:.12g}" if isinstance(value, float) else str(value), 200)


def untold(text: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return the values, as text, that the answer's text does not itself give as name = value."""
    shown = {name: value_text(value) for name, value in values.items()}
    return {name: value for name, value in shown.items() if f"{name} = {value}" not in text}
