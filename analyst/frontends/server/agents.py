"""The thread in which all agents live, so that nothing they do can hold up the server's loop.

Here: the thread, its event loop, and calls into it from the server's loop. Not here: what is
called (:mod:`analyst.frontends.server.conversations`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class AgentThread:
    """A daemon thread with an event loop of its own; it starts at the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def started(self) -> bool:
        """Whether anything was called yet."""
        return self._thread is not None

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run ``coroutine`` in the thread and return what it returns, or raise what it raises.

        A caller that is cancelled does not cancel it: half of a hand-over or of a shutdown would
        be worse than one that nobody waits for. Raises :class:`RuntimeError` after the end.
        """
        return await asyncio.shield(asyncio.wrap_future(self._submitted(coroutine)))

    def close(self, last: Coroutine[Any, Any, None] | None, seconds: float) -> None:
        """Run ``last``, at most for ``seconds``, and end the thread. Blocks."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = None
        if loop is None or thread is None:
            if last is not None:
                last.close()
            return
        ending = asyncio.run_coroutine_threadsafe(_ended(last), loop)
        with contextlib.suppress(Exception):  # nobody is left who could act on it
            ending.result(seconds)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)

    def _submitted(self, coroutine: Coroutine[Any, Any, T]) -> Any:
        with self._lock:
            if self._closed:
                coroutine.close()
                raise RuntimeError("the agents' thread has ended")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="analyst-agents", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


async def _ended(last: Coroutine[Any, Any, None] | None) -> None:
    if last is not None:
        await last
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
