"""Requests to a model beside the conversation: recorded and paid for, but no steps of the run.

Not here: what is asked, and what is made of the replies (:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from analyst.agent.asking import MIN_REPLY_TOKENS, budget_notes
from analyst.agent.budget import Budget
from analyst.agent.context import CHARACTERS_PER_TOKEN, Context
from analyst.agent.task import Progress
from analyst.llm.completion import Completion, CompletionRequest, LanguageModel
from analyst.llm.sampling import sample
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.record.prompts import shared_prefix

CHECKS: Mapping[str, str] = {
    "second": "a second computation",
    "last_tries": "more tries",
    "critic": "a review",
}
"""What is asked on the account of each check."""


@dataclass(frozen=True, kw_only=True)
class SideRequests:
    """What one run asks besides; ``check`` is on whose account."""

    context: Context
    budget: Budget
    make: EventMaker
    progress: Progress
    _left_out: set[str] = field(default_factory=set)

    async def send(
        self, model: LanguageModel, request: CompletionRequest, *, check: str, count: int = 1
    ) -> AsyncIterator[events.Event | Completion]:
        """Ask for ``count`` replies side by side; yield what happens, and the replies.

        They are fewer, or none, where the budget does not pay for so many. Raises
        :class:`analyst.llm.completion.ModelError`.
        """
        count, most_tokens = self._affordable(model, request, count)
        if not count:
            if check not in self._left_out:
                self._left_out.add(check)
                what = CHECKS.get(check, check)
                text = f"Too little of the budget is left for {what}, so it is left out."
                yield self.note("check_left_out", text, "warning")
            return
        for note in budget_notes(self.budget, model, self.make, beside=True):
            yield note
        first = self.progress.requests
        request = replace(request, seed=first, max_tokens=most_tokens)
        for number in range(count):
            yield self._sent(replace(request, seed=first + number))
        for number, reply in enumerate(await sample(model, request, count)):
            yield self._replied(reply, model, first + number, check)
            yield reply

    def note(self, code: str, text: str, level: events.NoteLevel = "info") -> events.Note:
        """Return a note on a check."""
        return self.make(events.Note, level=level, code=code, text=text)

    def _affordable(
        self, model: LanguageModel, request: CompletionRequest, count: int
    ) -> tuple[int, int]:
        """Return how many replies what is left pays for, and how many tokens each may have.

        A few whole ones are worth more than many that are cut off.
        """
        # What is asked beside is asked of the conversation, or of its beginning.
        written = sum(len(str(message)) for message in request.messages)
        read = self.context.tokens or written // CHARACTERS_PER_TOKEN
        wanted = request.max_tokens
        for replies in range(count, 0, -1):
            room = self.budget.reply_room(model.name, read=replies * read) // replies
            if room >= wanted:
                return replies, wanted
        return (1, room) if room >= MIN_REPLY_TOKENS else (0, 0)

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
