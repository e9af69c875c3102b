"""One at a time, whichever event loop or thread they come from."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections import deque
from types import TracebackType

_OWN_SECONDS = 5.0


class Turnstile:
    """A fair lock for coroutines that may live in different event loops.

    :class:`asyncio.Lock` belongs to one loop; a session may be used from one after another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._holder: asyncio.Task[object] | None = None
        self._waiting: deque[concurrent.futures.Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                self._holder = asyncio.current_task()
                return
            turn: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._waiting.append(turn)
            mine = self._holder is asyncio.current_task()
        try:
            # Who waits for itself waits for ever; but an iteration that was dropped is closed
            # by the event loop soon.
            async with asyncio.timeout(_OWN_SECONDS if mine else None):
                await asyncio.wrap_future(turn)
        except BaseException as error:
            # The turn may have come in the moment of the cancellation: pass it on.
            if turn.done() and not turn.cancelled():
                self._leave()
            if mine and isinstance(error, TimeoutError):
                raise RuntimeError(
                    "this task still iterates over an earlier cell of the session; finish or "
                    "close that iteration first"
                ) from None
            raise
        self._holder = asyncio.current_task()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._taken = False
            self._holder = None
