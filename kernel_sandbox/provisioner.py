"""How a kernel's process is started: a jupyter_client provisioner.

Here: private sockets, the scrubbed environment, the policy, the supervisor. Not here: what
confines the process (:mod:`kernel_sandbox.confinement`), and talking to the kernel.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Dict, Unicode

from kernel_sandbox.confinement.backends import choose
from kernel_sandbox.confinement.plan import Backend, plan
from kernel_sandbox.directories import Layout, PrivateDirectory
from kernel_sandbox.environment import kernel_environment, python_path
from kernel_sandbox.errors import KernelSandboxError, KernelStartError
from kernel_sandbox.failures import for_front_end, start_error
from kernel_sandbox.policy import Policy
from kernel_sandbox.startup import install
from kernel_sandbox.supervisor import KernelExit, Supervisor

_SOCKET_PATH_MAX = 103
"""Bytes in the path of a Unix socket: 107 on Linux, 103 on macOS."""

_STOP_SECONDS = 12.0
_READY_SECONDS = 30.0

_LISTEN_SECONDS = 10.0
"""A kernel that has made no sockets by then is slow rather than broken: its user waits on."""

_LOOK_SECONDS = 0.01


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel isolated, under a supervisor.

    Any Jupyter front end can use it by a kernelspec's ``metadata.kernel_provisioner``; then it
    makes and removes its private directory itself, and the kernel works in a folder of that
    unless the policy lets it see the one the front end names.
    """

    preset = Unicode("default", help="the policy's name, see kernel_sandbox.Policy.preset").tag(
        config=True
    )
    policy = Dict(help="what differs from the preset, as kernel_sandbox.Policy.to_dict").tag(
        config=True
    )
    private_path = Unicode("", help="the session's private directory; empty: make one")
    insists = Bool(
        default_value=False, help="whether to fail where the asked working directory is not seen"
    )
    socket_name = Unicode("s", help="what the names of the sockets begin with")

    supervisor: Supervisor | None = None
    backend: Backend | None = None
    _own_directory: PrivateDirectory | None = None
    _told = False
    _source: Mapping[str, str] = {}

    @property
    def has_process(self) -> bool:
        """Whether a supervisor was started and not yet waited for."""
        return self.supervisor is not None

    @property
    def layout(self) -> Layout:
        """The private directory of the kernel."""
        return Layout(Path(self.private_path))

    def effective_policy(self) -> Policy:
        """Return the preset with what differs; raises :class:`PolicyError`."""
        given = Policy.preset(self.preset).to_dict()
        changes = dict(self.policy)
        limits = {**given["limits"], **changes.pop("limits", {})}
        return Policy.from_dict({**given, **changes, "limits": limits})

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose sockets and environment, and write the connection file.

        Raises :class:`KernelStartError` when the policy cannot be had here, or makes no sense.
        """
        try:
            return await self._prepare(**kwargs)
        except KernelSandboxError as error:
            await self._give_up()
            raise _told(error) from None
        except BaseException:
            await self._give_up()
            raise

    async def _prepare(self, **kwargs: Any) -> dict[str, Any]:
        policy = self.effective_policy()
        self.backend = await asyncio.to_thread(choose, policy.isolation)
        if not self.private_path:
            self._own_directory = PrivateDirectory()
            self.private_path = str(self._own_directory.path)
        layout = self.layout
        install(layout.ipython)
        manager = self.parent
        if manager is not None:
            manager.cache_ports = False
            manager.connection_file = str(layout.connections / f"{self.socket_name}.json")
            sockets = layout.sockets / self.socket_name
            if _ipc_possible(sockets):
                manager.transport = "ipc"
                manager.ip = str(sockets)
            elif self.backend.name != "none":
                raise KernelStartError(
                    f"The path of the kernel's sockets is too long: {sockets}. Set TMPDIR to a "
                    "short one, as /tmp."
                )
        self._source = kwargs.pop("env", None) or os.environ
        kwargs["env"] = kernel_environment(
            self._source,
            layout=layout,
            extra=policy.environment,
            proxied=bool(policy.network),
        )
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel and return when it has made its sockets, or seems to need long.

        Raises :class:`KernelStartError` in words when it ended before, and :class:`OSError` when
        the supervisor cannot be started; then nothing of it is left.
        """
        try:
            await self._launch(cmd, **kwargs)
        except KernelSandboxError as error:
            await self._give_up()
            raise _told(error) from None
        except BaseException:
            await self._give_up()
            raise
        return self.connection_info

    async def _launch(self, cmd: list[str], **kwargs: Any) -> None:
        assert self.backend is not None
        policy = self.effective_policy()
        resources = [Path(self.kernel_spec.resource_dir)] if self.kernel_spec.resource_dir else []
        self.cwd = str(self._working_directory(policy, kwargs.get("cwd")))
        planned = plan(
            self.backend,
            policy,
            self.layout,
            argv=cmd,
            cwd=Path(self.cwd),
            also_read=resources,
            python_path=python_path(self._source),
        )
        if (left_over := self._first_socket()) is not None:
            left_over.unlink(missing_ok=True)
        self.supervisor = Supervisor(
            planned, environment=kwargs["env"], remove=[Path(self.private_path)]
        )
        self._told = False
        self.pid = self.supervisor.pid
        # Else a front end that waits for a reply would only say that the kernel died.
        await self._await_start(self.supervisor, program=cmd[0])

    async def _await_start(self, supervisor: Supervisor, *, program: str) -> None:
        """Return when the kernel listens; raise if it ends before."""
        ready = await asyncio.to_thread(supervisor.wait_ready, _READY_SECONDS)
        listens = self._first_socket()
        until = time.monotonic() + _LISTEN_SECONDS
        while ready and listens is not None and supervisor.exit is None:
            if _is_there(listens) or time.monotonic() > until:
                return
            await asyncio.sleep(_LOOK_SECONDS)
        if supervisor.exit is not None:
            self._tell(supervisor.exit)
            raise start_error(supervisor.exit, program=program)
        if not ready:
            raise KernelStartError(f"The kernel was not run within {_READY_SECONDS:g} seconds.")

    def _first_socket(self) -> Path | None:
        """Return the file that appears when the kernel listens, if it listens at files."""
        info = self.connection_info
        if info.get("transport") != "ipc":
            return None
        return Path(f"{info['ip']}-{info['shell_port']}")

    async def _give_up(self) -> None:
        """Leave nothing of a start that failed, for nobody will ask to."""
        await self.kill()
        await self.wait()
        await self.cleanup()

    def _working_directory(self, policy: Policy, asked: str | None) -> Path:
        """Return the asked one if the kernel can see it, else its workspace."""
        assert self.backend is not None
        if asked is None:
            return self.layout.workspace
        path = Path(asked).absolute()
        if self.insists:
            return path
        granted = (*policy.read_only, *policy.writable, self.layout.root)
        if self.backend.name == "none" or any(path.is_relative_to(root) for root in granted):
            return path
        self.log.info(
            "The kernel works in a private folder: its policy does not let it see %s.", path
        )
        return self.layout.workspace

    async def poll(self) -> int | None:
        """Return ``None`` while the kernel runs, else its exit code."""
        if self.supervisor is None:
            return 0
        code = self.supervisor.poll()
        if code is not None:
            self._tell(self.supervisor.exit)
        return code

    def _tell(self, ended: KernelExit | None) -> None:
        """Say in the log, once, why the kernel ended if nobody asked it to."""
        if not self._told and ended is not None and (ended.exit_code or ended.passed):
            self._told = True
            text = ended.stderr.strip()
            self.log.error("The kernel ended: %s.%s", ended, f"\n{text}" if text else "")

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
        self._told = True
        supervisor.stop()
        if not await asyncio.to_thread(supervisor.wait, _STOP_SECONDS):
            # Something below it does not die yet. It stays at it, and is not waited for.
            threading.Thread(target=supervisor.close, daemon=True).start()
            self.supervisor = None

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - inherited
        """Ask the kernel to end."""
        self._told = True
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Remove the private directory if it was made here."""
        if self._own_directory is None:
            return
        if restart:
            self.layout.refresh(workspace_too=False)
        else:
            self._own_directory.remove()
            self._own_directory = None
            self.private_path = ""


def _told(error: KernelSandboxError) -> KernelStartError:
    if isinstance(error, KernelStartError):
        return for_front_end(error)
    # A kernelspec or a setting holds a policy that makes no sense.
    return for_front_end(KernelStartError(str(error)))


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


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
