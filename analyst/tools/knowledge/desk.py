"""Documents for code that runs in an event loop: read in a thread, searched without blocking.

Reading begins by itself and goes on while something else runs; who searches waits for it a little,
and is told if something is still missing. Not here: the reading and searching
(:mod:`analyst.tools.knowledge.library`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future

from analyst.memory.errors import FindingsError
from analyst.tools.knowledge.library import Found, Library
from analyst.tools.knowledge.updating import Updated

FRESH_SECONDS = 10.0
"""After so long the folders are looked at again."""

PATIENCE_SECONDS = 30.0
"""How long a search waits for documents that are being read."""

_STEP_SECONDS = 2.0
_CLOSING_SECONDS = 5.0
_NOTES_AT_ONCE = 5


class KnowledgeDesk:
    """One library, for one event loop at a time."""

    def __init__(
        self,
        library: Library,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        fresh_seconds: float = FRESH_SECONDS,
        step_seconds: float = _STEP_SECONDS,
    ) -> None:
        self._library = library
        self._patience = patience_seconds
        self._fresh_seconds = fresh_seconds
        self._step = step_seconds
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._reading: Future[Updated | None] | None = None
        self._read_at = float("-inf")
        self._progress: tuple[int, int] | None = None
        self._told: set[str] = set()

    def begin(self) -> None:
        """Read what changed, in a thread, unless that was done a moment ago; returns at once."""
        going = self._reading is not None and not self._reading.done()
        if going or time.monotonic() - self._read_at < self._fresh_seconds:
            return
        done: Future[Updated | None] = Future()
        self._reading = done
        self._thread = threading.Thread(
            target=self._read, args=(done,), name="analyst-knowledge", daemon=True
        )
        self._thread.start()

    async def search(self, query: str, limit: int = 5) -> list[Found]:
        """Return passages that speak of what is asked, best first; none if none does.

        Raises :class:`~analyst.memory.errors.FindingsError`.
        """
        async for _ in self.ready():
            pass
        return await self.look_up(query, limit)

    async def look_up(self, query: str, limit: int) -> list[Found]:
        """Search what is read by now; raises :class:`~analyst.memory.errors.FindingsError`."""
        return await asyncio.to_thread(self._library.search, query, limit)

    async def ready(self) -> AsyncIterator[str]:
        """Wait until documents are read, or patience ends; yields sentences on it for the user.

        Raises :class:`~analyst.memory.errors.FindingsError`.
        """
        self.begin()
        reading = self._reading
        assert reading is not None, "begin leaves a reading"
        waiting = asyncio.wrap_future(reading)
        until = time.monotonic() + self._patience
        while not waiting.done() and time.monotonic() < until:
            await asyncio.wait({waiting}, timeout=self._step)
            if not waiting.done() and (words := self.unread):
                yield words
        if not waiting.done():
            return
        done = await waiting
        if done is None:
            yield "Another program is reading your documents; what it has read is used."
            return
        new = [note for note in done.notes if note not in self._told]
        for note in new[:_NOTES_AT_ONCE]:
            yield self._once(note)
        if len(new) > _NOTES_AT_ONCE:
            self._told.update(new)
            more = len(new) - _NOTES_AT_ONCE
            yield f"{more} more documents have notes; analyst knowledge status lists them."

    @property
    def unread(self) -> str:
        """A sentence on documents that are still being read, "" when all are."""
        if self._reading is None or self._reading.done() or self._progress is None:
            return ""
        done, count = self._progress
        return f"Your documents are being read: {done} of {count} so far."

    @property
    def notice(self) -> str:
        """A sentence for the user on the last search, each once."""
        notice = self._library.notice
        return "" if notice is None or notice in self._told else self._once(notice)

    async def aclose(self) -> None:
        """Stop reading, and let the database go; what was read is kept."""
        self._stopped.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSING_SECONDS)
        await asyncio.to_thread(self._library.close)

    def _once(self, sentence: str) -> str:
        self._told.add(sentence)
        return sentence

    def _read(self, done: Future[Updated | None]) -> None:
        try:
            updated = self._library.update(progress=self._note_progress, stopped=self._stopped)
        except FindingsError as error:
            done.set_exception(error)
        except Exception as error:  # noqa: BLE001 - who waits must not wait for ever
            done.set_exception(
                FindingsError(f"Your documents cannot be read: {type(error).__name__}: {error}.")
            )
        else:
            self._read_at = time.monotonic()
            done.set_result(updated)
        finally:
            self._progress = None

    def _note_progress(self, done: int, count: int) -> None:
        self._progress = (done, count)
