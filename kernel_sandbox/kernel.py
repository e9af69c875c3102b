"""One running kernel, from its start to its end: a process and the connection to it.

Not here: that a session replaces it when it ends (:mod:`kernel_sandbox.session`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.manager import AsyncKernelManager

from kernel_sandbox.connection import KernelConnection
from kernel_sandbox.conversation import Conversation
from kernel_sandbox.errors import KernelStartError
from kernel_sandbox.failures import start_error
from kernel_sandbox.kernelspecs import SandboxKernelSpecManager
from kernel_sandbox.launcher import processes
from kernel_sandbox.limits import Limits
from kernel_sandbox.policy import Policy
from kernel_sandbox.provisioner import SandboxProvisioner
from kernel_sandbox.request import Finished, Request
from kernel_sandbox.supervisor import KernelExit, Supervisor

_log = logging.getLogger(__name__)

_FIRST_IDLE_SECONDS = 0.1

TAKE_UP_SECONDS = 20.0
"""A kernel that has not begun with a request by then has lost it or is stuck."""


class _Manager(AsyncKernelManager):
    """Writes the connection file and drives the provisioner; interrupts and ends go by that."""

    def _connect_control_socket(self) -> None:
        """Open no socket: it would belong to the event loop that happens to run now."""


class Kernel(ABC):
    """A kernel that answers, wherever it runs; a session replaces it when it has ended."""

    def __init__(self, connection: Conversation, limits: Limits) -> None:
        self.connection = connection
        self._limits = limits

    @property
    def exit(self) -> KernelExit | None:
        """How it ended, once it did."""
        return self.connection.exit

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process id of the kernel, as this machine sees it; ``None`` for one elsewhere."""

    @property
    @abstractmethod
    def backend(self) -> str:
        """The name of what isolates it: "bubblewrap", "landlock", "none", "gateway"."""

    @property
    @abstractmethod
    def isolation(self) -> str:
        """How it is isolated, as a part of a sentence."""

    def request(
        self,
        content: Mapping[str, Any],
        *,
        deadline: float | None,
        msg_type: str = "execute_request",
        byte_limit: int | None = None,
        buffers: list[bytes] | None = None,
    ) -> Request:
        """Send a request; must be called in the event loop that reads it."""
        request = Request(
            msg_type,
            dict(content),
            byte_limit=self._limits.output_bytes if byte_limit is None else byte_limit,
            deadline=deadline,
            take_up_seconds=TAKE_UP_SECONDS,
            buffers=buffers,
        )
        self.connection.submit(request)
        return request

    @abstractmethod
    def stop_soon(self) -> None:
        """Begin its end, without waiting for it."""

    def abandon(self) -> None:
        """Let it and all that belongs to it go, without waiting. Safe in a finaliser."""
        self.connection.abandon()

    @abstractmethod
    async def kill(self) -> None:
        """Kill it and everything below it; returns when all is gone."""


class RunningKernel(Kernel):
    """A kernel process of this machine that answers."""

    def __init__(
        self,
        manager: _Manager,
        provisioner: SandboxProvisioner,
        connection: KernelConnection,
        limits: Limits,
    ) -> None:
        super().__init__(connection, limits)
        self._manager = manager
        self._provisioner = provisioner

    @classmethod
    async def start(
        cls,
        kernel_name: str,
        *,
        cwd: Path | None,
        policy: Policy,
        private: Path,
        generation: int,
    ) -> RunningKernel:
        """Start a kernel and wait until it answers.

        Raises :class:`KernelStartError` when it does not start or answer in time.
        """
        if cwd is not None and not cwd.is_dir():  # noqa: ASYNC240 - one stat
            raise KernelStartError(f"The kernel's working directory does not exist: {cwd}")
        manager = _Manager(
            kernel_name=kernel_name, kernel_spec_manager=SandboxKernelSpecManager(), log=_log
        )
        provisioner = SandboxProvisioner(
            kernel_spec=manager.kernel_spec,
            parent=manager,
            private_path=str(private),
            socket_name=f"s{generation}",
            policy=policy.to_dict(),
            insists=True,
        )
        manager.provisioner = provisioner
        connection = None
        limits = policy.limits
        try:
            await manager.start_kernel(**({} if cwd is None else {"cwd": str(cwd)}))
            supervisor = provisioner.supervisor
            assert supervisor is not None
            connection = _connect(manager, supervisor, limits)
            kernel = cls(manager, provisioner, connection, limits)
            await wait_until_ready(connection, limits)
        except BaseException as error:
            # Cancellation included: a process that was started must not be forgotten.
            await _end(manager, provisioner, connection)
            if isinstance(error, OSError | zmq.ZMQError):
                raise KernelStartError(
                    f"The kernel's process could not be started: {error}"
                ) from error
            raise
        return kernel

    @property
    def pid(self) -> int | None:
        """The process id of the kernel, as the host sees it."""
        supervisor = self._provisioner.supervisor
        pid = None if supervisor is None else supervisor.kernel_pid
        if pid is not None and self.backend == "bubblewrap":
            # bubblewrap, the first process of its namespace, the kernel.
            for _ in range(2):
                below = processes.children(pid) if pid is not None else None
                pid = below[0] if below else None
        return pid

    @property
    def isolation(self) -> str:
        """A sentence's part that says how the kernel is isolated."""
        backend = self._provisioner.backend
        return "" if backend is None else backend.described

    @property
    def backend(self) -> str:
        """The name of what isolates it: "bubblewrap", "landlock", "none"."""
        backend = self._provisioner.backend
        return "" if backend is None else backend.name

    def stop_soon(self) -> None:
        """Begin its end, without waiting for it."""
        if self._provisioner.supervisor is not None:
            self._provisioner.supervisor.stop()

    async def kill(self) -> None:
        """Kill it and everything below it; returns when all is gone."""
        connection = self.connection
        assert isinstance(connection, KernelConnection)
        await _end(self._manager, self._provisioner, connection)


async def wait_until_ready(connection: Conversation, limits: Limits) -> None:
    """Wait for a first reply, and for proof that outputs arrive too.

    Raises :class:`KernelStartError`.
    """
    deadline = time.monotonic() + limits.start_seconds
    while True:
        request = Request(
            "kernel_info_request",
            {},
            byte_limit=limits.output_bytes,
            idle_seconds=_FIRST_IDLE_SECONDS,
        )
        connection.submit(request)
        try:
            async with asyncio.timeout_at(
                asyncio.get_running_loop().time() + deadline - time.monotonic()
            ):
                while not isinstance(event := await request.next_event(), Finished):
                    pass
        except TimeoutError:
            raise KernelStartError(
                f"The kernel did not answer within {limits.start_seconds:g} seconds of "
                "its start; the machine may be overloaded."
            ) from None
        if event.exit is not None:
            raise start_error(event.exit)
        if event.lost_detail is None:
            return


async def _end(
    manager: _Manager, provisioner: SandboxProvisioner, connection: KernelConnection | None
) -> None:
    await provisioner.kill()
    if connection is not None:
        await asyncio.to_thread(connection.close)
    await provisioner.wait()
    await manager.cleanup_resources()


def _connect(manager: _Manager, supervisor: Supervisor, limits: Limits) -> KernelConnection:
    info = manager.get_connection_info()
    separator = ":" if info["transport"] == "tcp" else "-"
    base = f"{info['transport']}://{info['ip']}{separator}"
    urls = {"shell": f"{base}{info['shell_port']}", "iopub": f"{base}{info['iopub_port']}"}
    return KernelConnection(supervisor, urls=urls, key=manager.session.key, limits=limits)
