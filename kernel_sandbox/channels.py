"""The sockets to a kernel: sending, reading what is there, replacing what libzmq dropped.

Not here: what the messages mean (:mod:`kernel_sandbox.connection`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zmq
from jupyter_client.session import Session

_log = logging.getLogger(__name__)

Frames = list[zmq.Frame]

_RECONNECT_MS = 20
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the kernel, signed by its key; ``content`` may be anything JSON holds."""

    msg_type: str
    parent: str | None
    content: Any
    buffers: tuple[bytes, ...] = ()


class Channel:
    """A socket with a monitor that tells when libzmq gave up its connection."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], kind: int, url: str) -> None:
        self._context = context
        self._kind = kind
        self._url = url
        self._open()

    def _open(self) -> None:
        self.socket = self._context.socket(self._kind)
        self.socket.linger = 0
        self.socket.reconnect_ivl = _RECONNECT_MS
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        if self._kind == zmq.SUB:
            self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self.socket.connect(self._url)

    def read(self, handle: Callable[[Frames], None]) -> bool:
        """Hand over what has arrived; true when there may be more.

        A bounded number, so that a flood on one channel does not starve the others. What
        ``handle`` raises costs the message only: hostile code chose its content.
        """
        for _ in range(_BATCH):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return False
            try:
                handle(frames)
            except Exception as error:  # noqa: BLE001 - whatever a hostile message can cause
                _log.debug("a message of the kernel was dropped: %s", error)
        return True

    def read_all(self, handle: Callable[[Frames], None], *, milliseconds: int = 0) -> None:
        """Hand over everything, also what arrives within ``milliseconds`` of the one before."""
        while self.read(handle) or self.socket.poll(milliseconds):
            pass

    def replace(self) -> None:
        """Connect anew. libzmq drops a connection for good at a message over the limit."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the socket at once."""
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)


class Channels:
    """The shell and iopub channels to one kernel; belongs to one thread.

    ``urls`` are their addresses, ``key`` signs the messages; a message over ``message_bytes``
    never enters this process.
    """

    def __init__(self, urls: dict[str, str], *, key: bytes, message_bytes: int) -> None:
        self._session = Session(key=key)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.sockopts[zmq.MAXMSGSIZE] = message_bytes
        self.shell = Channel(self._context, zmq.DEALER, urls["shell"])
        self.iopub = Channel(self._context, zmq.SUB, urls["iopub"])

    @property
    def both(self) -> tuple[Channel, Channel]:
        """Outputs first: they come before the reply."""
        return self.iopub, self.shell

    def send(
        self, msg_type: str, content: dict[str, Any], buffers: list[bytes] | None = None
    ) -> str:
        """Send a request on the shell channel and return its id."""
        message = self._session.msg(msg_type, content)
        self._session.send(self.shell.socket, message, buffers=[*(buffers or ())])
        return str(message["header"]["msg_id"])

    def parse(self, frames: Frames) -> Message:
        """Read a message; raises one of many errors when it is malformed or not signed."""
        _, parts = self._session.feed_identities(frames, copy=False)
        message = self._session.deserialize(parts, copy=False)
        parent = message["parent_header"].get("msg_id")
        return Message(
            message["msg_type"], parent if isinstance(parent, str) else None, message["content"]
        )

    def close(self) -> None:
        """Close both and all that belongs to them."""
        for channel in self.both:
            channel.close()
        self._context.destroy(linger=0)
