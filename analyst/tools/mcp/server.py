"""A server as long as a session lives: connected when needed, and again once when it crashed.

Here: what a server offers, as it was first seen in the session; the watch for changes of that;
calls. Not here: one connection (:mod:`analyst.tools.mcp.connection`), and the tools as the agent
sees them (:mod:`analyst.tools.mcp.tool`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst.configuration import ConfigurationError, McpServer, expanded
from analyst.tools.mcp.address import Address
from analyst.tools.mcp.connection import (
    Connection,
    ConnectionLostError,
    Endpoint,
    ServerError,
)
from analyst.tools.mcp.program import Program
from analyst.tools.mcp.seen import SeenTools, digest, identity
from analyst.tools.mcp.words import one_line

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT
    from mcp.types import CallToolResult, Tool

MOST_CRASHES = 2
"""After so many ends without a successful call between them, a server is not started again."""

LOOK_SECONDS = 60.0
"""How old a look at a server's tools may be when one of them is called."""


class Server:
    """A configured server. Lives in one event loop.

    ``offered``: its tools as first seen in this session, by the names it uses. ``changed``: those
    that were otherwise described before, in this session or an earlier one. ``about``: what it
    calls itself.
    """

    def __init__(
        self,
        name: str,
        configured: McpServer,
        *,
        cwd: Path,
        seen: SeenTools,
        changed: set[str] | None = None,
    ) -> None:
        self.name = name
        self.configured = configured
        self.offered: dict[str, Tool] = {}
        self.changed = set() if changed is None else changed
        self.about = ""
        self._cwd = cwd
        self._seen = seen
        self._digests: dict[str, str] = {}
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._looked = -LOOK_SECONDS
        self._stale = True
        self._crashes = 0
        self._notes: list[str] = []

    async def refreshed(self) -> list[str]:
        """Connect, look at the tools if the last look is old, and return notes for the user.

        Raises :class:`ServerError`.
        """
        connection = await self._connected()
        async with self._looking:
            if self._stale or time.monotonic() - self._looked > LOOK_SECONDS:
                self._stale = False
                self._looked = time.monotonic()
                try:
                    await self._take(await connection.tools())
                except TimeoutError:
                    raise ServerError("it does not say which tools it has") from None
        return self.notes()

    def notes(self) -> list[str]:
        """Return what the user should know since the last time this was asked."""
        notes, self._notes = self._notes, []
        return notes

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, seconds: float, progress: ProgressFnT
    ) -> CallToolResult:
        """Call a tool by the name the server uses.

        Raises :class:`ServerError`, and :class:`TimeoutError` after ``seconds``. A call that may
        have been carried out is not made again.
        """
        while True:
            connection = await self._connected()
            try:
                result = await connection.call(tool, arguments, seconds=seconds, progress=progress)
            except ConnectionLostError as lost:
                if not lost.unsent:
                    raise
            else:
                self._crashes = 0
                return result

    async def aclose(self) -> None:
        """End the connection and the server's processes. Can be called again."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is not None and self._connection.is_open:
                return self._connection
            if self._connection is not None:
                # Its processes are gone before others take their place.
                await self._connection.aclose()
                self._crashes += 1
                if self._crashes >= MOST_CRASHES:
                    raise ServerError("it ended again, and is not started once more")
                self._notes.append(
                    f"The server {self.name} had ended and was started anew; what it had open "
                    "is gone."
                )
            connection = Connection(self._endpoint(), self._on_change)
            self.about = await connection.opened()
            self._connection = connection
            self._stale = True
            return connection

    def _endpoint(self) -> Endpoint:
        """Return where the server is; raises :class:`ServerError`."""
        configured = self.configured
        try:
            if configured.url is not None:
                headers = {name: expanded(text) for name, text in configured.headers.items()}
                return Address(expanded(configured.url), headers)
            env = {name: expanded(text) for name, text in configured.env.items()}
        except ConfigurationError as error:
            words = one_line(str(error), 300).rstrip(".")
            raise ServerError(words[:1].lower() + words[1:]) from None
        return Program([configured.command or "", *configured.args], env, self._cwd)

    def _on_change(self) -> None:
        self._stale = True

    async def _take(self, tools: list[Tool]) -> None:
        """Take note of what the server offers now; what was seen before stays as it was."""
        now = {tool.name: digest(tool) for tool in tools}
        which = identity(self.configured)
        changed = await asyncio.to_thread(self._seen.compare, self.name, which, now)
        differing = {name for name in now if self._digests.get(name, now[name]) != now[name]}
        for name in sorted(changed | differing):
            self.changed.add(name)
            self._notes.append(
                f"The server {self.name} changed its tool {one_line(name, 80)} since it was first "
                "seen. In this session you are asked before each call of it."
            )
        self._digests.update(now)
        # The model keeps to what it was told first; a tool that is gone fails when it is called.
        self.offered = {tool.name: self.offered.get(tool.name, tool) for tool in tools}
