"""Stamping events: run id, sequence number, time.

Here: the one object that numbers a run's events, so that they have no gaps and one clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from analyst.record.events import EventBase

E = TypeVar("E", bound=EventBase)


class EventMaker:
    """Makes the events of one run, in order. Not thread-safe: a run lives in one task."""

    def __init__(self, run_id: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.run_id = run_id
        self._clock = clock
        self._started = clock()
        self._next = 0

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return self._clock() - self._started

    def __call__(self, kind: type[E], /, **fields: Any) -> E:
        """Make the next event."""
        event = kind(run_id=self.run_id, seq=self._next, t=self.seconds, **fields)
        self._next += 1
        return event
