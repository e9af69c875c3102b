"""Start a kernel, attack the host from it with decoys, and say what came of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kernel_sandbox.confinement.backends import attempts
from kernel_sandbox.confinement.syscalls import numbers
from kernel_sandbox.doctor import checks
from kernel_sandbox.errors import KernelSandboxError
from kernel_sandbox.launcher.processes import available_memory
from kernel_sandbox.policy import Policy
from kernel_sandbox.session import KernelSession

_SOURCE = Path(checks.__file__).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Check:
    """One attack: what it tried, and whether it reached the host."""

    name: str
    tried: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What isolates kernels here.

    ``backend``: its name, "" if there is none or the kernel failed; ``isolation``: in words;
    ``tried``: each way and why it does not work, if it does not; ``policy``: the limits in words;
    ``problem``: why there is no kernel, if there is none.
    """

    backend: str
    isolation: str
    tried: tuple[tuple[str, str], ...]
    policy: dict[str, str]
    checks: tuple[Check, ...] = ()
    problem: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def reached(self) -> tuple[Check, ...]:
        """The attacks that reached the host."""
        return tuple(check for check in self.checks if check.reached)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


async def diagnose(policy: Policy | None = None) -> Diagnosis:
    """Find out what isolates a kernel under ``policy`` and attack the host from one."""
    policy = policy or Policy()
    tried: tuple[tuple[str, str], ...] = ()
    if policy.isolation != "none":
        tried = tuple((one.name, one.why_not) for one in attempts(policy.isolation))
    described, notes = policy.describe(), tuple(_notes())
    try:
        async with await KernelSession.start(policy=policy) as session:
            return Diagnosis(
                session.backend,
                session.isolation,
                tried,
                described,
                await _attack(session, policy),
                notes=notes,
            )
    except KernelSandboxError as error:
        return Diagnosis("", "", tried, described, problem=str(error), notes=notes)


def _notes() -> list[str]:
    notes = []
    if os.geteuid() == 0:
        notes.append(
            "This is root: the limit on processes is kept by the supervisor alone, a quarter of a "
            "second late. An ordinary user is better."
        )
    memory = available_memory()
    if memory is not None and memory < 2 << 30:
        notes.append("Less than 2 GiB of memory is free, so no spare kernel is kept.")
    return notes


class _Decoys:
    """Things of a user's that attacks aim at; gone with ``stack``."""

    def __init__(self, stack: contextlib.ExitStack, policy: Policy) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="decoy-")))
        secret = secrets.token_hex(16)
        (self._folder / "secret").write_text(secret)
        os.environ["KERNEL_SANDBOX_DECOY"] = secret
        stack.callback(os.environ.pop, "KERNEL_SANDBOX_DECOY")
        self._tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        self._unix.bind(str(self._folder / "socket"))
        self._unix.listen()
        home = Path("~").expanduser()
        granted = {*policy.read_only, *policy.writable, Path(sys.prefix), Path(sys.base_prefix)}
        self.told = {
            "secret": secret,
            "secret_file": str(self._folder / "secret"),
            "target_file": str(self._folder / "target"),
            "home": str(home),
            "granted": [
                path.relative_to(home).parts[0]
                for path in granted
                if path.is_relative_to(home) and path != home
            ],
            "owner": os.getpid(),
            "tcp": self._tcp.getsockname()[1],
            "unix": str(self._folder / "socket"),
            "prefix": sys.prefix,
            "calls": numbers(),
        }

    def reached(self) -> dict[str, bool]:
        """Return what only the host can see."""
        return {
            "writes_a_file": (self._folder / "target").exists(),
            "connects_by_tcp": _was_reached(self._tcp),
            "connects_by_a_file": _was_reached(self._unix),
        }


async def _attack(session: KernelSession, policy: Policy) -> tuple[Check, ...]:
    with contextlib.ExitStack() as stack:
        decoys = _Decoys(stack, policy)
        # A new kernel gets the environment with the decoy, if it gets any.
        await session.restart()
        code = (
            "import types\nmodule = types.ModuleType('checks')\n"
            f"exec({_SOURCE!r}, module.__dict__)\nfound = module.play({decoys.told!r})"
        )
        found = await session.evaluate_json("found", code=code)
        for name, reached in decoys.reached().items():
            found[name] |= reached
    return tuple(
        Check(name, (function.__doc__ or name).strip("."), bool(found.get(name)))
        for name, function in checks.CHECKS.items()
    )


def _was_reached(server: socket.socket) -> bool:
    server.settimeout(0.05)
    try:
        server.accept()[0].close()
    except OSError:
        return False
    return True
