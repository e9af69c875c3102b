"""The servers of a session, and all their tools.

Here: :class:`McpTools`, which a session opens and closes. Not here: one server
(:mod:`analyst.tools.mcp.server`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from analyst.configuration import Configuration, McpServer
from analyst.settings import Settings
from analyst.tools.mcp.connection import MOST_TOOLS, ServerError
from analyst.tools.mcp.names import names
from analyst.tools.mcp.schemas import AbsurdSchemaError
from analyst.tools.mcp.seen import SeenTools, identity
from analyst.tools.mcp.server import Server
from analyst.tools.mcp.tool import McpTool
from analyst.tools.mcp.words import one_line

PATIENCE_SECONDS = 5.0
"""A server that fails after more seconds than these is not waited for again in later runs."""


class Bench(Protocol):
    """What is needed to offer tools for a run; a session's bench is one."""

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        ...

    @property
    def configuration(self) -> Configuration:
        """What servers there are."""
        ...

    @property
    def cwd(self) -> Path:
        """Where programs run."""
        ...

    @property
    def data_directory(self) -> Path:
        """Where what was seen of servers is kept."""
        ...

    @property
    def notify(self) -> Callable[[str], None]:
        """Takes sentences for the user."""
        ...


class McpTools:
    """The tools of all configured servers, which are started when they are first asked for."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._told: set[str] = set()
        self._given_up: dict[str, McpServer] = {}
        self._changed: dict[tuple[str, str], set[str]] = {}

    async def tools(self, bench: Bench) -> Sequence[McpTool]:
        """Return the tools for a run. A server that cannot be used costs a note and its tools."""
        configured = bench.configuration.mcp_servers
        await self._let_go(configured)
        started = await asyncio.gather(
            *(self._started(name, one, bench) for name, one in configured.items())
        )
        return self._offered([server for server in started if server is not None], bench)

    async def aclose(self) -> None:
        """End all servers. Can be called again."""
        servers, self._servers = self._servers, {}
        await asyncio.gather(
            *(server.aclose() for server in servers.values()), return_exceptions=True
        )

    async def _let_go(self, configured: dict[str, McpServer]) -> None:
        """End servers that are configured otherwise now, or no more."""
        for name, server in list(self._servers.items()):
            if configured.get(name) != server.configured:
                del self._servers[name]
                await server.aclose()

    async def _started(self, name: str, configured: McpServer, bench: Bench) -> Server | None:
        if self._given_up.get(name) == configured:
            return None
        server = self._servers.get(name)
        if server is None:
            # What changed stays known, also where a server is started anew.
            changed = self._changed.setdefault((name, identity(configured)), set())
            seen = SeenTools(bench.data_directory)
            server = Server(name, configured, cwd=bench.cwd, seen=seen, changed=changed)
            self._servers[name] = server
        began = time.monotonic()
        try:
            for note in await server.refreshed():
                bench.notify(note)
        except Exception as error:  # noqa: BLE001 - one server must not cost the others' tools
            if time.monotonic() - began > PATIENCE_SECONDS:
                self._given_up[name] = configured
            del self._servers[name]
            with contextlib.suppress(Exception):
                await server.aclose()
            why = (
                str(error) if isinstance(error, ServerError) else f"{type(error).__name__}: {error}"
            )
            self._tell(bench, f"The tools of the server {name} are left out: {why}.")
            return None
        return server

    def _offered(self, servers: list[Server], bench: Bench) -> list[McpTool]:
        origins = {(server.name, tool): server for server in servers for tool in server.offered}
        found = []
        counts: dict[str, int] = {}
        for (name, remote), local in names(origins).items():
            server = origins[name, remote]
            counts[name] = counts.get(name, 0) + 1
            if counts[name] > MOST_TOOLS:
                self._tell(
                    bench,
                    f"Of the tools of the server {name} only the first {MOST_TOOLS} are used.",
                )
                continue
            try:
                tool = McpTool(
                    local,
                    server,
                    server.offered[remote],
                    seconds=bench.settings.cell_deadline_seconds,
                )
            except AbsurdSchemaError as error:
                text = f"The tool {one_line(remote, 80)} of the server {name} is left out: {error}."
                self._tell(bench, text)
                continue
            found.append(tool)
        return found

    def _tell(self, bench: Bench, text: str) -> None:
        """Tell something once in a session."""
        if text not in self._told:
            self._told.add(text)
            bench.notify(text)
