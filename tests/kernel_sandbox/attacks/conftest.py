"""The attacked host, and a kernel for each way of isolation with the attacks in it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel_sandbox import KernelSession, Limits, Policy
from kernel_sandbox.confinement.backends import attempts

HERE = Path(__file__).parent


def load(name: str) -> Any:
    """Import a neighbour of this file."""
    spec = importlib.util.spec_from_file_location(f"attacks_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Attacker:
    """A kernel that attacks ``host``."""

    def __init__(self, host: Any, isolation: str) -> None:
        self.host = host
        self.isolation = isolation
        self.session = self._start()

    def _start(self) -> KernelSession:
        os.environ["THE_OWNERS_KEY"] = self.host.secret
        startup = self.host.root / "startup.py"
        startup.write_text("import os; os.environ['STARTED_UP'] = '1'")
        os.environ["PYTHONSTARTUP"] = str(startup)
        policy = Policy(isolation=self.isolation, limits=Limits(grace_seconds=1.0))
        try:
            session = asyncio.run(KernelSession.start(policy=policy))
        finally:
            del os.environ["THE_OWNERS_KEY"], os.environ["PYTHONSTARTUP"]
        asyncio.run(self._arm(session))
        return session

    async def _arm(self, session: KernelSession) -> None:
        source = (HERE / "inside.py").read_text()
        code = (
            "import sys, types\n"
            "module = sys.modules['attacks'] = types.ModuleType('attacks')\n"
            f"exec(compile({source!r}, 'attacks', 'exec'), module.__dict__)\n"
            f"module.D.update({self.host.decoys(session)!r})\n"
        )
        await session.evaluate(code, {})

    def attack(self, name: str) -> tuple[str | None, str]:
        """Play one attack; return the evidence that it reached the host, and what refused it."""
        if not self.session.is_alive():
            self.session = self._start()
        before = self.host.state()
        self.host.connections.clear()

        async def play() -> list[Any]:
            expression = f"__import__('sys').modules['attacks'].run({name!r})"
            return list(await self.session.evaluate_json(expression, deadline=20))

        evidence, refusal = asyncio.run(play())
        changed = self.host.changes(before)
        self.host.restore()
        if changed:
            evidence = f"{evidence or ''} changed: {', '.join(changed)}".strip()
        return evidence, refusal

    def close(self) -> None:
        """End the kernel."""
        asyncio.run(self.session.shutdown())


@pytest.fixture(scope="package")
def host() -> Iterator[Any]:
    host = load("host").Host()
    yield host
    host.close()


@pytest.fixture(scope="package")
def attacker(host: Any) -> Iterator[Callable[[str], Attacker]]:
    made: dict[str, Attacker] = {}

    def give(isolation: str) -> Attacker:
        if isolation not in made:
            if isolation != "none":
                (attempt,) = attempts(isolation)
                if attempt.backend is None:
                    pytest.skip(f"{attempt.name}: {attempt.why_not}")
            made[isolation] = Attacker(host, isolation)
        return made[isolation]

    yield give
    for one in made.values():
        one.close()
