"""Talking to a kernel on this machine: a thread that owns the channels and never stops reading.

Outputs are read as they come, whether or not anybody asks for them, so a kernel can fill neither
the host's memory nor its queues. The thread also sees the end of the process.
"""

from __future__ import annotations

from typing import Any

import zmq

from kernel_sandbox.channels import Channel, Channels, Frames
from kernel_sandbox.conversation import Conversation
from kernel_sandbox.limits import Limits
from kernel_sandbox.supervisor import Supervisor

_LAST_WORDS_MS = 20


class KernelConnection(Conversation):
    """The host's end of one running kernel.

    ``urls`` are the addresses of the ``shell`` and ``iopub`` channels, ``key`` what signs the
    messages.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        urls: dict[str, str],
        key: bytes,
        limits: Limits,
    ) -> None:
        # Made here, so that a failure is the caller's; used by the thread alone.
        self._channels = Channels(urls, key=key, message_bytes=limits.message_bytes)
        super().__init__(supervisor, limits=limits)
        self._supervisor = supervisor
        self._thread.start()

    def _send_message(
        self, msg_type: str, content: dict[str, Any], buffers: list[bytes] | None = None
    ) -> str:
        return self._channels.send(msg_type, content, buffers)

    def _hang_up(self) -> None:
        self._channels.close()

    def _serve(self) -> None:
        while not self._closing:
            self._turn()

    def _turn(self) -> None:
        channels = self._channels
        poller = zmq.Poller()
        poller.register(self._woken, zmq.POLLIN)
        for channel in channels.both:
            poller.register(channel.socket, zmq.POLLIN)
        if self._exit is None:
            poller.register(self._supervisor.status_fd, zmq.POLLIN)
            for channel in channels.both:
                poller.register(channel.monitor, zmq.POLLIN)
        ready = dict(poller.poll(self._patience()))
        dropped = [channel for channel in channels.both if channel.monitor in ready]
        if dropped and self._supervisor.exit is None:
            self._note_loss()
        if channels.iopub.socket in ready:
            channels.iopub.read(self._on_iopub)
        if channels.shell.socket in ready:
            channels.shell.read(self._on_shell)
        if self._exit is None and self._supervisor.status_fd in ready:
            self._on_status()
        if dropped and self._exit is None:
            self._reconnect(dropped)
        if self._woken in ready:
            self._do_calls()
        self._keep_time()

    def _on_status(self) -> None:
        if (ended := self._supervisor.exit) is not None:
            # What the kernel sent before it ended is read before its end is told.
            self._channels.iopub.read_all(self._on_iopub, milliseconds=_LAST_WORDS_MS)
            self._channels.shell.read_all(self._on_shell)
            self._end(ended)
        elif self._signals_sent <= self._supervisor.signals_passed:
            self._release()

    def _on_iopub(self, frames: Frames) -> None:
        size = sum(len(frame) for frame in frames)
        if not self._is_flood(size):
            self._on_output(self._channels.parse(frames), size)

    def _on_shell(self, frames: Frames) -> None:
        self._on_reply(self._channels.parse(frames))

    def _reconnect(self, dropped: list[Channel]) -> None:
        """Replace channels that libzmq dropped, after reading what they still hold."""
        for channel in dropped:
            is_iopub = channel is self._channels.iopub
            channel.read_all(self._on_iopub if is_iopub else self._on_shell)
            channel.replace()
        for request in [*self._requests.values()]:
            # A probe sent before the connection was replaced is lost with it.
            if request not in self._unprobed:
                self._probe(request)
