"""Spare kernels, started and warmed in the background, so that a session begins at once.

One spare for each policy and kernelspec, each in a private directory of its own. Whoever takes a
spare owns it: it never comes back, so no two users or notebooks ever share a kernel. There are no
spares where memory is short.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from kernel_sandbox.errors import KernelSandboxError
from kernel_sandbox.kernelspecs import CURRENT
from kernel_sandbox.launcher.processes import available_memory
from kernel_sandbox.limits import GIB
from kernel_sandbox.policy import Policy
from kernel_sandbox.session import KernelSession

_log = logging.getLogger(__name__)

WARM_UP = """\
import numpy, pandas, pyarrow
import plotly.express as px
import plotly.io
frame = pandas.DataFrame({"x": ["a", "b"], "y": [1.0, 2.0]})
px.bar(frame.groupby("x", as_index=False).mean(), x="x", y="y").to_json()
frame.describe(), repr(frame), frame._repr_html_()
"""
"""What a spare runs: the imports that take a second, and the first use, which loads the rest."""

_WARM_SECONDS = 60.0
_MEMORY_NEEDED = 2 * GIB
"""Bytes that must be available for a spare; it takes less than a tenth of that."""


@dataclass(frozen=True, slots=True)
class _Spare:
    session: KernelSession
    made_at: float


class KernelPool:
    """Keeps warm kernels for those who will ask; safe to use from any thread.

    ``most``: how many spares there are at once, the oldest goes first. ``idle_seconds``: a spare
    that nobody took for so long is not handed out any more. ``refill_seconds``: how long after a
    spare was taken the next is made, ``None`` for never: it takes a second of both processors,
    better not the one in which the taker works. ``warm_up``: code a spare runs.
    """

    def __init__(
        self,
        *,
        most: int = 2,
        idle_seconds: float = 1800.0,
        refill_seconds: float | None = 15.0,
        warm_up: str = WARM_UP,
    ) -> None:
        self._most = most
        self._idle_seconds = idle_seconds
        self._refill_seconds = refill_seconds
        self._warm_up = warm_up
        self._lock = threading.Lock()
        self._spares: OrderedDict[str, concurrent.futures.Future[_Spare | None]] = OrderedDict()
        self._timers: set[threading.Timer] = set()
        self._closed = False
        self._owner = os.getpid()

    def prepare(
        self, kernel_name: str = CURRENT, *, policy: Policy | None = None, cwd: Path | None = None
    ) -> None:
        """See to a spare; returns at once. Nothing happens where memory is short."""
        policy = policy or Policy()
        key = _key(kernel_name, policy, cwd)
        memory = available_memory()
        if memory is not None and memory < _MEMORY_NEEDED:
            return
        with self._lock:
            if self._closed or key in self._spares or self._owner != os.getpid():
                return
            future: concurrent.futures.Future[_Spare | None] = concurrent.futures.Future()
            self._spares[key] = future
            surplus = [
                self._spares.popitem(last=False)[1] for _ in range(len(self._spares) - self._most)
            ]
        for other in surplus:
            other.add_done_callback(_let_go)
        threading.Thread(
            target=self._make,
            args=(future, kernel_name, policy, cwd),
            name="kernel-pool",
            daemon=True,
        ).start()

    async def take(
        self, kernel_name: str = CURRENT, *, policy: Policy | None = None, cwd: Path | None = None
    ) -> KernelSession:
        """Return a warm session if there is one, also one that is just being made, else a new one.

        Arguments and errors as in :meth:`KernelSession.start`.
        """
        policy = policy or Policy()
        with self._lock:
            future = self._spares.pop(_key(kernel_name, policy, cwd), None)
        spare = None
        if future is not None:
            try:
                spare = await asyncio.shield(asyncio.wrap_future(future))
            except BaseException:
                future.add_done_callback(_let_go)
                raise
        self._refill(kernel_name, policy, cwd)
        if spare is not None:
            fresh = time.monotonic() - spare.made_at < self._idle_seconds
            if fresh and spare.session.is_alive():
                return spare.session
            await spare.session.shutdown()
        return await KernelSession.start(kernel_name, policy=policy, cwd=cwd)

    async def aclose(self) -> None:
        """End all spares and make no more."""
        with self._lock:
            self._closed = True
            futures = [*self._spares.values()]
            self._spares.clear()
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()
        for future in futures:
            spare = await asyncio.wrap_future(future)
            if spare is not None:
                await spare.session.shutdown()

    def _refill(self, kernel_name: str, policy: Policy, cwd: Path | None) -> None:
        if self._refill_seconds is None:
            return

        def refill() -> None:
            with self._lock:
                self._timers.discard(timer)
            self.prepare(kernel_name, policy=policy, cwd=cwd)

        timer = threading.Timer(self._refill_seconds, refill)
        timer.daemon = True
        with self._lock:
            if self._closed:
                return
            self._timers.add(timer)
        timer.start()

    def _make(
        self,
        future: concurrent.futures.Future[_Spare | None],
        kernel_name: str,
        policy: Policy,
        cwd: Path | None,
    ) -> None:
        spare = None
        try:
            session = asyncio.run(self._warm(kernel_name, policy, cwd))
            spare = _Spare(session, time.monotonic())
        except KernelSandboxError as error:
            # Whoever asks starts one then, and is told.
            _log.debug("no spare kernel could be made: %s", error)
        except Exception:  # noqa: BLE001 - a waiting taker must not wait for ever
            _log.debug("no spare kernel could be made", exc_info=True)
        finally:
            future.set_result(spare)

    async def _warm(self, kernel_name: str, policy: Policy, cwd: Path | None) -> KernelSession:
        session = await KernelSession.start(kernel_name, policy=policy, cwd=cwd)
        # A kernel without these libraries, or of another language, serves as it is.
        with contextlib.suppress(KernelSandboxError):
            await session.evaluate(self._warm_up, {}, deadline=_WARM_SECONDS)
        return session


def _key(kernel_name: str, policy: Policy, cwd: Path | None) -> str:
    return f"{kernel_name}\n{cwd}\n{policy.key()}"


def _let_go(future: concurrent.futures.Future[_Spare | None]) -> None:
    spare = future.result()
    if spare is not None:
        spare.session.abandon()


_shared: KernelPool | None = None
_shared_lock = threading.Lock()


def shared_pool() -> KernelPool:
    """Return the pool of this process; its spares end with the process."""
    global _shared  # noqa: PLW0603
    with _shared_lock:
        if _shared is None:
            _shared = KernelPool()
        return _shared
