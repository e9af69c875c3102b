"""Servers for the tests of this folder, and what they are used with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from analyst.configuration import Configuration, McpServer
from analyst.settings import Settings
from analyst.tools.mcp.processes import MARK
from analyst.tools.mcp.source import McpTools
from analyst.tools.mcp.tool import McpTool
from analyst.tools.registry import ToolItem, ToolResult

HERE = Path(__file__).parent
OURS = f"{os.getpid()}"
"""What the servers of these tests have in their environment, and those of others have not."""


@dataclass(kw_only=True)
class Bench:
    """What a session gives; ``notes`` are the sentences for the user."""

    cwd: Path
    data_directory: Path
    configuration: Configuration = field(default_factory=Configuration)
    settings: Settings = field(default_factory=Settings)
    notes: list[str] = field(default_factory=list)

    def notify(self, text: str) -> None:
        self.notes.append(text)

    def configure(self, **servers: McpServer) -> None:
        self.configuration = Configuration(mcp_servers=servers)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(cwd=tmp_path, data_directory=tmp_path / "data")


@pytest.fixture
async def source() -> AsyncIterator[McpTools]:
    """The tools of a session; after the test no process of any server is left."""
    source = McpTools()
    yield source
    await source.aclose()
    assert left_over() == []


def left_over() -> list[psutil.Process]:
    """Return living processes of servers that this process started."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if MARK in environment and environment.get("TEST_OF") == OURS:
                found.append(process)
        except psutil.Error:
            continue
    return found


def program(*args: str, env: Mapping[str, str] | None = None, **more: Any) -> McpServer:
    """Return a server that is a Python program."""
    return McpServer(
        command=sys.executable, args=args, env={"TEST_OF": OURS, **(env or {})}, **more
    )


def official(**more: Any) -> McpServer:
    """Return the server by the protocol's own package, as a program."""
    return program(str(HERE / "served.py"), "stdio", **more)


def raw(mode: str, *args: str, **more: Any) -> McpServer:
    """Return the server that is written by hand."""
    return program(str(HERE / "raw.py"), mode, *args, **more)


@dataclass
class Web:
    """The server at an address, which can be ended and started again."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def start(self) -> None:
        """Start it, if it does not run."""
        if self.process is not None and self.process.poll() is None:
            return
        command = [sys.executable, str(HERE / "served.py"), "http", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server does not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    web = Web(port)
    web.start()
    yield web
    web.stop()


Call = Callable[..., Any]


async def called(tool: McpTool, arguments: Mapping[str, Any] | None = None) -> list[ToolItem]:
    """Prepare, judge and run a call; return all that comes of it, notices of its start included."""
    given = dict(arguments or {})
    prepared = await tool.prepare(given)
    tool.judge(prepared.arguments)
    return [*prepared.notices, *[item async for item in tool.run(prepared.arguments)]]


async def result(tool: McpTool, arguments: Mapping[str, Any] | None = None) -> ToolResult:
    """Return the result of a call."""
    last = (await called(tool, arguments))[-1]
    assert isinstance(last, ToolResult)
    return last
