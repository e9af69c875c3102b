"""A model that is none: it plays replies written beforehand, for tests of the harness.

Here: :class:`ScriptedModel`. Nothing it says is an answer to anything, and its name says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    ModelError,
    NativeToolCall,
    RequestRetried,
    StreamItem,
    TextDelta,
)
from analyst.record.events import Usage

_NAME = "scripted replies, no model"
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True)
class ScriptedReply:
    """One reply to play.

    ``retries`` are played before the text. ``seconds_before`` delays the first piece,
    ``seconds_between`` each further one. With ``hold`` the reply stops after its first piece
    until the event is set. ``fails_with`` is raised after the text. ``usage`` is estimated
    from the lengths of the texts when it is not given.
    """

    text: str = ""
    tool_calls: tuple[NativeToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    retries: tuple[RequestRetried, ...] = ()
    seconds_before: float = 0.0
    seconds_between: float = 0.0
    hold: asyncio.Event | None = None
    fails_with: ModelError | None = None


PlainReply = str | NativeToolCall | Sequence[NativeToolCall] | ModelError | ScriptedReply
Reply = PlainReply | Callable[[CompletionRequest], PlainReply]
"""What a script is made of. A callable computes its reply from the request."""


class ScriptExhaustedError(AssertionError):
    """A request came for which the script holds no reply: the test is wrong, or the loop."""


class ScriptedModel:
    """Plays ``replies`` in turn, streamed in pieces of ``piece`` characters.

    ``requests`` holds what was asked, in order; ``closed`` whether :meth:`aclose` was called.
    """

    def __init__(
        self,
        replies: Iterable[Reply],
        *,
        label: str = "",
        context_window: int = 16_384,
        piece: int = 16,
    ) -> None:
        self._replies = list(replies)
        self._label = label
        self._context_window = context_window
        self._piece = piece
        self.requests: list[CompletionRequest] = []
        self.closed = False

    @property
    def name(self) -> str:
        """A name that says that no model is behind it."""
        return f"{_NAME} ({self._label})" if self._label else _NAME

    @property
    def context_window(self) -> int:
        """Tokens that prompt and reply may hold together, as the test wants it."""
        return self._context_window

    @property
    def replies_left(self) -> int:
        """How many replies were not asked for yet."""
        return len(self._replies) - len(self.requests)

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[StreamItem, None]:
        """Play the next reply; raises :class:`ScriptExhaustedError` after the last."""
        started = time.monotonic()
        reply = self._next_reply(request)
        for retry in reply.retries:
            yield retry
        await asyncio.sleep(reply.seconds_before)
        first_token: float | None = None
        for start in range(0, len(reply.text), self._piece):
            if start:
                await asyncio.sleep(reply.seconds_between)
            else:
                first_token = time.monotonic() - started
            yield TextDelta(reply.text[start : start + self._piece])
            if not start and reply.hold is not None:
                await reply.hold.wait()
        if reply.fails_with is not None:
            raise reply.fails_with
        yield Completion(
            text=reply.text,
            tool_calls=reply.tool_calls,
            finish_reason=reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop"),
            usage=reply.usage or self._estimated_usage(request, reply),
            seconds=time.monotonic() - started,
            seconds_to_first_token=first_token,
        )

    async def aclose(self) -> None:
        """Note that the owner let go."""
        self.closed = True

    def _next_reply(self, request: CompletionRequest) -> ScriptedReply:
        if not self.replies_left:
            raise ScriptExhaustedError(
                f"the script holds {len(self._replies)} replies and was asked for one more"
            )
        reply = self._replies[len(self.requests)]
        # Messages may be a list that the caller goes on appending to.
        self.requests.append(_frozen(request))
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, ScriptedReply):
            return reply
        if isinstance(reply, str):
            return ScriptedReply(text=reply)
        if isinstance(reply, ModelError):
            return ScriptedReply(fails_with=reply)
        if isinstance(reply, NativeToolCall):
            return ScriptedReply(tool_calls=(reply,))
        return ScriptedReply(tool_calls=tuple(reply))

    def _estimated_usage(self, request: CompletionRequest, reply: ScriptedReply) -> Usage:
        """Count as a server with a prompt cache would: what was sent before is cached."""
        cached = 0
        if len(self.requests) > 1:
            for message, before in zip(request.messages, self.requests[-2].messages, strict=False):
                if message != before:
                    break
                cached += _tokens(message)
        written = reply.text + "".join(call.arguments for call in reply.tool_calls)
        return Usage(
            input=sum(_tokens(message) for message in request.messages),
            output=_tokens(written),
            cached=cached,
        )


def _frozen(request: CompletionRequest) -> CompletionRequest:
    return replace(
        request,
        messages=tuple(dict(message) for message in request.messages),
        tools=tuple(request.tools),
        stop=tuple(request.stop),
    )


def _tokens(written: Any) -> int:
    return max(1, len(str(written)) // _CHARACTERS_PER_TOKEN)
