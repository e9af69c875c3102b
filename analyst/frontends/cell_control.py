"""Stop and approvals of a running ``%%agent`` cell, from the front end's extension.

While the cell blocks the main thread, ipykernel serves comms of a front end in a subshell, which
is a thread of its own. The extension opens one comm for each view that it shows and speaks; the
kernel only listens, since ipykernel would send replies to a comm on which the blocked main thread
spoke back to that thread. Not here: what is shown, and asking without an extension.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

TARGET = "jupyter-analyst"
"""The comm target's name; the extension knows it too."""

CONTROL = "application/vnd.jupyter-analyst.run+json"
"""The MIME type by which a view asks the extension for its buttons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDecision:
    """What somebody decided; ``text`` is a call or plan as edited, or the answer to a question."""

    call_id: str
    decision: Literal["approved", "denied", "edited"]
    text: str | None = None
    always: bool = False


class Listener(Protocol):
    """Who is told what the front end's user wants; called in any thread, and quick."""

    def stop(self) -> bool:
        """End the run that goes on."""
        ...

    def resolve_approval(self, decision: CellDecision) -> None:
        """Decide a call that waits."""
        ...


class CellControl:
    """The kernel's side of the comms. ``heard``: whether an extension has spoken at all."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.heard = threading.Event()

    def register(self, comm_manager: Any) -> None:
        """Listen for comms of the extension."""
        comm_manager.register_target(TARGET, self._opened)

    def unregister(self, comm_manager: Any) -> None:
        """Listen no more."""
        comm_manager.unregister_target(TARGET, self._opened)

    def _opened(self, comm: Any, message: Mapping[str, Any]) -> None:
        comm.on_msg(self._said)
        self._said(message)

    def _said(self, message: Mapping[str, Any]) -> None:
        """Do what a message asks for; one that asks for nothing known is dropped."""
        content = message.get("content")
        data = content.get("data") if isinstance(content, Mapping) else None
        if not isinstance(data, Mapping):
            return
        self.heard.set()
        match dict(data):
            case {"kind": "stop"}:
                self._listener.stop()
            case {
                "kind": "approval",
                "call_id": str(call_id),
                "decision": ("approved" | "denied" | "edited") as decision,
            }:
                text = data.get("text")
                self._listener.resolve_approval(
                    CellDecision(
                        call_id=call_id,
                        decision=decision,
                        text=text if isinstance(text, str) else None,
                        always=data.get("always") is True,
                    )
                )
