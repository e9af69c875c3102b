"""One request to a notebook's kernel that leaves no trace in it, also while it is busy.

Here: messages, channels, subshells. Not here: what is asked
(:mod:`analyst.frontends.server.notebook_kernels`).

A kernel that can (ipykernel 7) answers in a subshell, a thread beside the one that runs cells.
"""

from __future__ import annotations

import ast
import asyncio
import json
from typing import Any, Self

from analyst.frontends.server.errors import BusyError, NotThereError, RefusedError

CONTROL_SECONDS = 5.0
BUSY_SECONDS = 2.0
"""How long a kernel without subshells may take to begin with our request."""

_TICK_SECONDS = 1.0
_FRAME = (
    "(lambda builtins, space: (builtins.exec(builtins.compile({source!r}, '<the analyst>', 'exec'),"
    " space), {then})[1])(__import__('builtins'), {{'__name__': '_analyst'}})"
)
_BUSY = (
    "The notebook's kernel is busy; ask again when its cell has ended. (With ipykernel 7 or newer "
    "in its environment its tables can be read meanwhile.)"
)


class KernelRequests:
    """A connection to one kernel. Use it in an ``async with`` block, in the server's loop."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._client = manager.client()
        self._subshell: str | None = None

    async def __aenter__(self) -> Self:
        unneeded = {"iopub": False, "stdin": False, "hb": False}
        self._client.start_channels(**unneeded)
        try:
            await self._open()
        except BaseException:
            self._client.stop_channels()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._subshell is not None:
                await self._control("delete_subshell_request", {"subshell_id": self._subshell})
        except RefusedError:
            pass  # the kernel has ended, and its subshells with it
        finally:
            self._client.stop_channels()

    async def ask(self, source: str, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """Run the helper ``source`` with ``request`` and return its answer.

        Raises :class:`RefusedError` when the kernel cannot answer, within ``seconds``.
        """
        message = self._message(
            "execute_request",
            {
                "code": _FRAME.format(source=source, then="space['begin']()"),
                "silent": True,
                "store_history": False,
                "user_expressions": {
                    "answer": _FRAME.format(
                        source=source, then=f"(space['end'](), space['answer']({request!r}))[1]"
                    )
                },
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        reply = await self._reply(self._client.shell_channel, message, seconds)
        try:
            value = reply["user_expressions"]["answer"]
            found = json.loads(ast.literal_eval(value["data"]["text/plain"]))
        except (KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
            raise RefusedError(
                "The notebook's kernel gave no answer that can be read; restart it, or hand over "
                "a file."
            ) from None
        return found if isinstance(found, dict) else {}

    async def _open(self) -> None:
        info = await self._control("kernel_info_request", {})
        if str(info.get("language_info", {}).get("name")) != "python":
            raise RefusedError("Tables can be taken from Python kernels only; hand over a file.")
        if "kernel subshells" in info.get("supported_features", ()):
            reply = await self._control("create_subshell_request", {})
            self._subshell = str(reply["subshell_id"]) if reply.get("subshell_id") else None

    async def _control(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        message = self._client.session.msg(kind, content)
        return await self._reply(self._client.control_channel, message, CONTROL_SECONDS)

    def _message(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = self._client.session.msg(kind, content)
        if self._subshell is not None:
            message["header"]["subshell_id"] = self._subshell
        return message

    async def _reply(self, channel: Any, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        channel.send(message)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    reply = await self._next(channel)
                    if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                        content: dict[str, Any] = reply["content"]
                        return content
        except TimeoutError:
            raise BusyError(_BUSY) from None

    async def _next(self, channel: Any) -> dict[str, Any]:
        """Return the next message; raises when the kernel has ended."""
        while not await channel.socket.poll(_TICK_SECONDS * 1000):
            if not await self._manager.is_alive():
                raise NotThereError("The notebook's kernel has ended; start it again.")
        reply: dict[str, Any] = await channel.get_msg(timeout=CONTROL_SECONDS)
        return reply

    @property
    def has_subshell(self) -> bool:
        """Whether requests are answered while a cell runs."""
        return self._subshell is not None
