"""Answering without the loop: one short request, no rules for code, and the text is the answer.

A reply that does not keep to what such an answer may hold is dropped, and the question goes
through the loop after all. Not here: which questions are answered so
(:mod:`analyst.agent.direct.kinds`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from analyst.agent import prompts
from analyst.agent.asking import counted, reply_limit, send
from analyst.agent.budget import Budget
from analyst.agent.context import Exchange
from analyst.agent.direct.kinds import Kind, keeps_to
from analyst.agent.task import Progress
from analyst.boundaries import neutral
from analyst.llm.completion import Completion, CompletionRequest, LanguageModel, Message
from analyst.record import events
from analyst.record.making import EventMaker

REPLY_TOKENS = 300
EXCHANGES_TOLD = 3
CHARACTERS_TOLD = 2000
"""Of each question and answer of before."""

SOURCES: dict[Kind, str] = {
    "definition": "Answered from what the model knows, without code or data.",
    "follow_up": "Answered from this conversation; nothing was computed anew.",
}
"""What the user is told of where an answer comes from."""

_COMPUTE = re.compile(r"\bCOMPUTE\b")
_PREFIX = re.compile(r"^\s*FINAL\s*:\s*", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


@dataclass(frozen=True, kw_only=True)
class DirectAnswer:
    """Asks a model directly. ``exchanges``: the conversation so far."""

    model: LanguageModel
    exchanges: Sequence[Exchange]
    temperature: float = 0.0

    async def run(
        self, kind: Kind, question: str, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Answer; the last event is the :class:`~analyst.record.events.Answer`, if there is one.

        Raises :class:`analyst.llm.completion.ModelError`.
        """
        request = CompletionRequest(
            messages=self._messages(kind, question),
            max_tokens=reply_limit(self.model, budget, REPLY_TOKENS),
            temperature=self.temperature,
            seed=progress.requests,
            aside=True,
        )
        async for item in send(self.model, request, budget, make, progress):
            if not isinstance(item, Completion):
                yield item
                continue
            yield counted(item, self.model, budget, make, progress)
            text = self._text(kind, item)
            if not text:
                note = "That takes a computation after all."
                yield make(events.Note, code="not_direct", text=note)
                continue
            if kind in SOURCES:
                yield make(events.Note, code="direct", text=SOURCES[kind])
            yield make(events.Answer, text=text)

    def _messages(self, kind: Kind, question: str) -> tuple[Message, ...]:
        messages = [{"role": "system", "content": prompts.load(f"direct_{kind}")}]
        if kind == "follow_up":
            for one in self.exchanges[-EXCHANGES_TOLD:]:
                messages.append({"role": "user", "content": _told(one.question)})
                messages.append({"role": "assistant", "content": _told(one.answer)})
        return (*messages, {"role": "user", "content": neutral(question)})

    def _text(self, kind: Kind, reply: Completion) -> str:
        """Return the answer that a reply holds; "" if it holds none that can be given."""
        text = _PREFIX.sub("", reply.text.strip())
        if reply.tool_calls or "```" in text:
            return ""
        if reply.finish_reason == "length":
            ends = [found.end() for found in _SENTENCE_END.finditer(text)]
            text = text[: ends[-1]] if ends else ""
        if kind == "follow_up":
            said = [words for one in self.exchanges for words in (one.question, one.answer)]
            if _COMPUTE.search(text) or not keeps_to(text, said):
                return ""
        return text


def _told(text: str) -> str:
    return neutral(text if len(text) <= CHARACTERS_TOLD else f"{text[: CHARACTERS_TOLD - 1]}…")
