"""One running kernel of a gateway, from its start to its end."""

from __future__ import annotations

import asyncio
from typing import Self

from kernel_sandbox.gateway.connection import GatewayConnection
from kernel_sandbox.gateway.process import RemoteProcess
from kernel_sandbox.gateway.rest import Gateway, RestClient
from kernel_sandbox.kernel import Kernel, wait_until_ready
from kernel_sandbox.kernelspecs import CURRENT
from kernel_sandbox.limits import Limits
from kernel_sandbox.policy import Policy


class RemoteKernel(Kernel):
    """A kernel that answers, somewhere else."""

    backend = "gateway"
    pid = None

    def __init__(
        self, process: RemoteProcess, connection: GatewayConnection, limits: Limits
    ) -> None:
        super().__init__(connection, limits)
        self._process = process

    @classmethod
    async def start(cls, kernel_name: str, *, gateway: Gateway, policy: Policy) -> Self:
        """Start a kernel and wait until it answers.

        ``kernel_name`` is one of the gateway's; the running interpreter's name means its default.
        Raises :class:`~kernel_sandbox.errors.KernelStartError`.
        """
        limits = policy.limits
        # A cancelled start must still know what it started.
        starting = asyncio.ensure_future(
            asyncio.to_thread(_start, kernel_name, gateway, limits.start_seconds)
        )
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_let_go)
            raise
        connection = None
        try:
            connection = await asyncio.to_thread(GatewayConnection, process, limits=limits)
            kernel = cls(process, connection, limits)
            await wait_until_ready(connection, limits)
        except BaseException:
            await _end(process, connection)
            raise
        return kernel

    @property
    def isolation(self) -> str:
        """Whose matter the isolation is."""
        place = self._process.rest.gateway.place
        return f"run by the gateway at {place}; what isolates it is that gateway's matter"

    def stop_soon(self) -> None:
        """Begin its end, without waiting for it."""
        self._process.stop()

    async def kill(self) -> None:
        """End it; returns when the gateway was told."""
        await _end(self._process, self._connection)

    @property
    def _connection(self) -> GatewayConnection:
        assert isinstance(self.connection, GatewayConnection)
        return self.connection


def _start(kernel_name: str, gateway: Gateway, seconds: float) -> RemoteProcess:
    rest = RestClient(gateway)
    try:
        name = rest.default_kernel() if kernel_name == CURRENT else kernel_name
        return RemoteProcess(rest, rest.start(name, seconds=seconds))
    except BaseException:
        rest.close()
        raise


def _let_go(starting: asyncio.Future[RemoteProcess]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        process = starting.result()
        process.stop()
        process.close()


async def _end(process: RemoteProcess, connection: GatewayConnection | None) -> None:
    process.stop()
    if connection is not None:
        await asyncio.to_thread(connection.close)
    await asyncio.to_thread(process.wait)
