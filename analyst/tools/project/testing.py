"""The tool run_tests: a copy of the project is tested in a sandbox of its own.

The copy is made for each run and goes with its sandbox, so tests can write, delete and crash as
they like; they see neither the project nor the kernel in which the analysis has its variables.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from analyst.record.events import CallStatus
from analyst.tools.files.folder import Folder
from analyst.tools.files.paths import shown, visible
from analyst.tools.project.packing import Packed, pack
from analyst.tools.project.report import described, has_run
from analyst.tools.registry import ToolDefaults, ToolError, ToolItem, ToolOutput, ToolResult
from analyst.tools.risk import Risk
from kernel_sandbox import (
    ExecutionResult,
    HandOff,
    KernelSandboxError,
    KernelSession,
    to_nbformat,
)

StartSandbox = Callable[[], Awaitable[KernelSession]]

PLACES = ("{python}", "{selection}")
"""What stands in a test command for the interpreter, and for the tests that are asked for."""

_MOST_TESTS = 50
_LONGEST_TEST = 500
_GRACE_SECONDS = 15.0
_NO_PYTEST = "No module named pytest"
_STATUS: Mapping[str, CallStatus] = {
    "timeout": "timeout",
    "interrupted": "interrupted",
    "died": "error",
}


class RunTests(ToolDefaults):
    """Runs a project's tests; see the module.

    ``command``: its words, with :data:`PLACES` in them. ``start`` starts a sandbox. ``isolated``:
    whether that holds what runs in it; ``hosts``: what it may reach. ``seconds``: of one run.
    """

    name = "run_tests"
    description = (
        "Run the tests of the workspace, on a copy of it in a sandbox; see how many pass, and "
        "where and how the others fail."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "tests": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Which to run: files, folders, or file::test. Empty for all.",
            }
        },
        "required": ["tests"],
        "additionalProperties": False,
    }

    def __init__(
        self,
        folder: Folder,
        start: StartSandbox,
        *,
        command: Sequence[str],
        seconds: float,
        isolated: bool = True,
        hosts: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._start = start
        self._command = list(command)
        self._seconds = seconds
        self._isolated = isolated
        self._hosts = hosts

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`analyst.tools.registry.Tool`."""
        del arguments
        if not self._isolated:
            return Risk("risky", "It runs the project's code, which can do all that you can.")
        if self._hosts:
            words = f"It runs the project's code, which reaches {', '.join(self._hosts)}."
            return Risk("risky", words)
        return Risk("safe", "It runs a copy of the project in a sandbox of its own.")

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """See :class:`analyst.tools.registry.Tool`."""
        tests = [str(test) for test in arguments["tests"]]
        with tempfile.TemporaryDirectory(prefix="analyst-") as place:
            archive = Path(place) / "project.tar"
            try:
                _check(tests)
                packed = await asyncio.to_thread(pack, self._folder, archive)
                session = await self._start()
            except (ToolError, KernelSandboxError) as error:
                yield ToolResult(status="error", observation=str(error))
                return
            async with session:
                try:
                    async for item in self._watch(session, archive, tests, packed):
                        yield item
                except KernelSandboxError as error:
                    yield ToolResult(status="error", observation=f"The tests did not run: {error}")

    async def _watch(
        self, session: KernelSession, archive: Path, tests: list[str], packed: Packed
    ) -> AsyncIterator[ToolItem]:
        call = {
            "archive": await HandOff(session).send_file(archive),
            "name": self._folder.root.name or "project",
            "command": self._command,
            "tests": tests,
            "plugin": _source("plugin"),
            "seconds": self._seconds,
        }
        code = (
            f"import json\nexec(compile({_source('runner')!r}, '<runner of tests>', 'exec'))\n"
            f"outcome = run(**json.loads({json.dumps(call)!r}))"
        )
        ended: ExecutionResult | None = None
        async for item in session.execute(code, deadline=self._seconds + _GRACE_SECONDS):
            if isinstance(item, ExecutionResult):
                ended = item
            elif (output := to_nbformat(item)) is not None:
                yield ToolOutput(output=output)
        assert ended is not None, "a kernel session ends every cell with a result"
        if ended.status != "ok":
            text = f"The tests did not run to their end. {ended.detail or ''}".strip()
            yield ToolResult(status=_STATUS.get(ended.status, "error"), observation=text)
            return
        outcome = await session.evaluate_json("outcome")
        yield self._result(outcome if isinstance(outcome, Mapping) else {}, packed)

    def _result(self, outcome: Mapping[str, Any], packed: Packed) -> ToolResult:
        text = described(outcome)
        if _NO_PYTEST in text:
            text = (
                "pytest is not installed where the kernel's Python is; the user can install it, "
                "or set test_command."
            )
        if packed.left_out:
            names = ", ".join(map(shown, packed.left_out[:3]))
            text += f"\n{len(packed.left_out)} files were not copied (too large): {names}."
        if has_run(outcome):
            return ToolResult(status="ok", observation=text)
        status: CallStatus = "timeout" if outcome.get("timed_out") else "error"
        return ToolResult(status=status, observation=text)


def _check(tests: Sequence[str]) -> None:
    if len(tests) > _MOST_TESTS:
        raise ToolError(f"At most {_MOST_TESTS} tests can be named; name their files or folders.")
    for test in tests:
        plain = visible(test) == test and "\n" not in test
        if not plain or len(test) > _LONGEST_TEST or test.startswith("-"):
            raise ToolError(f"{shown(test)} names no test: give a file, a folder, or file::test.")


def _source(module: str) -> str:
    directory = resources.files("analyst.tools.project.sandbox_side")
    return directory.joinpath(f"{module}.py").read_text("utf-8")
