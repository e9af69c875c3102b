"""One request to a kernel, from its sending to its end, seen from both sides.

The connection's thread writes into it; a coroutine of any event loop reads from it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from kernel_sandbox.outputs import Output
from kernel_sandbox.supervisor import KernelExit

StopReason = Literal["timeout", "interrupted", "output_limit", "abandoned", "not_taken_up"]
"""Why a request was stopped before its own end."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a request.

    ``reply``: the content of the kernel's reply, ``None`` when it was lost or never came.
    ``exit``: how the kernel ended, if it did. ``killed``: we ended it, since it would not stop.
    ``buffers``: binary parts of the reply.
    ``lost``: some messages were not received; ``lost_detail`` says which, one sentence.
    """

    reply: dict[str, Any] | None
    seconds: float
    reason: StopReason | None = None
    exit: KernelExit | None = None
    killed: bool = False
    lost_detail: str | None = None
    buffers: tuple[bytes, ...] = ()


class Request:
    """What is asked, what came back so far.

    ``deadline``: seconds from sending until it is interrupted. ``byte_limit``: of all outputs.
    ``idle_seconds``: how long, after the reply, to wait in silence for the kernel to say it is
    idle; its outputs come another way than the reply and might be behind it.
    ``take_up_seconds``: how long a kernel may take to say that it begins. One that ran out of
    memory can lose requests.
    """

    def __init__(
        self,
        msg_type: str,
        content: dict[str, Any],
        *,
        byte_limit: int,
        deadline: float | None = None,
        idle_seconds: float = 1.0,
        take_up_seconds: float | None = None,
        buffers: list[bytes] | None = None,
    ) -> None:
        self.msg_type = msg_type
        self.content = content
        self.byte_limit = byte_limit
        self.deadline = deadline
        self.idle_seconds = idle_seconds
        self.take_up_seconds = take_up_seconds
        self.buffers = buffers

        # Of the connection's thread.
        self.msg_id = ""
        self.sent_at = 0.0
        self.bytes = 0
        self.reply: dict[str, Any] | None = None
        self.reply_buffers: tuple[bytes, ...] = ()
        self.replied = False
        self.idle = False
        self.taken_up = False
        self.probed = False
        self.last_heard = 0.0
        self.reason: StopReason | None = None
        self.again_at: float | None = None
        self.kill_at: float | None = None
        self.killed = False
        self.lost_detail: str | None = None

        # Between both.
        self.finished: concurrent.futures.Future[Finished] = concurrent.futures.Future()
        # Cancelling a coroutine that waits for it must not cancel it.
        self.finished.set_running_or_notify_cancel()
        self._events: deque[Output | Finished] = deque()
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the kernel is done with it, though outputs may be on their way."""
        return self.replied or self.reply is not None

    def put(self, event: Output | Finished) -> None:
        """Hand over an event; called by the connection's thread."""
        self._events.append(event)
        # A closed loop has nobody left who reads.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrived.set)

    def finish(self, exit_: KernelExit | None = None) -> None:
        """End it; called by the connection's thread."""
        end = Finished(
            reply=self.reply,
            seconds=time.monotonic() - self.sent_at if self.sent_at else 0.0,
            reason=self.reason,
            exit=exit_,
            killed=self.killed,
            lost_detail=self.lost_detail,
            buffers=self.reply_buffers,
        )
        self.finished.set_result(end)
        self.put(end)

    async def next_event(self) -> Output | Finished:
        """Return the next output, or at last the end. In the loop the request was made in."""
        while not self._events:
            self._arrived.clear()
            # Set between the look and the clearing: look again before waiting.
            if self._events:
                break
            await self._arrived.wait()
        return self._events.popleft()
