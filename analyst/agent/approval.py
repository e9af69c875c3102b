"""Asking the user before a call runs, and what the answer is.

Here: who is asked, waiting for the decision, and the policy where nobody can be asked. Not here:
what is asked about (:mod:`analyst.tools.permissions`), or how it is shown (the front ends).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

from analyst.tools.permissions import Permissions

Decided = Literal["approved", "denied", "edited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided; ``text`` is what the user wrote: a call or plan as edited, or an answer."""

    decision: Decided
    by: Literal["user", "policy"] = "user"
    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    tool: str
    can_always: bool
    future: asyncio.Future[Decision]


@dataclass
class ApprovalDesk:
    """Where a session waits for the user. Lives in the session's loop.

    ``always``: tools that the user approved for the whole conversation.
    """

    always: set[str] = field(default_factory=set)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of what waits."""
        return tuple(self._waiting)

    async def wait(self, call_id: str, tool: str, *, can_always: bool = True) -> Decision:
        """Return the user's decision on a call."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = _Waiting(tool, can_always, future)
        try:
            return await future
        finally:
            del self._waiting[call_id]

    def resolve(
        self, call_id: str, decision: Decided, *, text: str | None = None, always: bool = False
    ) -> bool:
        """Decide what waits; return whether it did. The first decision counts.

        ``text``: what to run instead, where the decision is ``edited``, or the answer to a
        question. ``always``: approve the tool's later calls of this conversation too. Raises
        :class:`ValueError` for an edited call without text.
        """
        waiting = self._waiting.get(call_id)
        if waiting is None or waiting.future.done():
            return False
        if decision == "edited" and (text is None or not text.strip()):
            raise ValueError("An edited call needs its code; to leave it out, deny it.")
        if always and decision != "denied" and waiting.can_always:
            self.always.add(waiting.tool)
        waiting.future.set_result(Decision(decision=decision, text=text))
        return True


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """How one run asks.

    ``attended``: whether somebody can answer; else ``unattended`` is the answer. ``pausing``: what
    holds while the run waits (its clock stands still).
    """

    desk: ApprovalDesk
    permissions: Permissions = field(default_factory=Permissions)
    attended: bool = False
    unattended: Literal["deny", "approve"] = "deny"
    pausing: Callable[[], AbstractContextManager[None]]

    async def decide(self, call_id: str, tool: str, *, can_always: bool = True) -> Decision:
        """Return the decision on what was asked about."""
        if not self.attended:
            # What cannot be taken back is never done on nobody's word.
            approves = self.unattended == "approve" and can_always
            return Decision(decision="approved" if approves else "denied", by="policy")
        with self.pausing():
            return await self.desk.wait(call_id, tool, can_always=can_always)
