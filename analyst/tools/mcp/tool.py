"""A server's tool as the agent sees it.

Here: what the model is told of it, its judgement, and its run. Not here: the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyst.tools.mcp import judging, schemas
from analyst.tools.mcp.connection import ConnectionLostError, ServerError
from analyst.tools.mcp.results import items
from analyst.tools.mcp.server import Server
from analyst.tools.mcp.words import one_line
from analyst.tools.registry import (
    Prepared,
    ToolItem,
    ToolNotice,
    ToolResult,
    TransientToolError,
    is_strict,
)
from analyst.tools.risk import Risk

if TYPE_CHECKING:
    from mcp.types import Tool as Offered

DESCRIPTION_CHARACTERS = 1_000
PROGRESS_SECONDS = 2.0
"""A server's word on its progress is told no more often than this."""

MOST_PROGRESS = 50
CHANGED = "The tool was changed by its server after this call was decided on, so it was not run."


class McpTool:
    """A tool of a server. ``seconds``: how long a call may run.

    Raises :class:`analyst.tools.mcp.schemas.AbsurdSchemaError` for one that cannot be offered.
    """

    def __init__(self, name: str, server: Server, offered: Offered, *, seconds: float) -> None:
        self.name = name
        self.editable: str | None = None
        self.cacheable = False  # what a server holds, others may change
        self.description = _described(server.name, offered)
        self._server = server
        self._remote = offered.name
        self._seconds = seconds
        self._hints = offered.annotations
        self._taken = schemas.taken_over(offered.input_schema)
        held = schemas.strict(self._taken)
        self._is_strict = is_strict(held)
        self.parameters: Mapping[str, Any] = held if self._is_strict else self._taken
        self._was_changed = False

    @property
    def pure(self) -> bool:
        """Whether calls may run side by side: of tools that only read what is theirs."""
        hints = self._hints
        closed = hints is not None and hints.open_world_hint is False
        return closed and self._judged({}).level == "safe"

    @property
    def _reads_only(self) -> bool:
        says_so = self._hints is not None and self._hints.read_only_hint is True
        return says_so and self._server.configured.allow_read_only

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`analyst.tools.registry.Tool`."""
        self._was_changed = self._remote in self._server.changed
        return self._judged(arguments)

    def _judged(self, arguments: Mapping[str, Any]) -> Risk:
        return judging.judge(
            self._server.name,
            self._remote,
            arguments,
            destructive=self._hints is not None and self._hints.destructive_hint is True,
            reads_only=self._reads_only,
            changed=self._remote in self._server.changed,
        )

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """See to a server whose tool is still what it was, or known not to be."""
        try:
            notes = await self._server.refreshed()
        except ServerError:
            notes = []  # the run will say so
        return Prepared(arguments=arguments, notices=_notices(notes))

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one call; see :class:`analyst.tools.registry.Tool`.

        Raises :class:`analyst.tools.registry.TransientToolError` where a pure call met the
        server's end.
        """
        if self._remote in self._server.changed and not self._was_changed:
            yield ToolResult(status="refused", observation=CHANGED)
            return
        sent = schemas.without_nulls(arguments, self._taken) if self._is_strict else arguments
        progress = _Progress(self._server.name)
        call = asyncio.create_task(
            self._server.call(self._remote, sent, seconds=self._seconds, progress=progress)
        )
        call.add_done_callback(lambda _: progress.waiting.put_nowait(None))
        try:
            while (notice := await progress.waiting.get()) is not None:
                yield notice
            for notice in _notices(self._server.notes()):
                yield notice
            result = call.result()
        except TimeoutError:
            text = f"The server {self._server.name} did not finish within {self._seconds:g} s."
            yield ToolResult(status="timeout", observation=text)
        except ServerError as error:
            failed = _failed(self._server.name, error)
            reads = self.pure and self._judged(arguments).level == "safe"
            if isinstance(error, ConnectionLostError) and reads:
                raise TransientToolError(failed) from None
            yield ToolResult(status="error", observation=failed)
        else:
            for item in items(result):
                yield item
        finally:
            call.cancel()
            await asyncio.wait([call])
            if not call.cancelled():
                call.exception()  # told above, or nobody is there to be told


@dataclass
class _Progress:
    """Makes notices of a server's words on its progress; ``None`` ends them."""

    server: str

    def __post_init__(self) -> None:
        self.waiting: asyncio.Queue[ToolNotice | None] = asyncio.Queue()
        self._told = 0
        self._last = 0.0

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Take a word on progress."""
        now = time.monotonic()
        if self._told >= MOST_PROGRESS or now - self._last < PROGRESS_SECONDS:
            return
        self._told += 1
        self._last = now
        part = f"{progress:g} of {total:g}" if total else f"{progress:g}"
        said = f": {one_line(message, 200)}" if message else ""
        text = f"The server {self.server} is at {part}{said}"
        self.waiting.put_nowait(ToolNotice(code="mcp_progress", text=text))


def _described(server: str, offered: Offered) -> str:
    words = one_line(offered.description or offered.title or "", DESCRIPTION_CHARACTERS)
    if not words:
        return f"A tool of the server {server}, which says nothing about it."
    # The words of a stranger, so that they are not taken for ours.
    return f"A tool of the server {server}, in the server's own words: “{words}”"


def _failed(server: str, error: ServerError) -> str:
    text = f"The call of the server {server} failed: {error}."
    if isinstance(error, ConnectionLostError):
        text += " Whether the call was carried out is not known. The next call starts it anew."
    return text


def _notices(notes: list[str]) -> tuple[ToolNotice, ...]:
    return tuple(ToolNotice(code="mcp", text=note, level="warning") for note in notes)
