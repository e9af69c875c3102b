"""Requests to a model beside the conversation: recorded and paid for, but no steps of the run.

Not here: what is asked, and what is made of the replies (:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from analyst.agent.budget import Budget
from analyst.agent.context import Context
from analyst.agent.task import Progress
from analyst.llm.completion import Completion, CompletionRequest, LanguageModel
from analyst.llm.sampling import sample
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.record.prompts import shared_prefix


@dataclass(frozen=True, kw_only=True)
class SideRequests:
    """What one run asks besides; ``check`` is on whose account."""

    context: Context
    budget: Budget
    make: EventMaker
    progress: Progress

    async def send(
        self, model: LanguageModel, request: CompletionRequest, *, check: str, count: int = 1
    ) -> AsyncIterator[events.Event | Completion]:
        """Ask for ``count`` replies side by side; yield what happens, and the replies.

        Raises :class:`analyst.llm.completion.ModelError`.
        """
        first = self.progress.requests
        request = replace(request, seed=first)
        for number in range(count):
            yield self._sent(replace(request, seed=first + number))
        for number, reply in enumerate(await sample(model, request, count)):
            yield self._replied(reply, model, first + number, check)
            yield reply

    def note(self, code: str, text: str, level: events.NoteLevel = "info") -> events.Note:
        """Return a note on a check."""
        return self.make(events.Note, level=level, code=code, text=text)

    def _sent(self, request: CompletionRequest) -> events.Prompt:
        messages = list(request.messages)
        prefix = shared_prefix(self.progress.sent, messages)
        self.progress.sent = messages
        self.progress.requests += 1
        return self.make(
            events.Prompt,
            request=self.progress.requests - 1,
            prefix=prefix,
            messages=tuple(dict(message) for message in messages[prefix:]),
            sampling={
                "temperature": request.temperature,
                "seed": request.seed,
                "max_tokens": request.max_tokens,
            },
        )

    def _replied(
        self, reply: Completion, model: LanguageModel, request: int, check: str
    ) -> events.ModelResponded:
        kept = reply.replayed is not None
        self.budget.count_beside(reply.usage, model=model.name, kept=kept)
        self.progress.charge(check, usage=reply.usage)
        return self.make(
            events.ModelResponded,
            request=request,
            text=reply.text,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            seconds=reply.seconds,
            seconds_to_first_token=reply.seconds_to_first_token,
            from_cache=kept,
            usage_when_asked=reply.replayed,
            seconds_when_asked=reply.replayed_seconds,
        )
