"""Sending one request to a model, as events, and counting its reply.

Not here: what is asked (:mod:`analyst.agent.loop` and others), and what a reply means
(:mod:`analyst.agent.protocol`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from analyst.agent.budget import Budget
from analyst.agent.task import Progress
from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    LanguageModel,
    RequestRetried,
    TextDelta,
)
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.record.prompts import shared_prefix

MIN_REPLY_TOKENS = 64


def reply_limit(model: LanguageModel, budget: Budget, wanted: int) -> int:
    """Return how many tokens a reply may have: those wanted, as far as the budget goes."""
    return min(wanted, max(MIN_REPLY_TOKENS, budget.reply_room(model.name)))


def budget_notes(
    budget: Budget, model: LanguageModel, make: EventMaker, *, beside: bool = False
) -> Iterator[events.Note]:
    """Tell what the user should know before a model is asked; see :meth:`.Budget.news`."""
    for one in budget.news(model.name, beside=beside):
        yield make(events.Note, level="warning", code=one.code, text=one.text)


async def send(
    model: LanguageModel,
    request: CompletionRequest,
    budget: Budget,
    make: EventMaker,
    progress: Progress,
) -> AsyncIterator[events.Event | Completion]:
    """Send a request; yield what happens, and last the reply."""
    for note in budget_notes(budget, model, make):
        yield note
    number = progress.requests
    prefix = shared_prefix(progress.sent, request.messages)
    progress.sent = list(request.messages)
    new_tools = () if progress.told_tools else tuple(dict(tool) for tool in request.tools)
    progress.told_tools = progress.told_tools or bool(new_tools)
    yield make(
        events.Prompt,
        request=number,
        prefix=prefix,
        messages=tuple(dict(message) for message in request.messages[prefix:]),
        tools=new_tools,
        sampling={
            "temperature": request.temperature,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
        },
    )
    progress.requests += 1
    async for item in model.complete(request):
        if isinstance(item, TextDelta):
            yield make(events.MessageDelta, request=number, text=item.text)
        elif isinstance(item, RequestRetried):
            yield make(
                events.Note,
                level="warning",
                code="request_retried",
                text=f"{item.reason} Trying again (attempt {item.attempt}).",
            )
        else:
            yield item


def counted(
    reply: Completion, model: LanguageModel, budget: Budget, make: EventMaker, progress: Progress
) -> events.ModelResponded:
    """Count a reply, and return the event that tells it."""
    kept = reply.replayed is not None
    budget.count_reply(reply.usage, model=model.name, kept=kept)
    progress.seconds_model += reply.seconds
    return make(
        events.ModelResponded,
        request=progress.requests - 1,
        text=reply.text,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        seconds=reply.seconds,
        seconds_to_first_token=reply.seconds_to_first_token,
        from_cache=kept,
        usage_when_asked=reply.replayed,
        seconds_when_asked=reply.replayed_seconds,
    )
