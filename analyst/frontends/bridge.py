"""A session for callers that do not run an event loop: the notebook cell and the shell prompt.

The session lives in a daemon thread with an event loop of its own, because the main thread of
a kernel runs ipykernel's loop and blocks in the cell meanwhile. Here: that thread, the queue
the events cross by, and what an interrupt does. Not here: anything of notebooks or display.

Threads: every touch of the session happens in the session's thread. ``_lock`` guards the
start of the thread and which run is going; a run's queue has one writer and one reader.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from analyst.frontends.bridged_run import BridgedRun
from analyst.frontends.cell_control import CellDecision
from analyst.frontends.door import AgentSession, SessionFactory, make_session
from analyst.frontends.errors import RunInProgressError
from analyst.frontends.interrupt import stop_on_interrupt
from analyst.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from kernel_sandbox import WrittenFile

T = TypeVar("T")

CLOSE_SECONDS = 8.0
"""How long the end of the process may wait for a session to close."""


class SessionBridge:
    """A session in a thread, used from another one.

    ``make_session`` is called in the session's thread at the first use. The bridge closes
    itself at the end of the process.
    """

    def __init__(
        self,
        make_session: SessionFactory = make_session,
        *,
        settings: Settings | None = None,
        stop_seconds: float = 30.0,
    ) -> None:
        self._settings = settings or Settings()
        self._make_session = make_session
        self._stop_seconds = stop_seconds
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: AgentSession | None = None
        self._entered = False
        self._run: BridgedRun | None = None

    @property
    def busy(self) -> bool:
        """Whether a run is going."""
        return self._run is not None

    @contextlib.contextmanager
    def ask(self, question: str, **options: Any) -> Iterator[BridgedRun]:
        """Start a run; the options are those of :meth:`AgentSession.ask`.

        Inside the block an interrupt (the stop button, Ctrl-C) stops the run and raises
        nothing; a second one raises :class:`KeyboardInterrupt`. A run that is left before its
        end is stopped. Raises :class:`RunInProgressError`.
        """
        loop = self._started_loop()
        run = BridgedRun(stop_seconds=self._stop_seconds)
        with self._lock:
            if self._run is not None:
                raise RunInProgressError(
                    "The agent is still answering another question of this notebook. Wait for "
                    "it, or end it with %agent stop."
                )
            self._run = run
        asyncio.run_coroutine_threadsafe(self._pump(run, question, options), loop)
        with stop_on_interrupt(run.stop):
            try:
                yield run
            finally:
                if not run.ended.is_set():
                    run.stop()

    def stop(self) -> bool:
        """Stop the run that is going; False if there is none. Any thread may call this."""
        run = self._run
        if run is None:
            return False
        run.stop()
        return True

    def resolve_approval(self, decision: CellDecision) -> None:
        """Decide a call that waits, if it still does. Any thread may call this; it returns at once.

        What cannot be taken, such as an edited call without its text, decides nothing.
        """

        def resolve() -> None:
            if self._session is not None:
                with contextlib.suppress(ValueError):
                    self._session.resolve_approval(
                        decision.call_id, decision.decision, decision.text, always=decision.always
                    )

        if self._loop is not None:
            _soon(self._loop, resolve)

    def reset(self) -> None:
        """End the run that is going, if any, and give the session a new kernel and conversation."""
        self._call(self._reset())

    def fetch_frame(self, name: str) -> pd.DataFrame:
        """Return a frame of the session's kernel; raises what the session raises."""

        async def fetch() -> pd.DataFrame:
            return await (await self._ready()).fetch_frame(name)

        return self._call(fetch())

    def written_files(self) -> Sequence[WrittenFile]:
        """List the files that the agent's code wrote; starts no kernel."""

        async def files() -> Sequence[WrittenFile]:
            return await self._made().written_files() if self._entered else ()

        return self._call(files())

    def save_file(self, name: str, target: Path) -> Path:
        """Copy a file that the agent's code wrote; raises what the session raises."""

        async def save() -> Path:
            return await (await self._ready()).save_file(name, target)

        return self._call(save())

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start work in the session's thread, beside whatever goes on there; returns at once."""
        return asyncio.run_coroutine_threadsafe(work, self._started_loop())

    def status(self) -> Any:
        """Return the session's status; starts no kernel."""

        async def status() -> Any:
            return self._made().status()

        return self._call(status())

    @property
    def settings(self) -> Settings:
        """What the runs to come go by."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings

        async def change() -> None:
            if self._session is not None:
                self._session.settings = settings

        if self._loop is not None:
            self._call(change())

    def close(self) -> None:
        """End the run, the session and the thread, within ``CLOSE_SECONDS``."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        atexit.unregister(self.close)
        closing = asyncio.run_coroutine_threadsafe(self._close_session(), loop)
        with contextlib.suppress(Exception):  # nobody is left who could act on it
            closing.result(CLOSE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(1.0)

    def _started_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_loop, args=(self._loop,), name="analyst-session", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return self._loop

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.begin(coroutine).result()

    async def _pump(self, run: BridgedRun, question: str, options: dict[str, Any]) -> None:
        """Carry the events of one run over to its reader."""
        stops: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()

        def begin_stop(session: AgentSession) -> None:
            stops.add(loop.create_task(session.stop()))

        try:
            session = await self._ready()
            async for event in session.ask(question, **options):
                run.put(event)
                if run.send_stop is None:
                    # Only a run that has begun can be stopped; a wish from before counts now.
                    run.send_stop = lambda: _soon(loop, begin_stop, session)
                    if run.stopping:
                        run.send_stop()
        except Exception as error:  # noqa: BLE001  # raised in the reader's thread
            run.put(error)
        finally:
            for stop in stops:
                with contextlib.suppress(Exception):  # the run did end
                    await stop
            with self._lock:
                self._run = None
            run.end()

    def _made(self) -> AgentSession:
        if self._session is None:
            self._session = self._make_session(self._settings)
        return self._session

    async def _ready(self) -> AgentSession:
        session = self._made()
        if not self._entered:
            await session.__aenter__()
            self._entered = True
        return session

    async def _reset(self) -> None:
        run, session = self._run, self._made()
        if run is not None:
            run.stop()
            # The reader of the run may be the very thread that waits here: only the pump counts.
            await asyncio.to_thread(run.ended.wait, self._stop_seconds)
        if self._entered:
            await session.reset()

    async def _close_session(self) -> None:
        run = self._run
        if run is not None and self._session is not None:
            await self._session.stop()
        if self._session is not None and self._entered:
            await self._session.aclose()
        self._session, self._entered = None, False
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: so is the run
        loop.call_soon_threadsafe(call, *arguments)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
