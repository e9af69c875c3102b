"""The events of a conversation as numbered lines, and readers that go through them.

Here: the list, the numbers, and waiting for more. Not here: what an event is
(:mod:`analyst.record`), which events there are (:mod:`analyst.frontends.server.conversation`) and
how lines go over the wire (:mod:`analyst.frontends.server.stream`).

Threads: one thread adds (the agents'), and readers live in the server's loop. A reader holds the
number it has come to and nothing else, so a slow one costs nothing.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

Wake = Callable[[Callable[[], None]], object]
"""Has a function called soon in the readers' loop; callable from any thread."""


@dataclass(slots=True)
class Line:
    """One event as JSON. ``superseded``: a piece of a reply that is there as a whole by now."""

    number: int
    data: bytes
    superseded: bool = False


class NumberedEvents:
    """A growing list of lines whose numbers grow by one, from ``first`` on."""

    def __init__(self, wake: Wake, first: int = 1) -> None:
        self._wake = wake
        self._lines: list[Line] = []
        self._next = first
        self._waking = False
        self._readers: set[Reader] = set()

    @property
    def last(self) -> int:
        """The number of the newest line, or of the one before the first."""
        return self._next - 1

    @property
    def readers(self) -> int:
        """How many read at this moment."""
        return len(self._readers)

    def add(self, data: bytes) -> Line:
        """Append a line and have the readers woken."""
        line = Line(self._next, data)
        self._lines.append(line)
        self._next += 1
        if not self._waking:
            self._waking = True
            with contextlib.suppress(RuntimeError):  # the server's loop is closed: nobody reads
                self._wake(self._wake_readers)
        return line

    def skip_to(self, number: int) -> None:
        """Let the next line have at least this number."""
        self._next = max(self._next, number)

    def forget_superseded(self) -> None:
        """Give the memory of superseded lines back."""
        self._lines = [line for line in self._lines if not line.superseded]

    def reader(self, after: int = 0) -> Reader:
        """Return a reader of what comes after a number; use it in a ``with`` block."""
        return Reader(self, after)

    def close(self) -> None:
        """End all readers; called in their loop."""
        for reader in list(self._readers):
            reader.close()

    def lines_after(
        self, number: int, *, superseded_after: int, most_bytes: int | None = None
    ) -> Sequence[Line]:
        """Return the next lines, at least one if there is any, about ``most_bytes`` of them.

        Superseded ones count only when their number is above ``superseded_after``.
        """
        lines, size = self._lines, 0
        found: list[Line] = []
        for index in range(bisect.bisect_right(lines, number, key=_number), len(lines)):
            line = lines[index]
            if line.superseded and line.number <= superseded_after:
                continue
            size += len(line.data)
            if found and most_bytes is not None and size > most_bytes:
                break
            found.append(line)
        return found

    def _wake_readers(self) -> None:
        # First: what is added from here on wakes anew.
        self._waking = False
        for reader in self._readers:
            reader.wake()

    def enter(self, reader: Reader) -> None:
        """Begin to wake a reader."""
        self._readers.add(reader)

    def leave(self, reader: Reader) -> None:
        """Wake a reader no more."""
        self._readers.discard(reader)


class Reader:
    """One way through the lines, from a number on. Lives in the server's loop."""

    def __init__(self, events: NumberedEvents, after: int) -> None:
        self._events = events
        self._number = after
        # What is there at the beginning comes without the pieces of replies that are complete.
        self._begun_at = events.last
        self._waiter: asyncio.Future[None] | None = None
        self.closed = False

    def __enter__(self) -> Self:
        self._events.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._events.leave(self)

    def take(self, most_bytes: int) -> Sequence[Line]:
        """Return what is next, nothing if there is no more yet."""
        # Looked up first: what is added meanwhile has a higher number and is not passed over.
        last = self._events.last
        lines = self._events.lines_after(
            self._number, superseded_after=self._begun_at, most_bytes=most_bytes
        )
        self._number = lines[-1].number if lines else max(self._number, last)
        return lines

    async def wait(self, seconds: float) -> bool:
        """Wait until there is more or the reader is closed; False after ``seconds`` without."""
        if self.closed or self._events.last > self._number:
            return True
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError:
            return False
        finally:
            self._waiter = None
        return True

    def wake(self) -> None:
        """End the waiting."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """End the reading: the reader is not to wait any more."""
        self.closed = True
        self.wake()


def _number(line: Line) -> int:
    return line.number
