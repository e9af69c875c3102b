"""What events change in the steps of a run: their code, outputs, decisions and ends.

Pure functions for :mod:`analyst.frontends.reducer`, which has the rest; the panel does the same in
TypeScript.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from analyst.frontends.transcript import (
    Asked,
    Draft,
    Language,
    ShownOutput,
    Step,
    Transcript,
)
from analyst.record import events as ev

MAX_STREAM_CHARS = 20_000
"""How much of one stream of a step is kept for display; the log has all of it."""

_CODE_KEYS = ("code", "query", "sql")
"""Arguments that say what a call does, the first that is there."""


def call_started(transcript: Transcript, event: ev.ToolCallStarted) -> Transcript:
    """Begin a step."""
    code, language = _code_of(event.arguments)
    step = Step(
        number=len(transcript.steps) + 1,
        call_id=event.call_id,
        tool=event.tool,
        code=code,
        language=language,
        arguments=event.arguments,
        prose=_prose(transcript.streaming, event.raw, code),
    )
    return replace(transcript, items=(*transcript.items, step), streaming="")


def _code_of(arguments: Mapping[str, Any]) -> tuple[str, Language]:
    key = _main(arguments)
    if key is not None:
        return arguments[key], "python" if key == "code" else "sql"
    return json.dumps(arguments, indent=2, ensure_ascii=False, default=str), "json"


def _main(arguments: Mapping[str, Any]) -> str | None:
    """Return the argument that says what a call does."""
    return next((key for key in _CODE_KEYS if isinstance(arguments.get(key), str)), None)


def _prose(reply: str, raw: str, code: str) -> str:
    """Return what a reply says besides its call."""
    if "```" in reply:
        return Draft.of(reply).prose
    if reply.strip() == raw.strip():
        return ""
    return reply.replace(code, "").strip() if code else reply.strip()


def output(transcript: Transcript, event: ev.OutputEmitted) -> Transcript:
    """Show an output of a step, or a display anew."""
    if event.update and event.display_id is not None:
        return _update_display(transcript, event)

    def emit(step: Step) -> Step:
        outputs = () if event.clear else step.outputs
        if event.output is None:
            return replace(step, outputs=outputs)
        shown = ShownOutput(
            key=f"{step.call_id}/{step.emitted}", output=event.output, display_id=event.display_id
        )
        return replace(step, outputs=_joined(outputs, shown), emitted=step.emitted + 1)

    return _change_step(transcript, event.call_id, emit)


def _joined(outputs: tuple[ShownOutput, ...], new: ShownOutput) -> tuple[ShownOutput, ...]:
    """Append an output; text that goes on where a stream left off joins it."""
    if new.output.get("output_type") != "stream":
        return (*outputs, new)
    last = outputs[-1] if outputs else None
    if (
        last is None
        or last.output.get("output_type") != "stream"
        or last.output.get("name") != new.output.get("name")
    ):
        return (*outputs, _capped(new, _text(new.output.get("text")), 0))
    text = _text(last.output.get("text")) + _text(new.output.get("text"))
    return (*outputs[:-1], _capped(last, text, last.cut))


def _capped(shown: ShownOutput, text: str, cut: int) -> ShownOutput:
    cut += max(len(text) - MAX_STREAM_CHARS, 0)
    return replace(shown, output={**shown.output, "text": text[-MAX_STREAM_CHARS:]}, cut=cut)


def _text(value: object) -> str:
    """Return nbformat's multi-line text, which may be a list of lines, as one string."""
    return "".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def _update_display(transcript: Transcript, event: ev.OutputEmitted) -> Transcript:
    """Replace every output of that display, whichever step showed it."""
    new = event.output
    if new is None:
        return transcript

    def refreshed(shown: ShownOutput) -> ShownOutput:
        if shown.display_id != event.display_id:
            return shown
        return replace(shown, output={**new, "output_type": shown.output.get("output_type")})

    items = tuple(
        replace(item, outputs=tuple(map(refreshed, item.outputs)))
        if isinstance(item, Step) and any(o.display_id == event.display_id for o in item.outputs)
        else item
        for item in transcript.items
    )
    return replace(transcript, items=items)


def call_finished(transcript: Transcript, event: ev.ToolCallFinished) -> Transcript:
    """End a step."""

    def finish(step: Step) -> Step:
        return replace(
            step,
            status=event.status,
            observation=event.observation,
            seconds=event.seconds,
            awaits_user=False,
        )

    return _change_step(_without(transcript, event.call_id), event.call_id, finish)


def approval_requested(transcript: Transcript, event: ev.ApprovalRequested) -> Transcript:
    """Let a call, a plan or a question wait for the user."""
    is_call = event.kind == "call"

    def wait(step: Step) -> Step:
        step = _rewritten(step, event.arguments)
        risk = event.risk if is_call else step.risk
        return replace(step, risk=risk, preview=event.preview, decision=None, awaits_user=True)

    changed = _change_step(transcript, event.call_id, wait)
    step = next((one for one in changed.steps if one.call_id == event.call_id), None)
    text, more = _decided(step, event) if step and is_call else (event.editable or "", {})
    asked = Asked(
        call_id=event.call_id,
        kind=event.kind,
        tool=step.tool if step else "",
        words=event.risk,
        text=text,
        editable=event.editable is not None,
        more=more,
        preview=event.preview,
        choices=event.choices,
        can_always=event.can_always and is_call,
    )
    waiting = (*_without(changed, event.call_id).waiting, asked)
    return replace(changed, waiting=waiting)


def approval_resolved(transcript: Transcript, event: ev.ApprovalResolved) -> Transcript:
    """Take note of what was decided."""

    def decide(step: Step) -> Step:
        step = _rewritten(step, event.arguments)
        return replace(step, decision=event.decision, said=event.answer, awaits_user=False)

    return _change_step(_without(transcript, event.call_id), event.call_id, decide)


def _decided(step: Step, event: ev.ApprovalRequested) -> tuple[str, dict[str, str]]:
    """Return the text of a call that is decided about, and its other arguments as text."""
    arguments = step.arguments
    key = _main(arguments)
    if event.editable is not None:
        key = next((name for name, value in arguments.items() if value == event.editable), key)
    if key is None:
        return step.code, {}
    others = {name: _as_text(value) for name, value in arguments.items() if name != key}
    return str(arguments[key]), others


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _rewritten(step: Step, arguments: Mapping[str, Any] | None) -> Step:
    """Return the step with what runs instead of what the model wrote."""
    if not arguments:
        return step
    code, language = _code_of(arguments)
    return replace(step, code=code, language=language, arguments=arguments)


def _without(transcript: Transcript, call_id: str) -> Transcript:
    waiting = tuple(one for one in transcript.waiting if one.call_id != call_id)
    return replace(transcript, waiting=waiting)


def _change_step(
    transcript: Transcript, call_id: str, change: Callable[[Step], Step]
) -> Transcript:
    return replace(
        transcript,
        items=tuple(
            change(item) if isinstance(item, Step) and item.call_id == call_id else item
            for item in transcript.items
        ),
    )
