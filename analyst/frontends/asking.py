"""Asking about a call by ``input()``: in a terminal, and in a notebook without our extension."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from analyst.frontends.cell_control import CellDecision
from analyst.record.events import ApprovalRequested, ApprovalResolved, Event, RunFinished

PROMPT = "Run it? [y]es, [n]o, [a]lways in this conversation: "
AGAIN = f"Type y, n or a. {PROMPT}"
_ANSWERS: dict[str, Literal["approved", "denied"]] = {
    "y": "approved",
    "yes": "approved",
    "n": "denied",
    "no": "denied",
    "a": "approved",
    "always": "approved",
}


PATIENCE_SECONDS = 3.0
"""How long an extension of the front end may take to be heard of before ``input()`` asks."""


class Door(Protocol):
    """What decides and stops a run; :class:`analyst.frontends.bridge.SessionBridge` does."""

    def resolve_approval(self, decision: CellDecision) -> None:
        """Decide a call that waits."""
        ...

    def stop(self) -> bool:
        """End the run that goes on."""
        ...


class Asker:
    """Asks by ``input()`` about the calls of one run, unless the front end's extension does.

    ``heard``: set once an extension has spoken; ``None`` where there can be none.
    """

    def __init__(
        self,
        door: Door,
        *,
        heard: threading.Event | None,
        patience: float = PATIENCE_SECONDS,
        read: Callable[[str], str] = input,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door = door
        self._heard = heard
        self._patience = patience
        self._read = read
        self._clock = clock
        self._asked: ApprovalRequested | None = None
        self._since = 0.0

    def take(self, event: Event | None) -> None:
        """Take an event in, ``None`` when time passed; asks when it is time to."""
        match event:
            case ApprovalRequested():
                self._asked, self._since = event, self._clock()
            case ApprovalResolved() | RunFinished():
                self._asked = None
        if self._asked is None or not self._is_due():
            return
        asked, self._asked = self._asked, None
        decision = ask_in_words(asked.call_id, asked.risk, read=self._read)
        if decision is None:
            self._door.stop()
        else:
            self._door.resolve_approval(decision)

    def _is_due(self) -> bool:
        if self._heard is None:
            return True
        return not self._heard.is_set() and self._clock() - self._since >= self._patience


def ask_in_words(
    call_id: str, risk: str, *, read: Callable[[str], str] = input
) -> CellDecision | None:
    """Ask until the answer is one; ``None`` when the user would rather stop the run.

    Who closes the input decides against it.
    """
    prompt = f"{risk}\n{PROMPT}"
    while True:
        try:
            with _interrupts_raise():
                typed = read(prompt)
        except KeyboardInterrupt:
            return None
        except EOFError:
            typed = "n"
        decision = typed_decision(call_id, typed)
        if decision is not None:
            return decision
        prompt = AGAIN


def typed_decision(call_id: str, typed: str) -> CellDecision | None:
    """Return what somebody typed as a decision; ``None`` when it is none."""
    word = typed.strip().lower()
    if word not in _ANSWERS:
        return None
    return CellDecision(call_id=call_id, decision=_ANSWERS[word], always=word.startswith("a"))


@contextmanager
def _interrupts_raise() -> Iterator[None]:
    """Let an interrupt end the input; a handler that only notes it would leave it waiting."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.default_int_handler)
