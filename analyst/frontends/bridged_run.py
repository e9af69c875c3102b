"""One run of a session in another thread, as its reader sees it. One writer, one reader."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from analyst.frontends.errors import RunNotStoppedError
from analyst.record.events import Event


class _Failure:
    def __init__(self, error: Exception) -> None:
        self.error = error


class _End:
    pass


class BridgedRun:
    """One run, read from the caller's thread. Made by :meth:`SessionBridge.ask`."""

    def __init__(self, *, stop_seconds: float) -> None:
        self.ended = threading.Event()
        self.send_stop: Callable[[], None] | None = None
        self._stop_seconds = stop_seconds
        self._queue: queue.SimpleQueue[Event | _Failure | _End] = queue.SimpleQueue()
        self._stop_deadline: float | None = None

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop."""
        return self._stop_deadline is not None

    def stop(self) -> None:
        """Ask the session to end the run; its events go on until the last one.

        Any thread and any signal handler may call this; it returns at once.
        """
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + self._stop_seconds
            if self.send_stop is not None:
                self.send_stop()

    def events(self, *, tick: float = 1.0) -> Iterator[Event | None]:
        """Yield the events as they come; None whenever ``tick`` seconds passed without one.

        Raises what the session raised, and :class:`RunNotStoppedError` if the run was stopped
        and its end did not come in time.
        """
        while True:
            left = tick
            if self._stop_deadline is not None:
                left = min(tick, max(self._stop_deadline - time.monotonic(), 0.0))
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                if self._stop_deadline is not None and time.monotonic() >= self._stop_deadline:
                    raise RunNotStoppedError(
                        f"The run did not end within {self._stop_seconds:g} s of being stopped. "
                        "%agent reset gives the agent a new kernel."
                    ) from None
                yield None
                continue
            if isinstance(item, _End):
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item

    def put(self, item: Event | Exception) -> None:
        """Hand an event, or the error that ended the run, to the reader."""
        self._queue.put(_Failure(item) if isinstance(item, Exception) else item)

    def end(self) -> None:
        """Tell the reader that nothing follows."""
        self.ended.set()
        self._queue.put(_End())
