"""The stream of a conversation's events: server-sent events over one long answer.

Here: how lines go over the wire, and when the stream ends. Not here: which there are
(:mod:`analyst.frontends.server.numbered`).
"""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import iostream, web

from analyst.frontends.server.base import AnalystHandler, answering
from analyst.frontends.server.errors import RefusedError
from analyst.frontends.server.numbered import Line, Reader

HEARTBEAT_SECONDS = 15.0
MOST_BYTES_AT_ONCE = 256 * 1024
"""What is given to the connection before waiting until it has taken it."""


class EventStreamHandler(AnalystHandler):
    """``GET conversations/ID/events``."""

    _track_activity = False
    _reader: Reader | None = None

    @web.authenticated
    @authorized
    @answering
    async def get(self, conversation_id: str) -> None:
        """Send what comes after ``after`` (or ``Last-Event-ID``), until the client goes."""
        after = self.number("after", default=self._last_seen())
        events = (await self.core.conversation(conversation_id)).events
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache, no-transform")
        # Asks proxies (nginx) not to gather what is to be seen at once.
        self.set_header("X-Accel-Buffering", "no")
        with events.reader(after) as reader:
            self._reader = reader
            try:
                await self._send(b": here\n\n")
                while not reader.closed:
                    lines = reader.take(MOST_BYTES_AT_ONCE)
                    if lines:
                        await self._send(b"".join(map(_message, lines)))
                        continue
                    told = await reader.wait(HEARTBEAT_SECONDS)
                    if not told and not reader.closed:
                        await self._send(b": still here\n\n")
            except iostream.StreamClosedError:
                return
            self.finish(set_content_type="text/event-stream")

    def on_connection_close(self) -> None:
        """End the stream when the client has gone."""
        super().on_connection_close()
        if self._reader is not None:
            self._reader.close()

    def _last_seen(self) -> int:
        text = self.request.headers.get("Last-Event-ID", "").strip()
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise RefusedError("Last-Event-ID must be a whole number.")
        return int(text)

    async def _send(self, data: bytes) -> None:
        if self._reader is not None and self._reader.closed:
            return
        self.write(data)
        # Returns when the connection has taken it: a slow client makes us wait, not pile up.
        await self.flush()


def _message(line: Line) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (line.number, line.data)
