"""Decisions about tool calls, gathered from the records of runs.

Here: one line a decision. Not here: how decisions are made, or shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from analyst.record import events
from analyst.record.log import RunLogError, read_run
from analyst.record.runs import run_ids

Outcome = Literal["allowed", "approved", "edited", "denied", "undecided"]
"""``allowed``: without asking. ``undecided``: the run ended before anybody answered."""


@dataclass(frozen=True, kw_only=True)
class AuditedCall:
    """A tool call, and what became of it. ``by``: ``rules``, ``user`` or ``policy``."""

    run_id: str
    started_at: str
    seconds: float
    call_id: str
    tool: str
    arguments: dict[str, Any]
    outcome: Outcome
    by: Literal["rules", "user", "policy"]
    why: str
    level: str
    risk: str


def audited(run_id: str, *, directory: Path | None = None) -> list[AuditedCall]:
    """Return the decisions of one run, in order.

    Raises :class:`analyst.record.log.RunLogError` when its record cannot be read.
    """
    arguments: dict[str, dict[str, Any]] = {}
    calls: dict[str, AuditedCall] = {}
    before: list[AuditedCall] = []
    started_at = ""
    for event in read_run(run_id, directory=directory).events:
        match event:
            case events.RunStarted():
                started_at = event.started_at
            case events.ToolCallStarted():
                arguments[event.call_id] = event.arguments
            case events.PermissionDecided():
                # One call may be decided on for each of the tools that it looks into.
                if (known := calls.pop(event.call_id, None)) and known.tool != event.tool:
                    before.append(known)
                outcome: Outcome = "undecided"
                if event.decision != "ask":
                    outcome = "allowed" if event.decision == "allow" else "denied"
                calls[event.call_id] = AuditedCall(
                    run_id=run_id,
                    started_at=started_at,
                    seconds=event.t,
                    call_id=event.call_id,
                    tool=event.tool,
                    arguments=arguments.get(event.call_id, {}),
                    outcome=outcome,
                    by="rules",
                    why=event.why,
                    level=event.level,
                    risk=event.risk,
                )
            case events.ApprovalRequested(arguments=dict(prepared)) if event.call_id in calls:
                # What was asked about, where that is not quite what the model wrote.
                calls[event.call_id] = replace(calls[event.call_id], arguments=prepared)
            case events.ApprovalResolved() if event.call_id in calls:
                call = calls[event.call_id]
                if call.outcome == "undecided":
                    calls[event.call_id] = replace(
                        call,
                        outcome=event.decision,
                        by=event.by,
                        arguments=event.arguments or call.arguments,
                    )
            case events.ToolCallFinished(arguments=dict(ran)) if event.call_id in calls:
                # What ran, where preparing changed it.
                calls[event.call_id] = replace(calls[event.call_id], arguments=ran)
    return sorted([*before, *calls.values()], key=lambda call: call.seconds)


def audit(limit: int | None = 20, *, directory: Path | None = None) -> Iterator[AuditedCall]:
    """Yield the decisions of the newest runs, newest run first; ``limit`` bounds the runs.

    Runs whose record cannot be read are passed over.
    """
    for run_id in run_ids(directory)[:limit]:
        try:
            yield from audited(run_id, directory=directory)
        except RunLogError:
            continue
