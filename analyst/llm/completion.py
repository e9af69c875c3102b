"""What it means to ask a language model: the request, what streams back, and the errors.

Here: plain types and the :class:`LanguageModel` protocol that the agent is written against.
Not here: any endpoint; see :mod:`analyst.llm.client` and :mod:`analyst.llm.scripted`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from analyst.record.events import Usage

Message = Mapping[str, Any]
"""A chat message in the OpenAI shape: ``role``, ``content``, perhaps ``tool_calls``."""


@dataclass(frozen=True, kw_only=True)
class CompletionRequest:
    """One request to the model.

    ``tools`` are OpenAI function tools (native protocol only). ``max_tokens`` bounds the reply.
    ``grammar`` is a GBNF grammar that the embedded server understands; other servers never
    get it. ``stop`` sequences end the reply and are not part of its text. ``aside``: it belongs to
    no conversation, whose cached prompt it must not push out.
    """

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int | None = None
    stop: Sequence[str] = ()
    grammar: str | None = None
    aside: bool = False


@dataclass(frozen=True)
class TextDelta:
    """A piece of the reply's text, as it arrives."""

    text: str


@dataclass(frozen=True)
class RequestRetried:
    """The request failed and is sent again; text streamed so far for it is void."""

    attempt: int
    wait_seconds: float
    reason: str


@dataclass(frozen=True)
class NativeToolCall:
    """A function call as the server reported it; ``arguments`` is the raw JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The whole reply; the last item of a stream. Times are in seconds.

    ``replayed``: the reply was kept from an equal request, and took that much then, and
    ``replayed_seconds``. Its own ``usage`` says that nothing was written and all that was read
    came from a cache.
    """

    text: str
    tool_calls: tuple[NativeToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    seconds_to_first_token: float | None = None
    replayed: Usage | None = None
    replayed_seconds: float | None = None


StreamItem = TextDelta | RequestRetried | Completion


class LanguageModel(Protocol):
    """Anything that answers chat requests."""

    @property
    def name(self) -> str:
        """The model's name, as shown to the user and kept in the record."""
        ...

    @property
    def context_window(self) -> int:
        """How many tokens prompt and reply may hold together."""
        ...

    def complete(self, request: CompletionRequest) -> AsyncIterator[StreamItem]:
        """Stream one reply; its last item is a :class:`Completion`.

        Raises :class:`ModelError` (or a subclass) with a sentence for the user.
        """
        ...

    async def aclose(self) -> None:
        """Let connections go."""
        ...


class ModelError(Exception):
    """The model could not answer; the message says what to do about it."""


class ModelUnreachableError(ModelError):
    """Nobody answers at the endpoint, or the stream was cut too often."""


class ModelAuthenticationError(ModelError):
    """The endpoint refused the key."""


class ModelRateLimitError(ModelError):
    """The endpoint went on refusing for load after all retries."""


class ModelRequestError(ModelError):
    """The endpoint refused the request itself: unknown model, prompt too long."""
