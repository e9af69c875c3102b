"""Asking the user by ``input()``: in a notebook without our extension, and at IPython's prompt.

Here: when it is time to ask, and reading lines. Not here: the words (:mod:`.asking_words`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from analyst.frontends.asking_words import LAST_LINE, Rewrite, denied, talk
from analyst.frontends.cell_control import CellDecision
from analyst.record.events import ApprovalRequested, ApprovalResolved, Event, RunFinished

PATIENCE_SECONDS = 3.0
"""How long an extension of the front end may take to be heard of before ``input()`` asks."""


class Door(Protocol):
    """What decides and stops a run; :class:`analyst.frontends.bridge.SessionBridge` does."""

    def resolve_approval(self, decision: CellDecision) -> None:
        """Decide what waits."""
        ...

    def stop(self) -> bool:
        """End the run that goes on."""
        ...


class Asker:
    """Asks by ``input()`` what one run wants to know, unless the front end's extension does.

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
        self._asked: dict[str, tuple[ApprovalRequested, float]] = {}

    def take(self, event: Event | None) -> None:
        """Take an event in, ``None`` when time passed; asks when it is time to."""
        match event:
            case ApprovalRequested():
                self._asked[event.call_id] = (event, self._clock())
            case ApprovalResolved():
                self._asked.pop(event.call_id, None)
            case RunFinished():
                self._asked.clear()
        for asked, since in list(self._asked.values()):
            if self._is_due(since):
                del self._asked[asked.call_id]
                self._ask(asked)

    def _ask(self, asked: ApprovalRequested) -> None:
        decision = ask_in_words(asked, read=self._read)
        if decision is None:
            self._asked.clear()
            self._door.stop()
        else:
            self._door.resolve_approval(decision)

    def _is_due(self, since: float) -> bool:
        if self._heard is None:
            return True
        return not self._heard.is_set() and self._clock() - since >= self._patience


def ask_in_words(
    asked: ApprovalRequested, *, read: Callable[[str], str] = input
) -> CellDecision | None:
    """Ask until the answer is one; ``None`` when the user would rather stop the run.

    Who closes the input decides against it.
    """
    talking = talk(asked)
    try:
        said = next(talking)
        while True:
            with _interrupts_raise():
                typed = _typed_anew(said, read) if isinstance(said, Rewrite) else read(said)
            said = talking.send(typed)
    except StopIteration as end:
        decision: CellDecision = end.value
        return decision
    except KeyboardInterrupt:
        return None
    except EOFError:
        return denied(asked)


def _typed_anew(rewrite: Rewrite, read: Callable[[str], str]) -> str:
    what = "the steps, one a line" if rewrite.is_plan else "it anew, line by line"
    prompt = f"Type {what}; a line with only {LAST_LINE!r} ends it.\n"
    lines: list[str] = []
    while (line := read(prompt)).strip() != LAST_LINE:
        lines.append(line)
        prompt = ""
    return "\n".join(lines)


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
