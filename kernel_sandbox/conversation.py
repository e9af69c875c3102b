"""What is asked of a kernel and what comes back, whatever way messages take.

Outputs are counted and dropped beyond the limit, deadlines kept, interrupts sent and probed, ends
told. Subclasses own a way to the kernel and the thread that serves it; all that is private here
runs in that thread. A kernel may run hostile code, which can send anything: nothing that arrives
may raise out of the thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from kernel_sandbox.channels import Message
from kernel_sandbox.limits import MIB, Limits
from kernel_sandbox.outputs import from_message
from kernel_sandbox.request import Request, StopReason
from kernel_sandbox.supervisor import KernelExit

_log = logging.getLogger(__name__)

_SMALL = 64 * 1024
"""Messages of a request over its limit are still looked at up to this size, for its end."""


class KernelProcess(Protocol):
    """What a conversation needs of the process it talks to; none of it blocks."""

    signals_passed: int

    @property
    def exit(self) -> KernelExit | None:
        """How it ended, once it did."""
        ...

    def signal(self, number: int) -> None:
        """Send it a signal; ``signals_passed`` grows when that has happened."""
        ...

    def stop(self) -> None:
        """Ask for its end."""
        ...

    def close(self) -> None:
        """Give up what is held of it, once it has ended."""
        ...


class Conversation(ABC):
    """The requests to one running kernel. Public methods may be called from any thread."""

    def __init__(self, process: KernelProcess, *, limits: Limits) -> None:
        self._process = process
        self._limits = limits
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
        self._process.stop()
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

    @abstractmethod
    def _send_message(
        self, msg_type: str, content: dict[str, Any], buffers: list[bytes] | None = None
    ) -> str:
        """Send a request to the kernel and return its id."""

    @abstractmethod
    def _serve(self) -> None:
        """Read and keep time until ``_closing``."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Close the way to the kernel."""

    # The rest runs in the thread.

    def _run(self) -> None:
        try:
            self._serve()
        except Exception:  # noqa: BLE001 - a thread that ends silently would leave callers waiting
            _log.exception("the connection to a kernel failed")
            self._process.stop()
        finally:
            self._end(self._exit or KernelExit(None, ""))
            self._hang_up()
            with self._lock:
                self._closed = self._closing = True
                os.close(self._wake)
                os.close(self._woken)
                calls, self._calls = self._calls, []
            for call in calls:
                call()
            if self._reap:
                self._process.close()

    def _do_calls(self) -> None:
        """Do what other threads asked for."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        with self._lock:
            calls, self._calls = self._calls, []
        for call in calls:
            call()

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
                self._process.stop()
            elif request.deadline is not None and request.sent_at + request.deadline <= now:
                self._interrupt(request, "timeout")
            else:
                self._interrupt(request, "not_taken_up")

    def _send(self, request: Request) -> None:
        if self._exit is not None or self._closing:
            request.finish(self._exit or KernelExit(None, ""))
            return
        if self._signals_sent > self._process.signals_passed:
            # An interrupt meant for what ran before is still on its way.
            self._held.append(request)
            return
        request.sent_at = request.last_heard = time.monotonic()
        request.msg_id = self._send_message(request.msg_type, request.content, request.buffers)
        self._requests[request.msg_id] = request

    def _interrupt(self, request: Request, reason: StopReason) -> None:
        if request in self._held:
            self._held.remove(request)
            request.reason = reason
            request.finish()
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
        self._process.signal(signal.SIGINT)
        self._unprobed.append(request)

    def _release(self) -> None:
        """Do what had to wait until the signals arrived."""
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
            self._probes[self._send_message("kernel_info_request", {})] = request

    def _request_of(self, parent: str | None) -> Request | None:
        if parent is None:
            return None
        return self._requests.get(parent, self._probes.get(parent))

    def _is_flood(self, size: int) -> bool:
        """Whether an output of ``size`` bytes is not worth looking at."""
        # Only one request runs at a time; only its outputs can be many.
        over = any(request.bytes > request.byte_limit for request in self._requests.values())
        return size > _SMALL and (over or not self._requests)

    def _on_output(self, message: Message, size: int) -> None:
        request = self._request_of(message.parent)
        if request is None:
            return
        if not request.taken_up:
            request.taken_up = True
            if request.kill_at is not None:
                self._signal(request)
        request.last_heard = time.monotonic()
        if message.msg_type == "status":
            if message.content.get("execution_state") == "idle":
                request.idle = True
                self._finish_if_over(request)
            return
        request.bytes += size
        if request.bytes > request.byte_limit:
            self._interrupt(request, "output_limit")
            return
        output = from_message(message.msg_type, message.content)
        if output is not None:
            request.put(output)

    def _on_reply(self, message: Message) -> None:
        request = self._request_of(message.parent)
        if request is None:
            return
        if message.parent != request.msg_id:
            request.replied = True
        elif isinstance(message.content, dict):
            request.reply = message.content
            request.reply_buffers = message.buffers
        request.last_heard = time.monotonic()
        self._finish_if_over(request)

    def _finish_if_over(self, request: Request) -> None:
        # A reply that is missing may have been dropped for its size; that is told a little later.
        unexplained = request.reply is None and request.reason is None
        if request.idle and request.over and not unexplained:
            self._finish(request)

    def _finish(self, request: Request, exit_: KernelExit | None = None) -> None:
        self._requests.pop(request.msg_id, None)
        self._probes = {key: other for key, other in self._probes.items() if other is not request}
        request.finish(exit_)

    def _end(self, ended: KernelExit) -> None:
        self._exit = ended
        for request in [*self._requests.values()]:
            self._finish(request, ended)
        self._release()

    def _close(self) -> None:
        self._closing = True

    def _note_loss(self) -> None:
        size = f"{self._limits.message_bytes / MIB:g} MiB"
        for request in [*self._requests.values()]:
            request.lost_detail = (
                f"An output larger than {size} was dropped and the code was stopped."
            )
            if request.over and request.reply is None:
                request.reason = request.reason or "output_limit"
                self._finish_if_over(request)
            else:
                self._interrupt(request, "output_limit")
