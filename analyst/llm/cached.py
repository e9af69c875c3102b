"""A model that gives kept replies again, to exactly the same requests.

Equal means equal in all that decides a reply: where it is asked, the model, every message, the
tools, and the sampling with its seed. Here: that key, and playing a kept reply. Not here: the
files (:mod:`analyst.llm.reply_store`), and whether replies are kept at all (a setting; never for
private runs).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    LanguageModel,
    NativeToolCall,
    StreamItem,
    TextDelta,
)
from analyst.llm.reply_store import KeptCall, KeptReply, ReplyStore
from analyst.llm.sampling import ManyReplies, one_after_another
from analyst.record.events import Usage

KEY_VERSION = 1
"""Raised when replies kept before should not be found any more."""

WHOLE = frozenset({"stop", "length", "tool_calls", "function_call"})
"""Finish reasons of replies that are kept: those that came to an end of their own."""

_PIECE = 80


class CachedModel:
    """Asks ``model`` only for what was not asked before; a :class:`LanguageModel`.

    ``where`` names the endpoint, and the weights where they are known: models of one name at two
    places are two. A request that cannot be told apart from others for sure is always sent.
    """

    def __init__(self, model: LanguageModel, store: ReplyStore, *, where: str) -> None:
        self.model = model
        self._store = store
        self._where = where

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def context_window(self) -> int:
        """Tokens that prompt and reply may hold together."""
        return self.model.context_window

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[StreamItem, None]:
        """Stream one reply, kept or new; see :meth:`LanguageModel.complete`."""
        started = time.monotonic()
        key = request_key(request, model=self.name, where=self._where)
        kept = await asyncio.to_thread(self._store.get, key) if key else None
        if kept is not None:
            for item in _played(kept, started):
                yield item
            return
        async for new in self.model.complete(request):
            if key and isinstance(new, Completion) and _is_whole(new):
                await asyncio.to_thread(self._store.put, key, _kept(new))
            yield new

    async def complete_many(self, request: CompletionRequest, count: int) -> Sequence[Completion]:
        """Return ``count`` replies, kept or new; see :class:`~analyst.llm.sampling.ManyReplies`."""
        if not isinstance(self.model, ManyReplies):
            return await one_after_another(self, request, count)
        started = time.monotonic()
        key = request_key(request, model=self.name, where=self._where)
        keys = [_part_of(key, number, count) for number in range(count)] if key else []
        kept = [await asyncio.to_thread(self._store.get, one) for one in keys]
        found = [one for one in kept if one is not None]
        if len(found) == count:
            return [_given_again(one, started) for one in found]
        replies = await self.model.complete_many(request, count)
        if all(_is_whole(reply) for reply in replies):
            for one, reply in zip(keys, replies, strict=False):
                # They took that time together.
                share = replace(reply, seconds=reply.seconds / count)
                await asyncio.to_thread(self._store.put, one, _kept(share))
        return replies

    async def aclose(self) -> None:
        """Let connections go."""
        await self.model.aclose()


def request_key(request: CompletionRequest, *, model: str, where: str) -> str | None:
    """Return the SHA-256 of all that decides the reply; ``None`` if it cannot be written down."""
    parts = {
        "version": KEY_VERSION,
        "where": where,
        "model": model,
        "messages": request.messages,
        "tools": request.tools,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "stop": request.stop,
        "grammar": request.grammar,
    }
    try:
        text = json.dumps(_plain(parts), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def _part_of(key: str, number: int, count: int) -> str:
    """Return the key of one of several replies that were written together.

    Those are no replies to single requests: a server may draw them from other seeds.
    """
    return hashlib.sha256(f"{key} {number} of {count}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return mappings and sequences as JSON knows them; raises :class:`TypeError` for names."""
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            # JSON would make one name of 1 and "1".
            raise TypeError("only text can be a name")
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value


def _is_whole(reply: Completion) -> bool:
    return reply.finish_reason in WHOLE and bool(reply.text.strip() or reply.tool_calls)


def _kept(reply: Completion) -> KeptReply:
    return KeptReply(
        text=reply.text,
        tool_calls=tuple(
            KeptCall(call_id=call.call_id, name=call.name, arguments=call.arguments)
            for call in reply.tool_calls
        ),
        finish_reason=reply.finish_reason or "stop",
        usage=reply.usage,
        seconds=reply.seconds,
    )


def _played(kept: KeptReply, started: float) -> Iterator[StreamItem]:
    first: float | None = None
    for start in range(0, len(kept.text), _PIECE):
        first = first if first is not None else time.monotonic() - started
        yield TextDelta(kept.text[start : start + _PIECE])
    yield _given_again(kept, started, first=first)


def _given_again(kept: KeptReply, started: float, *, first: float | None = None) -> Completion:
    return Completion(
        text=kept.text,
        tool_calls=tuple(
            NativeToolCall(call.call_id, call.name, call.arguments) for call in kept.tool_calls
        ),
        finish_reason=kept.finish_reason,
        usage=Usage(input=kept.usage.input, cached=kept.usage.input),
        seconds=time.monotonic() - started,
        seconds_to_first_token=first,
        replayed=kept.usage,
        replayed_seconds=kept.seconds,
    )
