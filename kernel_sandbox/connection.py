"""Talking to one kernel process: a thread that owns the sockets and never stops reading.

Outputs are read as they come, whether or not anybody asks for them, counted, and dropped beyond
the limit, so a kernel can fill neither the host's memory nor its queues. The thread also keeps
the deadlines and sees the end of the process, so these hold while the event loop is busy.

A kernel may run hostile code, which owns the key and can send anything: nothing that arrives
may raise out of the thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq
from jupyter_client.session import Session

from kernel_sandbox.limits import Limits
from kernel_sandbox.outputs import from_message
from kernel_sandbox.request import Request, StopReason
from kernel_sandbox.supervisor import KernelExit, Supervisor

_log = logging.getLogger(__name__)

_SMALL = 64 * 1024
"""Messages of a request over its limit are still looked at up to this size, for its end."""

_RECONNECT_MS = 20


class _Channel:
    """A socket with a monitor that tells when libzmq gave up its connection."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], kind: int, url: str) -> None:
        self.socket = context.socket(kind)
        self.socket.linger = 0
        self.socket.reconnect_ivl = _RECONNECT_MS
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        if kind == zmq.SUB:
            self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self.socket.connect(url)

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)


class KernelConnection:
    """The host's end of one running kernel.

    ``urls`` are the addresses of the ``shell`` and ``iopub`` channels, ``key`` what signs the
    messages. All methods may be called from any thread.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        urls: dict[str, str],
        key: bytes,
        limits: Limits,
    ) -> None:
        self._supervisor = supervisor
        self._urls = urls
        self._limits = limits
        self._session = Session(key=key)
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._requests: dict[str, Request] = {}
        self._probes: dict[str, Request] = {}
        self._held: list[Request] = []
        self._unprobed: list[Request] = []
        self._signals_sent = 0
        self._closing = False
        self._closed = False
        self._reap = False
        self._exit: KernelExit | None = None
        self._thread = threading.Thread(target=self._run, name="kernel-connection", daemon=True)
        self._thread.start()

    @property
    def exit(self) -> KernelExit | None:
        """How the kernel ended, once it did."""
        return self._exit

    def submit(self, request: Request) -> None:
        """Send a request; what comes of it is found in the request."""
        self._call(lambda: self._send(request))

    def stop(self, request: Request, reason: StopReason) -> None:
        """Interrupt a request, and kill the kernel if that does not end it in time."""
        self._call(lambda: self._interrupt(request, reason))

    def close(self) -> None:
        """End the thread and close the sockets; requests that run end as if the kernel died."""
        self._call(self._close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def abandon(self) -> None:
        """End the kernel and the connection, without waiting. Safe in a finaliser."""
        self._supervisor.stop()
        self._reap = True
        self._call(self._close)

    def _call(self, function: Callable[[], None]) -> None:
        with self._lock:
            if not self._closed:
                self._calls.append(function)
                with contextlib.suppress(BlockingIOError):
                    os.write(self._wake, b"!")
                return
        function()

    # The rest runs in the thread.

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        context.sockopts[zmq.MAXMSGSIZE] = self._limits.message_bytes
        self._shell = _Channel(context, zmq.DEALER, self._urls["shell"])
        self._iopub = _Channel(context, zmq.SUB, self._urls["iopub"])
        try:
            while not self._closing:
                self._turn(context)
        except Exception:  # noqa: BLE001 - a thread that ends silently would leave callers waiting
            _log.exception("the connection to a kernel failed")
            self._supervisor.stop()
        finally:
            self._end(self._exit or KernelExit(None, ""))
            self._shell.close()
            self._iopub.close()
            context.destroy(linger=0)
            with self._lock:
                self._closed = self._closing = True
                os.close(self._wake)
                os.close(self._woken)
                calls, self._calls = self._calls, []
            for call in calls:
                call()
            if self._reap:
                self._supervisor.close()

    def _turn(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        poller = zmq.Poller()
        for source in (self._iopub.socket, self._shell.socket, self._woken):
            poller.register(source, zmq.POLLIN)
        if self._exit is None:
            poller.register(self._supervisor.status_fd, zmq.POLLIN)
            for channel in (self._iopub, self._shell):
                poller.register(channel.monitor, zmq.POLLIN)
        ready = dict(poller.poll(self._patience()))
        dropped = [channel for channel in (self._iopub, self._shell) if channel.monitor in ready]
        if dropped and self._supervisor.exit is None:
            self._note_loss()
        if self._iopub.socket in ready:
            self._drain(self._iopub.socket, self._on_iopub)
        if self._shell.socket in ready:
            self._drain(self._shell.socket, self._on_shell)
        if self._exit is None and self._supervisor.status_fd in ready:
            # What the kernel sent before it ended is read before its end is told.
            if (ended := self._supervisor.exit) is not None:
                self._drain(self._iopub.socket, self._on_iopub)
                self._drain(self._shell.socket, self._on_shell)
                self._end(ended)
            self._release()
        if dropped and self._exit is None:
            self._reconnect(context, dropped)
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
            with self._lock:
                calls, self._calls = self._calls, []
            for call in calls:
                call()
        self._keep_time()

    def _patience(self) -> int | None:
        """Return the milliseconds until something is due."""
        due = [when for request in self._requests.values() for when in self._due(request)]
        if not due:
            return None
        return max(0, int((min(due) - time.monotonic()) * 1000) + 1)

    def _due(self, request: Request) -> list[float]:
        times = []
        if request.kill_at is not None and not request.killed:
            times.append(request.kill_at)
        if request.again_at is not None and not request.over:
            times.append(request.again_at)
        if request.deadline is not None and request.reason is None and not request.over:
            times.append(request.sent_at + request.deadline)
        if request.over or (request.idle and not request.probed):
            times.append(request.last_heard + request.idle_seconds)
        if not request.taken_up and request.take_up_seconds is not None and not request.reason:
            times.append(request.sent_at + request.take_up_seconds)
        return times

    def _keep_time(self) -> None:
        now = time.monotonic()
        for request in [*self._requests.values()]:
            if not any(when <= now for when in self._due(request)):
                continue
            if request.over:
                if request.last_heard + request.idle_seconds <= now:
                    request.lost_detail = request.lost_detail or "Its last outputs may be missing."
                    self._finish(request)
            elif request.idle and not request.probed:
                self._probe(request)
            elif request.again_at is not None and request.again_at <= now:
                request.again_at = None
                self._signal(request)
            elif request.kill_at is not None and request.kill_at <= now:
                request.killed = True
                self._supervisor.stop()
            elif request.deadline is not None and request.sent_at + request.deadline <= now:
                self._interrupt(request, "timeout")
            else:
                self._interrupt(request, "not_taken_up")

    def _send(self, request: Request) -> None:
        if self._exit is not None or self._closing:
            request.finish(self._exit or KernelExit(None, ""))
            return
        if self._signals_sent > self._supervisor.signals_passed:
            # An interrupt meant for what ran before is still on its way.
            self._held.append(request)
            return
        message = self._session.msg(request.msg_type, request.content)
        request.msg_id = message["header"]["msg_id"]
        request.sent_at = request.last_heard = time.monotonic()
        self._requests[request.msg_id] = request
        self._session.send(self._shell.socket, message)

    def _interrupt(self, request: Request, reason: StopReason) -> None:
        if request.msg_id not in self._requests or request.over:
            return
        if request.reason is None or reason == "abandoned":
            request.reason = reason
        if request.kill_at is None:
            now = time.monotonic()
            request.kill_at = now + self._limits.grace_seconds
            # Code that tries again after any exception swallows the first interrupt.
            request.again_at = now + self._limits.grace_seconds / 2
            # A kernel that has not begun with it would ignore the signal.
            if request.taken_up or reason == "not_taken_up":
                self._signal(request)

    def _signal(self, request: Request) -> None:
        self._signals_sent += 1
        self._supervisor.signal(signal.SIGINT)
        self._unprobed.append(request)

    def _release(self) -> None:
        """Do what had to wait until the signals arrived."""
        if self._signals_sent > self._supervisor.signals_passed:
            return
        unprobed, self._unprobed = self._unprobed, []
        for request in unprobed:
            self._probe(request)
        held, self._held = self._held, []
        for request in held:
            self._send(request)

    def _probe(self, request: Request) -> None:
        """Ask something small behind a request that was disturbed.

        The kernel answers in order, so its answer tells that the request is over, even if the
        interrupt hit ipykernel just when it was about to reply. It also wakes ipykernel's event
        loop, which otherwise sees the interrupt of a cell that awaits only at its next event.
        """
        if request.msg_id in self._requests:
            request.probed = True
            message = self._session.msg("kernel_info_request", {})
            self._probes[message["header"]["msg_id"]] = request
            self._session.send(self._shell.socket, message)

    def _drain(self, socket: zmq.Socket[bytes], handle: Callable[[list[zmq.Frame]], None]) -> None:
        # A bounded number, so that a flood on one channel does not starve the others.
        for _ in range(200):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                handle(frames)
            except Exception as error:  # noqa: BLE001 - whatever a hostile message can cause
                _log.debug("a message of the kernel was dropped: %s", error)

    def _parse(self, frames: list[zmq.Frame]) -> tuple[str, dict[str, Any], Request | None]:
        _, parts = self._session.feed_identities(frames, copy=False)
        message = self._session.deserialize(parts, copy=False)
        parent = message["parent_header"].get("msg_id")
        content = message["content"]
        return message["msg_type"], content, self._requests.get(parent, self._probes.get(parent))

    def _on_iopub(self, frames: list[zmq.Frame]) -> None:
        size = sum(len(frame) for frame in frames)
        # Only one request runs at a time; only its outputs can be many.
        over = any(request.bytes > request.byte_limit for request in self._requests.values())
        if size > _SMALL and (over or not self._requests):
            return
        msg_type, content, request = self._parse(frames)
        if request is None:
            return
        if not request.taken_up:
            request.taken_up = True
            if request.kill_at is not None:
                self._signal(request)
        request.last_heard = time.monotonic()
        if msg_type == "status":
            if content.get("execution_state") == "idle":
                request.idle = True
                self._finish_if_over(request)
            return
        request.bytes += size
        if request.bytes > request.byte_limit:
            self._interrupt(request, "output_limit")
            return
        output = from_message(msg_type, content)
        if output is not None:
            request.put(output)

    def _on_shell(self, frames: list[zmq.Frame]) -> None:
        _, parts = self._session.feed_identities(frames, copy=False)
        message = self._session.deserialize(parts, copy=False)
        parent = message["parent_header"].get("msg_id")
        request = self._requests.get(parent)
        if request is not None and isinstance(message["content"], dict):
            request.reply = message["content"]
        elif request is None and (request := self._probes.get(parent)) is not None:
            request.replied = True
        if request is not None:
            request.last_heard = time.monotonic()
            self._finish_if_over(request)

    def _finish_if_over(self, request: Request) -> None:
        if request.idle and request.over:
            self._finish(request)

    def _finish(self, request: Request, exit_: KernelExit | None = None) -> None:
        self._requests.pop(request.msg_id, None)
        self._probes = {key: other for key, other in self._probes.items() if other is not request}
        request.finish(exit_)

    def _end(self, ended: KernelExit) -> None:
        self._exit = ended
        for request in [*self._requests.values()]:
            self._finish(request, ended)

    def _close(self) -> None:
        self._closing = True

    def _note_loss(self) -> None:
        """Stop what runs: libzmq drops a connection at a message over the limit."""
        size = self._limits.message_bytes // (1024 * 1024)
        for request in self._requests.values():
            request.lost_detail = (
                f"An output larger than {size} MiB was dropped and the code was stopped."
            )
            self._interrupt(request, "output_limit")

    def _reconnect(self, context: zmq.Context[zmq.Socket[bytes]], dropped: list[_Channel]) -> None:
        """Replace connections that libzmq dropped, after reading what they still hold."""
        if self._iopub in dropped:
            self._drain(self._iopub.socket, self._on_iopub)
            self._iopub.close()
            self._iopub = _Channel(context, zmq.SUB, self._urls["iopub"])
        if self._shell in dropped:
            self._drain(self._shell.socket, self._on_shell)
            self._shell.close()
            self._shell = _Channel(context, zmq.DEALER, self._urls["shell"])
        for request in [*self._requests.values()]:
            # A probe sent before the connection was replaced is lost with it.
            if request not in self._unprobed:
                self._probe(request)
