"""A server that is a program: started with little around it, spoken to by its pipes, ended whole.

The protocol's own package has a transport for this; ours differs in what a stranger's program
needs: an environment without our keys, an end to messages that are too long, the last words of
its standard error, and no process left behind. Here: the transport. Not here: the protocol.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from analyst.tools.mcp import processes
from analyst.tools.mcp.words import plain

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

MOST_BYTES = 16_000_000
"""Longest message of a server, in bytes; what sends a longer one is ended."""

INHERITED = ("PATH", "HOME", "LANG")
"""What a server gets of our environment, besides what is configured for it."""

_TAIL_LINES = 20
_TAIL_CHARACTERS = 600
_CHUNK = 65_536

Streams = tuple[
    "MemoryObjectReceiveStream[SessionMessage | Exception]",
    "MemoryObjectSendStream[SessionMessage]",
]


class LastWords:
    """The end of what a program wrote besides messages. ``hidden`` texts are left out."""

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        # Short ones would be found everywhere.
        self._hidden = [text for text in hidden if len(text) > 5]

    def add(self, line: bytes) -> None:
        """Remember a line, or a part of a long one."""
        text = plain(line[:2000].decode("utf-8", "replace")).strip()
        for hidden in self._hidden:
            text = text.replace(hidden, "…")
        if text:
            self._lines.append(text)

    def clear(self) -> None:
        """Forget what an earlier program wrote."""
        self._lines.clear()

    @property
    def text(self) -> str:
        """The last lines, of a few hundred characters."""
        said = " ".join(" ".join(self._lines).split())
        return said if len(said) <= _TAIL_CHARACTERS else f"…{said[-_TAIL_CHARACTERS:]}"


def environment(configured: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return the whole environment of a server."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, **configured, processes.MARK: mark}


class Program:
    """A program that is a server: ``command``, the configured ``env``, and where it runs."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        # A path is left as it is written: "./server" is not to be looked for elsewhere.
        self._command = [os.path.expanduser(command[0]), *command[1:]]  # noqa: PTH111
        self._env = env
        self._cwd = cwd
        self._last_words = LastWords(list(env.values()))

    @asynccontextmanager
    async def open(self, on_end: Callable[[], None]) -> AsyncIterator[Streams]:
        """Start it, and call ``on_end`` when it has ended by itself. Leaving ends all of it.

        Raises :class:`OSError` when it cannot be started.
        """
        self._last_words.clear()
        async with _program(self._command, self._env, self._cwd, self._last_words) as pipes:
            pipes.on_end = on_end
            yield pipes.incoming, pipes.outgoing

    def turned_away(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Tell that nobody knows: a program that ends may have carried a call out."""
        del tool, arguments
        return False

    def trouble(self, error: BaseException | None) -> str:
        """Say what is wrong with the connection, as a sentence that begins with ``it``."""
        if isinstance(error, FileNotFoundError):
            return f"there is no program {self._command[0]}"
        if isinstance(error, OSError):
            return f"its program {self._command[0]} cannot be started: {error.strerror}"
        said = self._last_words.text
        return f"its program ended{f', and its last words were: {said}' if said else ''}"


@asynccontextmanager
async def _program(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, last_words: LastWords
) -> AsyncIterator[_Pipes]:
    mark = secrets.token_hex(16)
    process = await anyio.open_process(
        list(command),
        env=environment(env, mark),
        cwd=cwd,
        start_new_session=True,
    )
    # Nothing may be awaited between the start and the try: a cancelled start would leave it.
    pipes = _Pipes(process, last_words)
    all_ended = False
    try:
        async with anyio.create_task_group() as group:
            for task in (pipes.read, pipes.write, pipes.listen):
                group.start_soon(task)
            try:
                yield pipes
            finally:
                with anyio.CancelScope(shield=True):
                    await pipes.close()
                    # Closed pipes ask for the end.
                    with anyio.move_on_after(processes.STOP_SECONDS):
                        await process.wait()
                    await processes.end(process.pid, mark)
                    all_ended = True
                group.cancel_scope.cancel()
    finally:
        if not all_ended:
            processes.kill(process.pid, mark)
        with anyio.move_on_after(processes.STOP_SECONDS, shield=True):
            await pipes.let_go()


class _Pipes:
    """Messages of the session to lines of the program, and back."""

    def __init__(self, process: anyio.abc.Process, last_words: LastWords) -> None:
        self._process = process
        self._last_words = last_words
        self._given: MemoryObjectSendStream[SessionMessage | Exception]
        self.outgoing: MemoryObjectSendStream[SessionMessage]
        self._taken: MemoryObjectReceiveStream[SessionMessage]
        self._given, self.incoming = anyio.create_memory_object_stream(0)
        self.outgoing, self._taken = anyio.create_memory_object_stream(0)
        self.on_end: Callable[[], None] = lambda: None

    async def read(self) -> None:
        """Give the session what the program writes, line by line."""
        from mcp.shared.message import SessionMessage  # noqa: PLC0415 - slow to import
        from mcp.types import jsonrpc_message_adapter  # noqa: PLC0415

        assert self._process.stdout is not None
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with self._given:
                async for line in _lines(self._process.stdout):
                    if len(line) > MOST_BYTES:
                        self._last_words.add(b"It sent a message that is too long.")
                        break
                    try:
                        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError:
                        self._last_words.add(line)  # a print that went astray
                        continue
                    await self._given.send(SessionMessage(message))
        self.on_end()

    async def write(self) -> None:
        """Give the program what the session sends."""
        assert self._process.stdin is not None
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            async with self._taken:
                async for message in self._taken:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await self._process.stdin.send(f"{text}\n".encode())
            return
        await self._given.aclose()

    async def listen(self) -> None:
        """Keep the end of what the program writes on standard error."""
        assert self._process.stderr is not None
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            async for line in _lines(self._process.stderr):
                self._last_words.add(line)

    async def close(self) -> None:
        """Close what the program reads, which asks it to end."""
        self.incoming.close()
        self.outgoing.close()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._process.stdin.aclose()

    async def let_go(self) -> None:
        """Close everything, whatever became of it."""
        for stream in (self.incoming, self.outgoing, self._given, self._taken):
            stream.close()
        with contextlib.suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._process.aclose()


async def _lines(stream: anyio.abc.ByteReceiveStream) -> AsyncIterator[bytes]:
    """Yield lines without their ends. One that is too long comes as what is there of it."""
    parts: list[bytes] = []
    size = 0
    with contextlib.suppress(anyio.EndOfStream):
        while True:
            chunk = await stream.receive(_CHUNK)
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                yield b"".join([*parts, line])
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            if size > MOST_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    if parts and size:
        yield b"".join(parts)
