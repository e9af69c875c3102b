"""One connection to a server, from its beginning to its end, by the protocol's own package.

What the package opens must be closed by the task that opened it: each connection has a task for
that, which all others ask. Here: opening, listing, calling, closing. Not here: what becomes of a
server whose connection ended (:mod:`analyst.tools.mcp.server`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from analyst._version import __version__
from analyst.tools.mcp.words import one_line

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client._transport import TransportStreams
    from mcp.shared.dispatcher import ProgressFnT
    from mcp.types import CallToolResult, ListToolsResult, Tool

START_SECONDS = 30.0
CLOSE_SECONDS = 10.0
MOST_TOOLS = 64
"""Most tools of one server: a model told of more finds none of them."""

_MOST_PAGES = 20
_PACKAGE_WORDS = (
    "Connection closed",
    "SSE stream",
    "Session terminated",
    "Not Found",
    "Server returned an error response",
)
"""How the package begins what it says itself, in the place of an answer that did not come.

Its codes do not tell, as servers use the same.
"""

T = TypeVar("T")


class ServerError(Exception):
    """A server did not do what it was asked; the message is the end of a sentence about it."""


class ConnectionLostError(ServerError):
    """The connection ended; what was asked for was done or not, unless it is ``unsent``."""

    def __init__(self, why: str, *, unsent: bool = False) -> None:
        self.unsent = unsent
        super().__init__(why)


class Endpoint(Protocol):
    """Where a server is."""

    def open(self, on_end: Callable[[], None]) -> AbstractAsyncContextManager[TransportStreams]:
        """Open a transport; ``on_end`` is called when the server ends by itself."""
        ...

    def turned_away(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Tell whether a call was answered in a way that shows that it was not carried out."""
        ...

    def trouble(self, error: BaseException | None) -> str:
        """Say what is wrong with the connection, as the end of a sentence."""
        ...


class Connection:
    """A connection to a server. Lives in one event loop.

    ``on_change`` is called when the server says that its tools are others now.
    """

    def __init__(self, endpoint: Endpoint, on_change: Callable[[], None]) -> None:
        self._endpoint = endpoint
        self._on_change = on_change
        self._why = ""
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own())

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._ready.done() and not self._stop.is_set() and not self._owner.done()

    async def opened(self) -> str:
        """Wait for the connection, and return what the server calls itself.

        Raises :class:`ServerError`.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                client = await asyncio.shield(self._ready)
        except TimeoutError:
            await self.aclose()
            raise ServerError(f"it did not answer within {START_SECONDS:g} s") from None
        except BaseException:
            await self.aclose()
            raise
        about = client.server_info
        return one_line(f"{about.name} {about.version}", 80) if about is not None else ""

    async def tools(self) -> list[Tool]:
        """Return what the server offers; raises :class:`ServerError`."""
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._asked(partial(_page, cursor=cursor), START_SECONDS)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None or len(found) > MOST_TOOLS:
                break
        return found

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, seconds: float, progress: ProgressFnT
    ) -> CallToolResult:
        """Call a tool. Being cancelled cancels the call, which the server is told.

        Raises :class:`ServerError`, and :class:`TimeoutError` after ``seconds``.
        """

        async def ask(client: Client) -> CallToolResult:
            return await client.call_tool(tool, dict(arguments), progress_callback=progress)

        try:
            return await self._asked(ask, seconds)
        except ConnectionLostError as lost:
            # What a server says of that it may say after the work, too; its status is seen here.
            unsent = lost.unsent or self._endpoint.turned_away(tool, arguments)
            raise ConnectionLostError(str(lost), unsent=unsent) from None

    async def aclose(self) -> None:
        """End the connection, and the program at its other end. Can be called again."""
        self._stop.set()
        if not self._ready.done():
            self._owner.cancel()
        _, waiting = await asyncio.wait([self._owner], timeout=CLOSE_SECONDS)
        if waiting:
            self._owner.cancel()
            await asyncio.wait([self._owner], timeout=CLOSE_SECONDS)

    async def _asked(self, ask: Callable[[Client], Awaitable[T]], seconds: float) -> T:
        """Ask something of the server; see :meth:`call` for what is raised."""
        from mcp import MCPError  # noqa: PLC0415 - slow to import

        if not self.is_open:
            raise ConnectionLostError(self._why, unsent=True)
        try:
            async with asyncio.timeout(seconds):
                return await ask(self._ready.result())
        except TimeoutError:
            raise
        except MCPError as error:
            if not error.message.startswith(_PACKAGE_WORDS):
                raise ServerError(f"it says: {_said(error.message)}") from None
        except Exception as error:  # noqa: BLE001 - a server can make the package raise anything
            raise ServerError(f"it does not keep to the protocol: {_in_words(error)}") from None
        # Its end tells why, and is waited for, as a program has its last words on the way.
        await self.aclose()
        raise ConnectionLostError(self._why)

    async def _own(self) -> None:
        """Open the connection, keep it until it is to end, and close it: all in this task."""
        from mcp import Client  # noqa: PLC0415 - slow to import
        from mcp.types import Implementation, ToolListChangedNotification  # noqa: PLC0415

        # What servers do wrong is told in sentences, not in tracebacks on the user's screen.
        logging.getLogger("mcp").addHandler(logging.NullHandler())

        async def heard(message: object) -> None:
            if isinstance(message, ToolListChangedNotification):
                self._on_change()

        error: BaseException | None = None
        try:
            async with (
                self._endpoint.open(self._stop.set) as streams,
                Client(
                    contextlib.nullcontext(streams),
                    client_info=Implementation(name="jupyter-analyst", version=__version__),
                    message_handler=heard,
                    cache=None,
                ) as client,
            ):
                # Checking a server's results against its own schemas only helps the server.
                client.session.validate_tool_result = _as_it_is  # type: ignore[method-assign]
                self._ready.set_result(client)
                watch = asyncio.create_task(_watch(client, self._on_change))
                try:
                    await self._stop.wait()
                finally:
                    watch.cancel()
                    await asyncio.wait([watch], timeout=CLOSE_SECONDS)
        except BaseException as caught:
            error = caught
            if isinstance(caught, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
                raise
        finally:
            self._stop.set()
            self._why = self._told(error)
            if not self._ready.done():
                self._ready.set_exception(ServerError(self._why))
                self._ready.exception()  # it may be that nobody waits any more

    def _told(self, error: BaseException | None) -> str:
        from mcp import MCPError  # noqa: PLC0415 - slow to import

        for one in _leaves(error) if error is not None else ():
            if isinstance(one, asyncio.CancelledError):
                continue
            if not isinstance(one, MCPError):
                return self._endpoint.trouble(one)
            if not one.message.startswith(_PACKAGE_WORDS):
                return f"it says: {_said(one.message)}"
        return self._endpoint.trouble(None)


async def _watch(client: Client, on_change: Callable[[], None]) -> None:
    """Listen for changes of the tools, where the protocol's version tells them only if asked."""
    # A server that does not tell is looked at now and then anyway.
    with contextlib.suppress(Exception):
        async with client.listen(tools_list_changed=True) as changes:
            async for _ in changes:
                on_change()


async def _page(client: Client, cursor: str | None) -> ListToolsResult:
    return await client.list_tools(cursor=cursor)


async def _as_it_is(name: str, result: object) -> None:
    del name, result


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what went wrong, out of the groups that tasks put it in."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _said(text: str) -> str:
    return one_line(text, 400).rstrip(".")


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {_said(str(error))}"
