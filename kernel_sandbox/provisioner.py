"""How a kernel's process is started: a jupyter_client provisioner.

Here: private sockets, the scrubbed environment, resource limits, the supervisor. Not here: how
the process is confined (that is the launcher's), and talking to the kernel.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, Int, Unicode, default

from kernel_sandbox.directories import PrivateDirectory
from kernel_sandbox.environment import kernel_environment
from kernel_sandbox.limits import Limits
from kernel_sandbox.startup import install
from kernel_sandbox.supervisor import Supervisor

_SOCKET_PATH_MAX = 103
"""Bytes in the path of a Unix socket: 107 on Linux, 103 on macOS."""

_STOP_SECONDS = 12.0


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel under a supervisor, with the environment and the limits of a sandbox.

    Any Jupyter front end can use it by a kernelspec's ``metadata.kernel_provisioner``; then it
    makes and removes its private directory itself.
    """

    private_path = Unicode("", help="the session's private directory; empty: make one").tag(
        config=True
    )
    socket_name = Unicode("s", help="what the names of the sockets begin with")
    memory = Int(allow_none=True, help="bytes a process may allocate; None: no limit").tag(
        config=True
    )
    environment = Dict(help="variables for the kernel besides the allow-list").tag(config=True)

    @default("memory")
    def _default_memory(self) -> int | None:
        return Limits().memory

    supervisor: Supervisor | None = None
    _own_directory: PrivateDirectory | None = None

    @property
    def has_process(self) -> bool:
        """Whether a supervisor was started and not yet waited for."""
        return self.supervisor is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose sockets and environment, and write the connection file."""
        if not self.private_path:
            self._own_directory = PrivateDirectory()
            self.private_path = str(self._own_directory.path)
        private = Path(self.private_path)
        install(private / "ipython")
        manager = self.parent
        if manager is not None:
            manager.cache_ports = False
            manager.connection_file = str(private / f"{self.socket_name}.json")
            sockets = private / self.socket_name
            if _ipc_possible(sockets):
                manager.transport = "ipc"
                manager.ip = str(sockets)
        source = kwargs.pop("env", None) or os.environ
        kwargs["env"] = kernel_environment(source, private=private, extra=self.environment)
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel; raises :class:`OSError` when the supervisor cannot be started."""
        rlimits = {"CORE": 0}
        if self.memory is not None:
            rlimits["DATA"] = self.memory
        self.cwd = kwargs.get("cwd") or str(Path.cwd())
        self.supervisor = Supervisor(
            argv=cmd,
            environment=kwargs["env"],
            cwd=Path(self.cwd),
            rlimits=rlimits,
            remove=[Path(self.private_path)],
        )
        self.pid = self.supervisor.pid
        return self.connection_info

    async def poll(self) -> int | None:
        """Return ``None`` while the kernel runs, else its exit code."""
        return 0 if self.supervisor is None else self.supervisor.poll()

    async def wait(self) -> int | None:
        """Wait until the kernel and everything below it is gone."""
        if self.supervisor is None:
            return 0
        supervisor = self.supervisor
        await asyncio.to_thread(supervisor.wait)
        code = supervisor.poll()
        supervisor.close()
        self.supervisor = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Pass a signal to the kernel's process group."""
        if self.supervisor is not None:
            if signum == signal.SIGKILL:
                self.supervisor.stop()
            elif signum:
                self.supervisor.signal(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - inherited
        """Kill the kernel and everything below it; wait for that a dozen seconds at most."""
        supervisor = self.supervisor
        if supervisor is None:
            return
        supervisor.stop()
        if not await asyncio.to_thread(supervisor.wait, _STOP_SECONDS):
            # Something below it does not die yet. It stays at it, and is not waited for.
            threading.Thread(target=supervisor.close, daemon=True).start()
            self.supervisor = None

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - inherited
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Remove the private directory if it was made here."""
        if self._own_directory is not None and not restart:
            self._own_directory.remove()
            self._own_directory = None
            self.private_path = ""


def _ipc_possible(prefix: Path) -> bool:
    """Whether Unix sockets can be bound at ``prefix`` followed by a dash and a digit."""
    path = f"{prefix}-0"
    if not zmq.has("ipc") or len(os.fsencode(path)) > _SOCKET_PATH_MAX:
        return False
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(path)
        Path(path).unlink()
    except OSError:
        return False
    return True
