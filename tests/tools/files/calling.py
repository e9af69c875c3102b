"""Calling tools as the agent does, without one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyst.tools.files import file_tools
from analyst.tools.registry import Prepared, Tool, ToolOutput, ToolRegistry, ToolResult
from analyst.tools.risk import Risk


@dataclass
class Called:
    prepared: Prepared
    risk: Risk
    result: ToolResult
    outputs: list[ToolOutput]


class Caller:
    def __init__(self, tools: Iterable[Tool]) -> None:
        self.registry = ToolRegistry(tools)

    async def prepare(self, name: str, **arguments: Any) -> Prepared:
        self.registry.validate(name, arguments)
        return await self.registry.get(name).prepare(arguments)

    async def run(self, name: str, prepared: Prepared) -> Called:
        tool = self.registry.get(name)
        *outputs, result = [item async for item in tool.run(prepared.arguments)]
        assert isinstance(result, ToolResult)
        shown = [one for one in outputs if isinstance(one, ToolOutput)]
        return Called(prepared, tool.judge(prepared.arguments), result, shown)

    async def __call__(self, name: str, **arguments: Any) -> Called:
        return await self.run(name, await self.prepare(name, **arguments))

    async def listed(self, path: str | None = None, glob: str | None = None) -> str:
        return (await self("list_files", path=path, glob=glob)).result.observation

    async def read(self, path: str, first: int | None = None, last: int | None = None) -> Called:
        return await self("read_file", path=path, first_line=first, last_line=last)

    async def found(self, pattern: str, **more: Any) -> str:
        given = {"path": None, "glob": None, "kind": None, "ignore_case": None, **more}
        return (await self("search_files", pattern=pattern, **given)).result.observation

    async def write(self, path: str, content: str) -> Called:
        return await self("write_file", path=path, content=content)

    async def edit(self, path: str, old: str, new: str) -> Called:
        return await self("edit_file", path=path, old=old, new=new)


def caller(root: Path) -> Caller:
    return Caller(file_tools(root))


def names(folder: Path) -> list[str]:
    """Return all that is below a folder, by its last name."""
    return sorted(path.name for path in folder.rglob("*"))


def git(folder: Path, *arguments: str) -> str:
    """Run git as the user would, and return what it prints."""
    ended = subprocess.run(
        ["git", "-C", folder, *arguments], check=True, capture_output=True, text=True
    )
    return ended.stdout
