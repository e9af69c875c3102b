"""A small project, and what runs its tests in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyst.tools.files import Folder
from analyst.tools.project import RunTests
from analyst.tools.registry import ToolOutput, ToolResult
from kernel_sandbox import KernelSession

COMMAND = ("{python}", "-m", "pytest", "-q", "{selection}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "calc"
    (folder / "tests").mkdir(parents=True)
    (folder / "calc.py").write_text("def half(x):\n    return x / 2\n")
    (folder / "tests" / "test_calc.py").write_text(
        "from calc import half\n\n\ndef test_half():\n    assert half(4) == 2\n"
    )
    return folder


class Testing:
    """Runs the tool, and keeps what it showed."""

    __test__ = False

    def __init__(self, project: Path, **options: Any) -> None:
        self.tool = RunTests(
            Folder(project), KernelSession.start, **{"command": COMMAND, "seconds": 60, **options}
        )
        self.printed = ""

    async def run(self, *tests: str) -> ToolResult:
        result: ToolResult | None = None
        async for item in self.tool.run({"tests": [*tests]}):
            if isinstance(item, ToolOutput) and item.output:
                self.printed += str(item.output.get("text", ""))
            elif isinstance(item, ToolResult):
                result = item
        assert result is not None
        return result


@pytest.fixture
def testing(project: Path) -> Callable[..., Testing]:
    return lambda **options: Testing(project, **options)
