"""What a session keeps from kernel to kernel: the private directory, and a kernel that lives.

Not here: running code (:mod:`kernel_sandbox.session`). Nothing here refers to the session, so
that a session nobody uses any more can be collected, and this let go.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_sandbox.directories import PrivateDirectory
from kernel_sandbox.errors import SessionClosedError
from kernel_sandbox.kernel import Kernel, RunningKernel
from kernel_sandbox.policy import Policy
from kernel_sandbox.request import Request
from kernel_sandbox.results import LOST

if TYPE_CHECKING:
    from kernel_sandbox.gateway.rest import Gateway


class KernelKeeper:
    """Starts a kernel, replaces one that has ended, and lets the last one go.

    ``kernel``: the one that runs or ran last. ``generation``: how often it was replaced.
    """

    def __init__(
        self, kernel_name: str, *, cwd: Path | None, policy: Policy, gateway: Gateway | None
    ) -> None:
        self.directory = PrivateDirectory()
        self.kernel: Kernel | None = None
        self.generation = 0
        self._kernel_name = kernel_name
        self._cwd = cwd
        self._policy = policy
        self._gateway = gateway
        self._closed = False
        self._owner = os.getpid()

    @property
    def closed(self) -> bool:
        """Whether there will be no kernel any more."""
        return self._closed

    @property
    def alive(self) -> bool:
        """Whether a kernel runs."""
        return self.kernel is not None and self.kernel.exit is None

    def check_open(self) -> None:
        """Raise :class:`SessionClosedError` after the end."""
        if self._closed:
            raise SessionClosedError("This kernel session was shut down; start a new one.")

    async def launch(self) -> None:
        """Start a kernel; raises :class:`KernelStartError`."""
        kernel: Kernel
        if self._gateway is not None:
            # Late: most never need it.
            from kernel_sandbox.gateway.kernel import RemoteKernel  # noqa: PLC0415

            kernel = await RemoteKernel.start(
                self._kernel_name, gateway=self._gateway, policy=self._policy
            )
        else:
            kernel = await RunningKernel.start(
                self._kernel_name,
                cwd=self._cwd,
                policy=self._policy,
                private=self.directory.path,
                generation=self.generation,
            )
        if self._closed:
            await kernel.kill()
            self.check_open()
        self.kernel = kernel

    async def replace(self) -> None:
        """Put a new kernel in the place of the old; raises :class:`KernelStartError`."""
        old, self.kernel = self.kernel, None
        if old is not None:
            await old.kill()
        passed = None if old is None or old.exit is None else old.exit.passed
        await asyncio.to_thread(
            self.directory.layout.refresh,
            workspace_too=passed is not None and passed.limit in {"disk", "files"},
        )
        self.generation += 1
        await self.launch()

    async def ready(self, last: Request | None) -> tuple[Kernel, str | None]:
        """Return an idle kernel, and why it is a new one if it is.

        ``last``: the request before. Raises :class:`KernelStartError`.
        """
        self.check_open()
        killed = False
        if last is not None:
            end = await asyncio.wrap_future(last.finished)
            killed = end.killed and end.reason == "abandoned"
        why = None
        if not self.alive:
            kernel = self.kernel
            reason = "the kernel was not running"
            if killed:
                reason = "the code before it did not stop when interrupted"
            elif kernel is not None and kernel.exit is not None:
                reason = f"the kernel had ended ({kernel.exit})"
            await self.replace()
            why = f"A new kernel was started first, because {reason}. {LOST}"
        assert self.kernel is not None
        return self.kernel, why

    async def end(self) -> None:
        """End the kernel with everything below it, and remove the directory."""
        self._closed = True
        kernel, self.kernel = self.kernel, None
        if kernel is not None:
            await kernel.kill()
        await asyncio.to_thread(self.directory.remove)

    def let_go(self) -> None:
        """End all without waiting; safe in a finaliser and in any thread."""
        # In a forked child these belong to the parent.
        if os.getpid() != self._owner:
            return
        self._closed = True
        if self.kernel is not None:
            self.kernel.abandon()
            self.kernel = None
        self.directory.remove()
