"""Start a kernel, attack the host from it with decoys, and say what came of it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from kernel_sandbox.confinement.backends import attempts
from kernel_sandbox.doctor import attacks
from kernel_sandbox.doctor.checks import ATTACKS, Attack, allowed, names_not_granted
from kernel_sandbox.doctor.decoys import Decoys
from kernel_sandbox.errors import KernelSandboxError
from kernel_sandbox.launcher.processes import available_memory
from kernel_sandbox.policy import Policy
from kernel_sandbox.session import KernelSession

_SOURCE = Path(attacks.__file__).read_text(encoding="utf-8")
_SECONDS = 15.0


Result = Literal["refused", "reached", "allowed", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One attack: what it tried and how that ended.

    ``detail``: the system's refusal, why the policy allows it, or why it could not be tried.
    """

    name: str
    tried: str
    result: Result
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether it got at the host, or might have: what was not tried counts as reached."""
        return self.result in {"reached", "unknown"}


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
        checks = [{**asdict(check), "reached": check.reached} for check in self.checks]
        return {**asdict(self), "checks": checks}


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
                await _attack_host(session, policy),
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


async def _attack_host(session: KernelSession, policy: Policy) -> tuple[Check, ...]:
    decoys = await asyncio.to_thread(Decoys.make)
    try:
        # A new kernel gets the environment and the open file with the secret, if it gets any.
        await session.restart()
        return tuple([await _check(attack, session, policy, decoys) for attack in ATTACKS])
    finally:
        await asyncio.to_thread(decoys.remove)


async def _check(attack: Attack, session: KernelSession, policy: Policy, decoys: Decoys) -> Check:
    if why := allowed(attack, policy, decoys):
        return Check(attack.name, attack.title, "allowed", why)
    code = (
        f"scope = {{'__name__': 'doctor'}}\nexec({_SOURCE!r}, scope)\n"
        f"said = scope['run']({attack.name!r}, {decoys.targets!r})"
    )
    try:
        said = await session.evaluate_json("said", code=code, deadline=_SECONDS)
    except KernelSandboxError as error:
        return Check(attack.name, attack.title, "unknown", str(error))
    if not isinstance(said, dict):
        return Check(attack.name, attack.title, "unknown", "the kernel did not answer")
    got = said.get("got")
    if attack.name == "list_home" and isinstance(got, list):
        got = names_not_granted([str(name) for name in got], policy, sys.executable)
    if await asyncio.to_thread(attack.reached, decoys, got):
        return Check(attack.name, attack.title, "reached")
    return Check(attack.name, attack.title, "refused", str(said.get("refused", "got its own only")))
