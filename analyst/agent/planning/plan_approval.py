"""Showing a plan before its first step, to be approved, edited, or turned down.

Where nobody is there, it is carried out. Not here: the rules of plans
(:mod:`analyst.agent.planning.plan`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from analyst.agent.approval import Approvals
from analyst.agent.planning.plan import PlanError, as_lines, edited
from analyst.agent.protocol import new_call_id
from analyst.record import events
from analyst.record.events import PlannedStep
from analyst.record.making import EventMaker

TOOL = "plan"
ASKED = "Carry out this plan? It can be edited, one step a line."


@dataclass(frozen=True)
class Approved:
    """The plan as it was approved; ``None``: it was turned down."""

    steps: tuple[PlannedStep, ...] | None


async def approve(
    steps: tuple[PlannedStep, ...], approvals: Approvals, make: EventMaker
) -> AsyncIterator[events.Event | Approved]:
    """Ask about a plan until it is approved or turned down; the last item says which."""
    if not approvals.attended:
        yield Approved(steps)
        return
    text, asked = as_lines(steps), ASKED
    while True:
        call_id = new_call_id()
        yield make(
            events.ApprovalRequested,
            call_id=call_id,
            kind="plan",
            risk=asked,
            editable=text,
            can_always=False,
        )
        decision = await approvals.decide(call_id, TOOL, can_always=False)
        written = decision.text if decision.decision == "edited" else None
        yield make(
            events.ApprovalResolved,
            call_id=call_id,
            decision=decision.decision,
            by=decision.by,
            answer=written,
        )
        if decision.decision == "denied":
            yield Approved(None)
            return
        # What is approved is what was shown, also where that is an edit that could not be read.
        written = text if written is None else written
        if written.strip() == text.strip() == as_lines(steps):
            yield Approved(steps)
            return
        try:
            changed = edited(written, steps)
        except PlanError as error:
            text, asked = written, f"{error} Mend the plan, or turn it down."
            yield make(events.Note, level="warning", code="plan_unreadable", text=str(error))
            continue
        yield Approved(changed)
        return
