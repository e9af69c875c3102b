"""Talking to a kernel of a gateway: a thread that owns the websocket.

A websocket that breaks is opened again; the kernel lives on meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import websocket

from kernel_sandbox.conversation import Conversation
from kernel_sandbox.errors import KernelStartError
from kernel_sandbox.gateway import wire
from kernel_sandbox.gateway.process import RemoteProcess
from kernel_sandbox.limits import Limits

_log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 0.5
_GIVE_UP_SECONDS = 30.0
_PING_SECONDS = 20.0
_LIVENESS_SECONDS = 5.0


class GatewayConnection(Conversation):
    """The host's end of a kernel that runs elsewhere. Raises :class:`KernelStartError`."""

    def __init__(self, process: RemoteProcess, *, limits: Limits) -> None:
        super().__init__(process, limits=limits)
        self._remote = process
        self._protocols = [wire.V1]
        self._session_id = uuid.uuid4().hex
        self._v1 = False
        self._unsent: dict[str, tuple[wire.Parts, list[bytes]]] = {}
        self._broken_since: float | None = None
        self._next_try = self._next_ping = self._next_look = 0.0
        try:
            self._socket: websocket.WebSocket | None = self._connect()
        except BaseException:
            os.close(self._wake)
            os.close(self._woken)
            raise
        process.wake = lambda: self._call(lambda: None)
        self._thread.start()

    def _connect(self) -> websocket.WebSocket:
        try:
            connection = self._connect_by(self._protocols)
        except websocket.WebSocketException as error:
            # An older server names no protocol, which this client takes for an error.
            if "subprotocol" not in str(error).lower() and "Invalid WebSocket" not in str(error):
                raise self._not_connected(error) from None
            self._protocols = []
            try:
                connection = self._connect_by([])
            except (websocket.WebSocketException, OSError, ValueError) as second:
                raise self._not_connected(second) from None
        except (OSError, ValueError) as error:
            raise self._not_connected(error) from None
        self._v1 = connection.getsubprotocol() == wire.V1
        self._allowance = _Allowance(connection, 2 * self._limits.message_bytes)
        return connection

    def _not_connected(self, error: Exception) -> KernelStartError:
        return KernelStartError(
            f"The gateway at {self._remote.rest.gateway.place} has the kernel, but does not let us "
            f"talk to it: {str(error)[:200]}."
        )

    def _connect_by(self, protocols: list[str]) -> websocket.WebSocket:
        gateway = self._remote.rest.gateway
        url = f"ws{gateway.url.removeprefix('http')}/api/kernels/"
        url += f"{quote(self._remote.kernel_id, safe='')}/channels?session_id={self._session_id}"
        context = gateway.ssl_context()
        return websocket.create_connection(
            url,
            timeout=gateway.seconds,
            header=[f"{name}: {value}" for name, value in gateway.all_headers().items()],
            subprotocols=protocols,
            sslopt={} if context is None else {"context": context},
            sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            http_no_proxy=["*"],
        )

    def _send_message(
        self, msg_type: str, content: dict[str, Any], buffers: list[bytes] | None = None
    ) -> str:
        msg_id = uuid.uuid4().hex
        header = {
            "msg_id": msg_id,
            "msg_type": msg_type,
            "username": "",
            "session": self._session_id,
            "date": datetime.now(UTC).isoformat(),
            "version": "5.3",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._unsent[msg_id] = (message, buffers or [])
        self._send_unsent()
        return msg_id

    def _send_unsent(self) -> None:
        """Send what waits, as far as the websocket goes; the rest waits for the next one."""
        for msg_id, (message, buffers) in [*self._unsent.items()]:
            if self._socket is None:
                return
            data = wire.encode(message, buffers, v1=self._v1)
            try:
                if isinstance(data, str):
                    self._socket.send(data)
                else:
                    self._socket.send_binary(data)
            except (websocket.WebSocketException, OSError):
                self._lose()
                return
            del self._unsent[msg_id]

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(websocket.WebSocketException, OSError):
                self._socket.shutdown()  # type: ignore[no-untyped-call]
            self._socket = None

    def _serve(self) -> None:
        while not self._closing:
            self._turn()

    def _turn(self) -> None:
        readable: list[Any] = [self._woken]
        if self._socket is not None:
            readable.append(self._socket.sock)
        ready, _, _ = select.select(readable, [], [], self._seconds())
        if self._socket is not None and self._socket.sock in ready:
            self._read()
        if self._remote.exit is not None and self._exit is None:
            self._end(self._remote.exit)
        elif self._signals_sent <= self._remote.signals_passed:
            self._release()
        if self._woken in ready:
            self._do_calls()
        self._keep_alive()
        self._keep_time()

    def _seconds(self) -> float:
        patience = self._patience()
        most = _RECONNECT_SECONDS if self._socket is None else _LIVENESS_SECONDS
        return most if patience is None else min(most, patience / 1000)

    def _read(self) -> None:
        """Read what has arrived: at least one message, and all that TLS has buffered."""
        connection = self._socket
        while connection is not None:
            _acknowledge_at_once(connection.sock)
            self._allowance.renew()
            try:
                opcode, data = connection.recv_data()
            except (websocket.WebSocketException, OSError, ValueError) as error:
                if isinstance(error, websocket.WebSocketPayloadException):
                    self._note_loss()
                self._lose()
                return
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self._lose()
                return
            self._take(data if opcode == websocket.ABNF.OPCODE_BINARY else data.decode())
            pending = getattr(connection.sock, "pending", None)
            if pending is None or not pending():
                return
            connection = self._socket

    def _take(self, data: bytes | str) -> None:
        size = len(data)
        try:
            if size > self._limits.message_bytes:
                self._note_loss()
                return
            if self._is_flood(size):
                return
            channel, message = wire.decode(data, v1=self._v1)
            if channel == "iopub":
                if message.parent is None and message.msg_type == "status":
                    self._on_state(message.content)
                self._on_output(message, size)
            elif channel == "shell":
                self._on_reply(message)
        except Exception as error:  # noqa: BLE001 - whatever a hostile message can cause
            _log.debug("a message of the kernel was dropped: %s", error)

    def _on_state(self, content: Any) -> None:
        if content.get("execution_state") in {"restarting", "dead"}:
            # A gateway starts an ended kernel anew by itself; for us it is another one.
            self._remote.ended("it died")

    def _lose(self) -> None:
        """Note that the websocket broke; the kernel may live on."""
        self._hang_up()
        if self._broken_since is None:
            self._broken_since = time.monotonic()
            self._next_try = 0.0

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if self._exit is not None:
            return
        if self._socket is None:
            self._connect_again(now)
            return
        if now >= self._next_ping:
            self._next_ping = now + _PING_SECONDS
            with contextlib.suppress(websocket.WebSocketException, OSError):
                self._socket.ping()
        if self._requests and now >= self._next_look:
            self._next_look = now + _LIVENESS_SECONDS
            self._remote.look()

    def _connect_again(self, now: float) -> None:
        if now < self._next_try:
            return
        self._next_try = now + _RECONNECT_SECONDS
        try:
            self._socket = self._connect()
        except KernelStartError:
            self._remote.look()
            if self._broken_since is not None and now - self._broken_since > _GIVE_UP_SECONDS:
                self._remote.ended("its gateway does not answer any more")
            return
        self._broken_since = None
        waiting = {*self._unsent}
        self._send_unsent()
        for request in [*self._requests.values()]:
            if request not in self._unprobed and request.msg_id not in waiting:
                # Its messages may have gone while nobody listened.
                request.lost_detail = request.lost_detail or (
                    "The connection to the gateway broke; some outputs may be missing."
                )
                self._probe(request)


class _Allowance:
    """Lets a websocket receive so many bytes a message, and breaks it where there are more."""

    def __init__(self, connection: websocket.WebSocket, most: int) -> None:
        self._most = self._left = most
        self._receive = connection.frame_buffer.recv_strict
        # There is no option for it.
        connection.frame_buffer.recv_strict = self._limited  # type: ignore[method-assign,assignment]

    def renew(self) -> None:
        """Begin with another message."""
        self._left = self._most

    def _limited(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise websocket.WebSocketPayloadException("the message is too large")
        data: bytes = self._receive(size)
        return data


def _acknowledge_at_once(connection: Any) -> None:
    """Without it, Linux waits 40 ms for more before the other side may go on."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
