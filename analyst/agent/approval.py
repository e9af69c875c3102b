"""Asking the user before a call runs, and what the answer is.

Here: who is asked, waiting for the decision, and the policy where nobody can be asked. Not here:
how risky a call is (:mod:`analyst.tools.risk`), or how the question is shown (the front ends).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from analyst.tools.risk import Risk, judge

ApprovalMode = Literal["auto", "risky", "ask"]
"""Who is asked: nobody; the user, before what is risky; the user, before every call."""

Decided = Literal["approved", "denied", "edited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided; ``arguments`` are those of an edited call."""

    decision: Decided
    by: Literal["user", "policy"] = "user"
    arguments: Mapping[str, Any] | None = None


@dataclass
class ApprovalDesk:
    """Where the calls of a session wait for the user. Lives in the session's loop.

    ``always``: tools that the user approved for the whole conversation.
    """

    always: set[str] = field(default_factory=set)
    _waiting: dict[str, tuple[str, asyncio.Future[Decision]]] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of the calls that wait."""
        return tuple(self._waiting)

    async def wait(self, call_id: str, tool: str) -> Decision:
        """Return the user's decision on a call."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = (tool, future)
        try:
            return await future
        finally:
            del self._waiting[call_id]

    def resolve(
        self, call_id: str, decision: Decided, *, code: str | None = None, always: bool = False
    ) -> bool:
        """Decide a call that waits; return whether one did. The first decision counts.

        ``code``: what to run instead, where the decision is ``edited``. ``always``: approve the
        tool's later calls of this conversation too. Raises :class:`ValueError` for an edited
        call without code.
        """
        tool, future = self._waiting.get(call_id, ("", None))
        if future is None or future.done():
            return False
        arguments = None
        if decision == "edited":
            if code is None or not code.strip():
                raise ValueError("An edited call needs its code; to leave it out, deny it.")
            arguments = {"code": code}
        if always and decision != "denied":
            self.always.add(tool)
        future.set_result(Decision(decision=decision, arguments=arguments))
        return True


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """How one run asks.

    ``attended``: whether somebody can answer; else ``unattended`` is the answer. ``pausing``: what
    holds while the run waits (its clock stands still). ``hosts``, ``isolated``: of its kernel.
    """

    desk: ApprovalDesk
    mode: ApprovalMode = "auto"
    attended: bool = False
    unattended: Literal["deny", "approve"] = "deny"
    pausing: Callable[[], AbstractContextManager[None]]
    hosts: Sequence[str] = ()
    isolated: bool = True

    def question(self, tool: str, arguments: Mapping[str, Any]) -> Risk | None:
        """Return the risk that the user is to be asked about, ``None`` to run at once."""
        if self.mode == "auto" or tool in self.desk.always:
            return None
        risk = judge(tool, arguments, hosts=self.hosts, isolated=self.isolated)
        # Looking up what is known changes nothing, and has nothing to decide about.
        return risk if risk.risky or (self.mode == "ask" and tool != "recall") else None

    async def decide(self, call_id: str, tool: str) -> Decision:
        """Return the decision on a call that was asked about."""
        if not self.attended:
            approves = self.unattended == "approve"
            return Decision(decision="approved" if approves else "denied", by="policy")
        with self.pausing():
            return await self.desk.wait(call_id, tool)
