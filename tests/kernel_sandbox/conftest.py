"""One kernel that the tests share, and the short forms in which they talk to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel_sandbox import (
    ErrorOutput,
    ExecuteResult,
    ExecutionResult,
    KernelSession,
    Limits,
    Output,
    Policy,
    Stream,
)

LIMITS = Limits(grace_seconds=1.5, output_bytes=2_000_000, memory=1_500_000_000)
POLICY = Policy(limits=LIMITS)


@dataclass(frozen=True)
class Ran:
    """What a cell gave back."""

    outputs: tuple[Output, ...]
    result: ExecutionResult

    @property
    def stdout(self) -> str:
        return "".join(o.text for o in self.outputs if isinstance(o, Stream) and o.name == "stdout")

    @property
    def value(self) -> Any:
        (text,) = [o.data["text/plain"] for o in self.outputs if isinstance(o, ExecuteResult)]
        return text

    @property
    def error(self) -> ErrorOutput:
        (error,) = [o for o in self.outputs if isinstance(o, ErrorOutput)]
        return error


async def run_cell(session: KernelSession, code: str, *, deadline: float | None = 30.0) -> Ran:
    outputs: list[Output] = []
    async for event in session.execute(code, deadline=deadline):
        if isinstance(event, ExecutionResult):
            return Ran(tuple(outputs), event)
        outputs.append(event)
    raise AssertionError("a cell ended without a result")


@pytest.fixture(scope="session")
def run():
    return run_cell


@pytest.fixture(scope="session")
def policy() -> Policy:
    return POLICY


@pytest.fixture(scope="session")
def session() -> Iterator[KernelSession]:
    """A session for all tests, each of which uses it from an event loop of its own."""
    environment = {"PLOTLY_RENDERER": "plotly_mimetype"}
    session = asyncio.run(KernelSession.start(policy=POLICY.replace(environment=environment)))
    yield session
    asyncio.run(session.shutdown())
