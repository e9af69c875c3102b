"""From events to the view model: what each event changes in what a run looks like.

:func:`advance` is a pure function from a transcript and an event to the next transcript, and
:func:`fold` takes it over a whole run. The panel does the same in TypeScript. Not here: what
becomes of a step and its outputs (:mod:`analyst.frontends.reducer_steps`), and what a team's turns
look like (:mod:`analyst.frontends.reducer_team`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from analyst.frontends import reducer_steps as steps
from analyst.frontends import reducer_team as team
from analyst.frontends.transcript import PlanItem, PlanStatus, Remark, Transcript
from analyst.record import events as ev

_BRIEF = 80
_VOIDS_REPLY = {
    *("request_retried", "malformed_action", "not_computed", "not_grounded"),
    *("second_agrees", "second_differs", "second_failed"),
    *("critic_agrees", "critic_fault", "critic_failed"),
}
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
    status: PlanStatus = "running"
    reason = ""
    if isinstance(event, ev.PlanStepFinished):
        status, reason = event.status, event.reason or ""
    return replace(
        transcript,
        plan=tuple(
            replace(item, status=status, reason=reason) if index == event.index else item
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
        ungrounded=event.ungrounded,
        complete=event.complete,
        streaming="",
    )


def _run_finished(transcript: Transcript, event: ev.RunFinished) -> Transcript:
    return replace(
        transcript,
        status=event.status,
        reason=event.reason,
        usage=event.usage,
        checks=event.usage_by_check,
        seconds=event.seconds,
        cost=event.cost,
        streaming="",
        waiting=(),
    )


_HANDLERS: dict[type, Callable[[Transcript, Any], Transcript]] = {
    ev.RunStarted: _run_started,
    ev.DataHandedOver: _data,
    ev.PlanProposed: _plan,
    ev.PlanRevised: _plan,
    ev.PlanStepStarted: _plan_step,
    ev.PlanStepFinished: _plan_step,
    ev.TeamTurnStarted: team.turn_started,
    ev.TeamTurnFinished: team.turn_finished,
    ev.TeamFinished: team.finished,
    ev.Prompt: _prompt,
    ev.MessageDelta: _message_delta,
    ev.ModelResponded: _model_responded,
    ev.ToolCallStarted: steps.call_started,
    ev.ApprovalRequested: steps.approval_requested,
    ev.ApprovalResolved: steps.approval_resolved,
    ev.OutputEmitted: steps.output,
    ev.ToolCallFinished: steps.call_finished,
    ev.FindingsRecalled: _recalled,
    ev.FindingSaved: _saved,
    ev.Note: _note,
    ev.ContextCompacted: _compacted,
    ev.Answer: _answer,
    ev.RunFinished: _run_finished,
}
