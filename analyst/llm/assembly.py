"""One streamed reply put together from its chunks.

Here: text, native tool calls, usage and finish reason, as the many dialects of chunks give
them, and stop sequences for endpoints that take none. Not here: the connection the chunks
come from (:mod:`analyst.llm.client`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyst.llm.completion import Completion, NativeToolCall
from analyst.record.events import Usage


@dataclass
class _PartialCall:
    call_id: str
    name: str
    arguments: str


class ReplyAssembler:
    """Takes chunks of one reply in, gives the text to show and the whole reply out."""

    def __init__(self) -> None:
        self._stop: list[str] = []
        self._held = ""
        self._text: list[str] = []
        self._calls: list[_PartialCall] = []
        self._call_at: dict[int, _PartialCall] = {}
        self.usage = Usage()
        self.finish_reason: str | None = None
        self.stopped = False
        """A stop sequence was found: nothing more is wanted of this reply."""
        self.chunks = 0
        self.generated = False
        """Whether the model has begun to write, be it thoughts that are not shown."""

    def stop_at(self, sequences: Sequence[str]) -> None:
        """Honour stop sequences here, because the endpoint does not."""
        self._stop = [sequence for sequence in sequences if sequence]

    def add(self, chunk: Any) -> str:
        """Take one chunk in and return the text it makes showable, perhaps none."""
        self.chunks += 1
        if usage := getattr(chunk, "usage", None):
            self.usage = _read_usage(usage)
        choices = getattr(chunk, "choices", None)
        if not choices:
            return ""
        choice = choices[0]
        shown = ""
        if (delta := getattr(choice, "delta", None)) is not None:
            shown = self._add_delta(delta)
        if reason := getattr(choice, "finish_reason", None):
            self.finish_reason = str(reason)
        return shown

    def _add_delta(self, delta: Any) -> str:
        for call in getattr(delta, "tool_calls", None) or ():
            self.generated = True
            self._add_call(call)
        extra = getattr(delta, "model_extra", None) or {}
        if extra.get("reasoning_content") or extra.get("reasoning"):
            self.generated = True
        text = ""
        for piece in (getattr(delta, "content", None), getattr(delta, "refusal", None)):
            if isinstance(piece, str):
                text += piece
        if not text:
            return ""
        self.generated = True
        return self._release(text)

    def _release(self, text: str) -> str:
        if self._stop:
            text = self._hold_back(self._held + text)
        if text:
            self._text.append(text)
        return text

    def _hold_back(self, text: str) -> str:
        found = [at for sequence in self._stop if (at := text.find(sequence)) >= 0]
        if found:
            self.stopped = True
            self.finish_reason = "stop"
            self._held = ""
            return text[: min(found)]
        # A tail that may be the beginning of a stop sequence waits for its continuation.
        longest = max(len(sequence) for sequence in self._stop) - 1
        for size in range(min(longest, len(text)), 0, -1):
            if any(sequence.startswith(text[-size:]) for sequence in self._stop):
                self._held = text[-size:]
                return text[:-size]
        self._held = ""
        return text

    def flush(self) -> str:
        """Return text that was held back for a stop sequence that never came."""
        held, self._held = self._held, ""
        if held:
            self._text.append(held)
        return held

    def _add_call(self, delta: Any) -> None:
        function = getattr(delta, "function", None)
        name = str(getattr(function, "name", None) or "")
        arguments = getattr(function, "arguments", None)
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        call_id = str(getattr(delta, "id", None) or "")
        index = getattr(delta, "index", None)
        known = self._known_call(index, call_id, name)
        if known is None:
            known = _PartialCall(call_id or f"call_{len(self._calls)}", "", "")
            self._calls.append(known)
        if isinstance(index, int):
            self._call_at[index] = known
        if name and known.name != name:
            known.name += name
        known.arguments += arguments

    def _known_call(self, index: Any, call_id: str, name: str) -> _PartialCall | None:
        at_index = self._call_at.get(index) if isinstance(index, int) else None
        if at_index is None and not isinstance(index, int) and not name and self._calls:
            at_index = self._calls[-1]
        # Some endpoints give every call index 0 and tell them apart by id alone.
        if at_index is not None and name and call_id and call_id != at_index.call_id:
            return None
        return at_index

    def completion(self, *, seconds: float, seconds_to_first_token: float | None) -> Completion:
        """Return the whole reply; times in seconds."""
        return Completion(
            text="".join(self._text),
            tool_calls=tuple(
                NativeToolCall(call.call_id, call.name, call.arguments) for call in self._calls
            ),
            finish_reason=self.finish_reason,
            usage=self.usage,
            seconds=seconds,
            seconds_to_first_token=seconds_to_first_token,
        )


class RepliesAssembler:
    """Takes chunks of several replies to one request in, told apart by their index."""

    def __init__(self, count: int) -> None:
        self._replies = [ReplyAssembler() for _ in range(count)]
        self._ended: ReplyAssembler | None = None

    @property
    def complete(self) -> bool:
        """Whether each reply has ended."""
        return all(one.finish_reason is not None for one in self._replies)

    def add(self, chunk: Any) -> None:
        """Take one chunk in. One without choices holds the usage of the reply that ended last."""
        choices = getattr(chunk, "choices", None)
        if not choices:
            if self._ended is not None:
                self._ended.add(chunk)
            return
        index = getattr(choices[0], "index", 0)
        if not 0 <= index < len(self._replies):
            return
        self._replies[index].add(chunk)
        if self._replies[index].finish_reason:
            self._ended = self._replies[index]

    def completions(self, *, seconds: float) -> list[Completion]:
        """Return the replies; the first alone bears the prompt, which was read once."""
        whole = [
            one.completion(seconds=seconds, seconds_to_first_token=None) for one in self._replies
        ]
        return [
            one if not at else replace(one, usage=Usage(output=one.usage.output))
            for at, one in enumerate(whole)
        ]


def _read_usage(usage: Any) -> Usage:
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        input=_count(getattr(usage, "prompt_tokens", 0)),
        output=_count(getattr(usage, "completion_tokens", 0)),
        cached=_count(getattr(details, "cached_tokens", 0)),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
