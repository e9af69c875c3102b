"""A kernel's process as its gateway tells of it: slow requests, by a thread of their own."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable

from kernel_sandbox.gateway.rest import RestClient
from kernel_sandbox.supervisor import KernelExit


class RemoteProcess:
    """Interrupts and ends one kernel of a gateway; nothing here blocks but :meth:`wait`."""

    def __init__(self, rest: RestClient, kernel_id: str) -> None:
        self.rest = rest
        self.kernel_id = kernel_id
        self.signals_passed = 0
        self.wake: Callable[[], None] = lambda: None
        self._exit: KernelExit | None = None
        self._stopping = False
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="gateway-requests", daemon=True)
        self._thread.start()

    @property
    def exit(self) -> KernelExit | None:
        """How it ended, once it did."""
        return self._exit

    def signal(self, number: int) -> None:
        """Interrupt it; a gateway sends no other signals."""

        def interrupt() -> None:
            if number == signal.SIGINT:
                self.rest.interrupt(self.kernel_id)
            self.signals_passed += 1

        self._jobs.put(interrupt)

    def stop(self) -> None:
        """End it."""
        if self._stopping:
            return
        self._stopping = True

        def end() -> None:
            self.rest.end(self.kernel_id)
            self.ended("the gateway ended it")

        self._jobs.put(end)

    def ended(self, why: str) -> None:
        """Note that it is gone, and why."""
        if self._exit is None:
            self._exit = KernelExit(None, "", described=why)

    def look(self) -> None:
        """Ask the gateway whether it is still there; the answer comes as its end, or not."""

        def ask() -> None:
            if self.rest.is_there(self.kernel_id) is False:
                self.ended("the gateway has it no more")

        self._jobs.put(ask)

    def close(self) -> None:
        """End the thread and the connections."""
        self._jobs.put(None)

    def wait(self) -> None:
        """Block until all that was asked for is done, and close."""
        self.close()
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with contextlib.suppress(OSError):
                self.wake()
        self.rest.close()
