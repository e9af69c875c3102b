"""A kernel's confinement as a command line: what a policy means on this machine.

Here: putting policy, private directory and backend together. Not here: which backend there is
(:mod:`kernel_sandbox.confinement.backends`), starting anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel_sandbox.confinement import bubblewrap, filesystem, landlock, seccomp
from kernel_sandbox.confinement.landlock import Grant
from kernel_sandbox.directories import Layout
from kernel_sandbox.environment import PROXY_PORT
from kernel_sandbox.errors import KernelStartError
from kernel_sandbox.limits import GIB, Limits, spared_memory
from kernel_sandbox.policy import Policy

PROGRAMS = Path(__file__).resolve().parent.parent / "launcher"

_ADDRESS_SPACE_MORE = 16 * GIB
"""Libraries map and reserve far more than they write."""

_THREADS_PER_PROCESS = 8
_CPU_GRACE_SECONDS = 10
_NPROC_PER_NAMESPACE = (5, 14)
"""Since this Linux, processes are counted in each user namespace by itself."""

_VISIBLE_PROC = tuple(
    Path("/proc") / name
    for name in (
        "self",
        "cpuinfo",
        "filesystems",
        "loadavg",
        "meminfo",
        "stat",
        "uptime",
        "version",
        "sys/kernel/osrelease",
        "sys/kernel/pid_max",
        "sys/vm/overcommit_memory",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A way to confine a kernel that was tried and works here.

    ``program``: bubblewrap's. ``landlock``: the version of Landlock in use, 0 for none.
    ``described``: a sentence for people.
    """

    name: str
    described: str
    program: Path | None = None
    landlock: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the supervisor is told: the ``command``, what to ``watch``, the ``proxy`` to run."""

    command: list[str]
    watch: dict[str, Any]
    proxy: list[str]


def plan(
    backend: Backend,
    policy: Policy,
    layout: Layout,
    *,
    argv: Sequence[str],
    cwd: Path,
    also_read: Sequence[Path] = (),
    python_path: Sequence[str] = (),
) -> Plan:
    """Return how to run ``argv``, a kernel's command line, under ``policy``.

    ``also_read``: more that the kernel's program needs. Raises
    :class:`~kernel_sandbox.errors.KernelStartError` when ``cwd`` would not be visible, or the
    policy wants what the backend cannot do.
    """
    wanted = [
        layout.connections,
        layout.inbox,
        PROGRAMS,
        *filesystem.interpreter_paths(argv[0], source=python_path),
        *filesystem.interpreter_paths(sys.executable),
        *policy.read_only,
        *also_read,
    ]
    read_only = [path for path in wanted if path.exists()]
    writable = [*layout.writable, *(path for path in policy.writable if path.exists())]
    if policy.network:
        read_only.append(layout.network)
    _check(backend, policy, cwd, [*read_only, *writable])
    inner: dict[str, Any] = {
        "argv": [*argv],
        "cwd": str(cwd),
        "rlimits": _rlimits(policy.limits, backend),
        "confined": backend.name != "none",
        "landlock": None,
        "seccomp": "",
        "relay": None,
    }
    command: list[str] = []
    if backend.name == "bubblewrap":
        assert backend.program is not None
        view = bubblewrap.View(
            read_only=read_only,
            writable=[*writable, layout.sockets],
            temporary_bytes=policy.limits.temporary_bytes,
            own_settings=layout.settings,
        )
        command = bubblewrap.command(backend.program, view)
        grants = [
            Grant(Path("/"), "read"),
            Grant(Path("/dev"), "device"),
            Grant(Path("/dev/shm"), "write"),  # noqa: S108 - the sandbox's own
        ]
        own = Path("/tmp")  # noqa: S108 - the sandbox's own
        if not layout.root.is_relative_to(own):
            # Rights hold for all below, and the sockets must not be replaced.
            grants.append(Grant(own, "write"))
        inner["seccomp"] = seccomp.namespaced_filter().hex()
        if policy.network:
            inner["relay"] = {
                "program": _program("relay.py"),
                "port": PROXY_PORT,
                "socket": str(layout.proxy_socket),
            }
    elif backend.name == "landlock":
        visible = (
            *filesystem.SYSTEM,
            *filesystem.SETTINGS,
            filesystem.PROCESSORS,
            *_VISIBLE_PROC,
            # Some libraries read their memory limit there, and abort where they may not look.
            Path("/sys/fs/cgroup"),
            *read_only,
        )
        grants = [Grant(path, "read") for path in visible]
        grants += [Grant(path, "device") for path in filesystem.DEVICES]
        inner["seccomp"] = seccomp.shared_filter().hex()
    if backend.name != "none":
        grants += [Grant(path, "write") for path in writable]
        grants.append(Grant(layout.sockets, "sockets"))
        inner["landlock"] = landlock.ruleset(
            grants, version=backend.landlock, deny_tcp=backend.name == "landlock"
        )
    command += [*_program("confine.py"), json.dumps(inner)]
    hosts = [*_program("proxy.py"), str(layout.proxy_socket), json.dumps(policy.network)]
    return Plan(
        command=command,
        watch=_watch(policy.limits, layout),
        proxy=hosts if policy.network else [],
    )


def _program(name: str) -> list[str]:
    return [os.path.abspath(sys.executable), "-I", "-S", str(PROGRAMS / name)]  # noqa: PTH100


def _check(backend: Backend, policy: Policy, cwd: Path, visible: Sequence[Path]) -> None:
    if backend.name == "none":
        return
    if not any(cwd.is_relative_to(path) for path in visible):
        raise KernelStartError(
            f"The kernel cannot start in {cwd}: its policy does not let it see that folder. "
            "Add it to the policy's read_only or writable, or start it in its own workspace."
        )
    if policy.network and backend.name != "bubblewrap":
        raise KernelStartError(
            "The policy lets some hosts through, which needs bubblewrap, but this machine has "
            f"only: {backend.described}. Install bubblewrap, or take the network off the policy."
        )


def _rlimits(limits: Limits, backend: Backend) -> dict[str, list[int]]:
    wanted: dict[str, int | None] = {
        "CORE": 0,
        "DATA": limits.memory,
        "AS": None if limits.memory is None else limits.memory + _ADDRESS_SPACE_MORE,
        "NOFILE": limits.open_files,
        "FSIZE": limits.file_bytes,
    }
    if backend.name == "bubblewrap" and limits.processes and _counts_in_namespaces():
        # Threads are counted too.
        wanted["NPROC"] = limits.processes * _THREADS_PER_PROCESS
    found = {name: [value, value] for name, value in wanted.items() if value is not None}
    if limits.cpu_seconds is not None:
        found["CPU"] = [limits.cpu_seconds, limits.cpu_seconds + _CPU_GRACE_SECONDS]
    return found


def _counts_in_namespaces() -> bool:
    try:
        release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    except ValueError:
        return False
    return release >= _NPROC_PER_NAMESPACE


def _watch(limits: Limits, layout: Layout) -> dict[str, Any]:
    watch = {
        "memory": limits.tree_memory,
        "processes": limits.processes,
        "disk": limits.disk_bytes,
        "folders": [str(path) for path in layout.writable],
        "spared": spared_memory(),
    }
    return {key: value for key, value in watch.items() if value is not None}
