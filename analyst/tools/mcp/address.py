"""A server at an address: streamable HTTP by the protocol's own package, with our limits.

Here: the transport. Redirects to other hosts are not followed (the package sees to it), so that
what is configured for one host reaches no other. Not here: the protocol.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2

from analyst.private_logging import hide_queries_of
from analyst.settings import display_url
from analyst.tools.mcp.program import MOST_BYTES

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_CONNECT_SECONDS = 20.0
_NOT_FOUND = 404
_KEPT_REQUESTS = 16
_SILENCE_SECONDS = 900.0
"""Longest silence of a server while a call runs; how long a call may run is decided elsewhere."""


class UnfitAnswerError(httpx2.ReadError):
    """An answer is longer than any that is wanted, or packed so that it could be."""


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise UnfitAnswerError("its answer is too long")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class Address:
    """A server's address, with what is sent along in each request."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        hide_queries_of(display_url(url))
        self._url = url
        self._headers = {**headers, "Accept-Encoding": "identity"}
        self._status = 0
        self._turned_away: deque[bytes] = deque(maxlen=_KEPT_REQUESTS)

    @asynccontextmanager
    async def open(self, on_end: Callable[[], None]) -> AsyncIterator[TransportStreams]:
        """Open the transport. That a server has ended is not told, but found by the next call."""
        del on_end
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - slow

        async with (
            httpx2.AsyncClient(
                headers=self._headers,
                timeout=httpx2.Timeout(_CONNECT_SECONDS, read=_SILENCE_SECONDS),
                event_hooks={"response": [self._look]},
            ) as client,
            streamable_http_client(
                self._url, http_client=client, max_sse_event_size=MOST_BYTES
            ) as streams,
        ):
            yield streams

    def trouble(self, error: BaseException | None) -> str:
        """Say what is wrong with the connection, as a sentence that begins with ``it``."""
        where = display_url(self._url)
        if isinstance(error, UnfitAnswerError):
            return str(error)
        if isinstance(error, httpx2.TransportError | httpx2.InvalidURL):
            return f"it cannot be reached at {where}"
        if self._status in (401, 403):
            return f"it wants other credentials (HTTP {self._status}): see its headers"
        if self._status >= 400:
            return f"it cannot be spoken to at {where} (HTTP {self._status})"
        return "the connection to it ended"

    def turned_away(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Tell, once, whether the server knew nothing of the session of a call (HTTP 404)."""
        for body in [*self._turned_away]:
            try:
                params = json.loads(body)["params"]
                same = params["name"] == tool and params.get("arguments") == arguments
            except (ValueError, LookupError, TypeError):
                continue
            if same:
                self._turned_away.remove(body)
                return True
        return False

    async def _look(self, response: httpx2.Response) -> None:
        """Hold an answer to a length; a stream of events has none, but each event has."""
        self._status = response.status_code
        if response.status_code == _NOT_FOUND and response.request.method == "POST":
            self._turned_away.append(response.request.content)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnfitAnswerError("its answer is packed, which was not asked for")
        kind = response.headers.get("content-type", "")
        stream = response.stream
        if not kind.startswith("text/event-stream") and isinstance(stream, httpx2.AsyncByteStream):
            response.stream = _Limited(stream)
