"""From events to the view model: what each event changes in what a run looks like.

:func:`advance` is a pure function from a transcript and an event to the next transcript, and
:func:`fold` takes it over a whole run. The panel does the same in TypeScript.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from analyst.frontends.transcript import (
    Draft,
    PlanItem,
    PlanStatus,
    Remark,
    ShownOutput,
    Step,
    Transcript,
)
from analyst.record import events as ev

MAX_STREAM_CHARS = 20_000
"""How much of one stream of a step is kept for display; the log has all of it."""

_BRIEF = 80
_VOIDS_REPLY = {"request_retried", "malformed_action", "not_computed", "not_grounded"}
"""Notes after which the text that was streamed counts no more."""


def fold(events: Iterable[ev.Event]) -> Transcript:
    """Return the transcript of ``events``."""
    transcript = Transcript()
    for event in events:
        transcript = advance(transcript, event)
    return transcript


def advance(transcript: Transcript, event: ev.Event) -> Transcript:
    """Return the transcript after ``event``; an event that shows nothing changes nothing."""
    timed = replace(transcript, seconds=max(transcript.seconds, event.t))
    handler = _HANDLERS.get(type(event))
    return handler(timed, event) if handler else timed


def _run_started(transcript: Transcript, event: ev.RunStarted) -> Transcript:
    return replace(
        transcript,
        started=True,
        run_id=event.run_id,
        question=event.question,
        model=event.model,
        model_reason=event.model_reason,
    )


def _data(transcript: Transcript, event: ev.DataHandedOver) -> Transcript:
    return replace(transcript, data=event.data)


def _plan(transcript: Transcript, event: ev.PlanProposed | ev.PlanRevised) -> Transcript:
    known = {item.text: item for item in transcript.plan}
    return replace(
        transcript, plan=tuple(known.get(text, PlanItem(text=text)) for text in event.steps)
    )


def _plan_step(
    transcript: Transcript, event: ev.PlanStepStarted | ev.PlanStepFinished
) -> Transcript:
    status: PlanStatus = event.status if isinstance(event, ev.PlanStepFinished) else "running"
    return replace(
        transcript,
        plan=tuple(
            replace(item, status=status) if index == event.index else item
            for index, item in enumerate(transcript.plan)
        ),
    )


def _prompt(transcript: Transcript, event: ev.Prompt) -> Transcript:
    return replace(transcript, request=event.request, streaming="")


def _message_delta(transcript: Transcript, event: ev.MessageDelta) -> Transcript:
    text = transcript.streaming if event.request == transcript.request else ""
    return replace(transcript, request=event.request, streaming=text + event.text)


def _model_responded(transcript: Transcript, event: ev.ModelResponded) -> Transcript:
    return replace(
        transcript,
        request=event.request,
        streaming=event.text,
        usage=transcript.usage + event.usage,
    )


def _call_started(transcript: Transcript, event: ev.ToolCallStarted) -> Transcript:
    code, language = _code_of(event)
    step = Step(
        number=len(transcript.steps) + 1,
        call_id=event.call_id,
        tool=event.tool,
        code=code,
        language=language,
        prose=_prose(transcript.streaming, event.raw, code),
    )
    return replace(transcript, items=(*transcript.items, step), streaming="")


def _code_of(event: ev.ToolCallStarted) -> tuple[str, Literal["python", "sql", "json"]]:
    arguments = event.arguments
    if isinstance(code := arguments.get("code"), str):
        return code, "python"
    if isinstance(query := arguments.get("query", arguments.get("sql")), str):
        return query, "sql"
    return json.dumps(arguments, indent=2, ensure_ascii=False, default=str), "json"


def _prose(reply: str, raw: str, code: str) -> str:
    """Return what a reply says besides its call."""
    if "```" in reply:
        return Draft.of(reply).prose
    if reply.strip() == raw.strip():
        return ""
    return reply.replace(code, "").strip() if code else reply.strip()


def _output(transcript: Transcript, event: ev.OutputEmitted) -> Transcript:
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


def _call_finished(transcript: Transcript, event: ev.ToolCallFinished) -> Transcript:
    return _change_step(
        transcript,
        event.call_id,
        lambda step: replace(
            step, status=event.status, observation=event.observation, seconds=event.seconds
        ),
    )


def _approval_requested(transcript: Transcript, event: ev.ApprovalRequested) -> Transcript:
    code = _changed_code(event.arguments)

    def asked(step: Step) -> Step:
        if event.preview and step.language == "json":
            # What would change tells more than the arguments that it comes from.
            return replace(step, risk=event.risk, code=event.preview, language="diff")
        return replace(step, risk=event.risk, code=code or step.code)

    return _change_step(transcript, event.call_id, asked)


def _approval_resolved(transcript: Transcript, event: ev.ApprovalResolved) -> Transcript:
    code = _changed_code(event.arguments)
    return _change_step(
        transcript,
        event.call_id,
        lambda step: replace(step, decision=event.decision, code=code or step.code),
    )


def _changed_code(arguments: Mapping[str, Any] | None) -> str:
    code = (arguments or {}).get("code")
    return code if isinstance(code, str) else ""


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


def _note(transcript: Transcript, event: ev.Note) -> Transcript:
    remark = Remark(level=event.level, code=event.code, text=event.text)
    streaming = "" if event.code in _VOIDS_REPLY else transcript.streaming
    return replace(transcript, items=(*transcript.items, remark), streaming=streaming)


def _compacted(transcript: Transcript, event: ev.ContextCompacted) -> Transcript:
    text = (
        f"Older messages were summed up for the model: {event.tokens_before:,} tokens became "
        f"{event.tokens_after:,}."
    )
    remark = Remark(level="info", code="context_compacted", text=text)
    return replace(transcript, items=(*transcript.items, remark))


def _recalled(transcript: Transcript, event: ev.FindingsRecalled) -> Transcript:
    if not event.findings:
        return transcript
    known = "; ".join(
        f"[F{one.number}] {_brief(one.question)} ({_OUTCOMES[one.outcome]})"
        for one in event.findings
    )
    remark = Remark(level="info", code="findings_recalled", text=f"In memory: {known}.")
    return replace(transcript, items=(*transcript.items, remark))


_OUTCOMES = {
    "known": "asked before, of this data",
    "likely": "perhaps the same, of this data",
    "related": "of this data",
    "stale": "the data changed since",
    "recipe": "of other data",
}


def _saved(transcript: Transcript, event: ev.FindingSaved) -> Transcript:
    remark = Remark(level="info", code="finding_saved", text=f"Kept in memory as F{event.number}.")
    return replace(transcript, items=(*transcript.items, remark))


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BRIEF else line[: _BRIEF - 1] + "…"


def _answer(transcript: Transcript, event: ev.Answer) -> Transcript:
    return replace(
        transcript,
        answer=event.text,
        values=event.values,
        complete=event.complete,
        streaming="",
    )


def _run_finished(transcript: Transcript, event: ev.RunFinished) -> Transcript:
    return replace(
        transcript,
        status=event.status,
        reason=event.reason,
        usage=event.usage,
        seconds=event.seconds,
        streaming="",
    )


_HANDLERS: dict[type, Callable[[Transcript, Any], Transcript]] = {
    ev.RunStarted: _run_started,
    ev.DataHandedOver: _data,
    ev.PlanProposed: _plan,
    ev.PlanRevised: _plan,
    ev.PlanStepStarted: _plan_step,
    ev.PlanStepFinished: _plan_step,
    ev.Prompt: _prompt,
    ev.MessageDelta: _message_delta,
    ev.ModelResponded: _model_responded,
    ev.ToolCallStarted: _call_started,
    ev.ApprovalRequested: _approval_requested,
    ev.ApprovalResolved: _approval_resolved,
    ev.OutputEmitted: _output,
    ev.ToolCallFinished: _call_finished,
    ev.FindingsRecalled: _recalled,
    ev.FindingSaved: _saved,
    ev.Note: _note,
    ev.ContextCompacted: _compacted,
    ev.Answer: _answer,
    ev.RunFinished: _run_finished,
}
