"""Several replies to one request, side by side where the model's server can do that.

Here: the way that works with any model. Not here: how a server does it
(:mod:`analyst.llm.client`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from analyst.llm.completion import Completion, CompletionRequest, LanguageModel


@runtime_checkable
class ManyReplies(Protocol):
    """A model that writes several replies to a request for less than one after the other."""

    async def complete_many(self, request: CompletionRequest, count: int) -> Sequence[Completion]:
        """Return ``count`` replies to a request, each by a seed of its own.

        Raises :class:`analyst.llm.completion.ModelError`.
        """
        ...


async def sample(
    model: LanguageModel, request: CompletionRequest, count: int
) -> Sequence[Completion]:
    """Return ``count`` replies to a request, by seeds from the request's own upwards.

    Raises :class:`analyst.llm.completion.ModelError`.
    """
    if count > 1 and isinstance(model, ManyReplies):
        return await model.complete_many(request, count)
    return await one_after_another(model, request, count)


async def one_after_another(
    model: LanguageModel, request: CompletionRequest, count: int
) -> Sequence[Completion]:
    """Return ``count`` replies, each by a request of its own; see :func:`sample`."""
    return [
        await whole_reply(model, replace(request, seed=(request.seed or 0) + number))
        for number in range(count)
    ]


async def whole_reply(model: LanguageModel, request: CompletionRequest) -> Completion:
    """Return one reply, of which nothing is shown as it is written."""
    async for item in model.complete(request):
        if isinstance(item, Completion):
            return item
    raise AssertionError("a model ends its stream with a completion")
