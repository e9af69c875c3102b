"""The messages that a model sees: append-only, so that a server's prompt cache always hits.

Here: composing the opening message of a question, appending, and compaction near the
window's end. Not here: how an observation is worded (:mod:`analyst.agent.protocol`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analyst.agent.standing import decisions, standing_instructions
from analyst.boundaries import as_data, neutral
from analyst.llm.completion import Message

COMPACT_AT = 0.9
"""Share of the window at which older messages give way to a summary."""

KEPT_SHARE = 0.3
"""Share of the window that the last steps of the question keep through a compaction."""

EXCHANGES_KEPT = 6
"""The last questions of the conversation that a compaction keeps with their answers."""

CHARACTERS_PER_TOKEN = 3
"""A low estimate, so that what is kept surely fits."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question as the model is asked it.

    ``data`` are the descriptions of frames and files that are new or changed since the last
    question of the conversation; ``value_names`` are variables the code must assign. ``note`` is
    said after the text; an answer's numbers may not rest on it.
    """

    text: str
    data: Sequence[str] = ()
    value_names: Sequence[str] = ()
    note: str = ""

    def compose(self, note: str = "") -> str:
        """Return the message: data first, then the question, notes, and what to assign."""
        parts = [*self.data, self.text, self.note, note]
        if self.value_names:
            parts.append("Assign: " + ", ".join(self.value_names))
        return "\n\n".join(part.strip() for part in parts if part.strip())


@dataclass(frozen=True)
class Exchange:
    """A question of this conversation that ended, and its answer.

    ``computed``: not said by the model out of what it knows. ``ungrounded``: numbers of it, as they
    are written, that nothing computed.
    """

    question: str
    answer: str
    computed: bool = True
    ungrounded: tuple[str, ...] = ()

    @property
    def computed_answer(self) -> str:
        """The answer as far as code stands behind it."""
        text = self.answer if self.computed else ""
        for number in self.ungrounded:
            text = re.sub(rf"(?<![\w.]){re.escape(number)}(?!\w|[.,]\d)", "…", text)
        return text


@dataclass
class Context:
    """The conversation with one model: a constant opening, then what was said.

    ``opening`` (role, rules, worked example) stays byte-identical from run to run.
    """

    opening: Sequence[Message]
    window: int
    messages: list[Message] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    tokens: int = 0
    _asked_at: int = 0

    def __post_init__(self) -> None:
        self.messages = list(self.opening)

    def ask(self, question: Question) -> None:
        """Begin a question."""
        self._asked_at = len(self.messages)
        self.append({"role": "user", "content": question.compose()})

    def ask_again(self, question: Question, note: str) -> None:
        """Go back to the question, with a note on what failed, as if nothing had been replied.

        Small models repeat code that stands before them; afresh they find another way. What is
        left is a prefix of what was sent, so it still comes from the server's cache.
        """
        del self.messages[self._asked_at :]
        self.append({"role": "user", "content": question.compose(note)})

    def asked_afresh(self, question: Question, note: str | None = None) -> list[Message]:
        """Return the conversation as it stood when the question was asked, nothing replied.

        ``note`` goes with the question; ``None`` keeps what was noted of a try that failed.
        """
        if note is None:
            return self.messages[: self._asked_at + 1]
        asked = {"role": "user", "content": question.compose(note)}
        return [*self.messages[: self._asked_at], asked]

    def append(self, message: Message) -> None:
        """Add one message at the end; what is not the model's own cannot speak in its name."""
        content = message.get("content")
        if message["role"] != "assistant" and isinstance(content, str):
            message = {**message, "content": neutral(content)}
        self.messages.append(message)

    def say_besides(self, text: str, *, sent: Sequence[Message]) -> None:
        """Say something between steps: in the user's last message, if that was not sent yet.

        ``sent``: what was. Else it is a message of its own, so that nothing sent ever changes.
        """
        last = self.messages[-1]
        if last["role"] == "user" and all(last is not one for one in sent):
            del self.messages[-1]
            text = f"{last['content']}\n\n{text}"
        self.append({"role": "user", "content": text})

    def conclude(
        self, question: str, answer: str, *, computed: bool = True, ungrounded: Sequence[str] = ()
    ) -> None:
        """Note the answer of a finished question, for compaction and for follow-ups."""
        self.exchanges.append(Exchange(question, answer, computed, tuple(ungrounded)))

    def said(self) -> list[str]:
        """Return the questions that ended, and their answers as far as code stands behind them."""
        return [text for one in self.exchanges for text in (one.question, one.computed_answer)]

    def needs_compaction(self, reply_tokens: int) -> bool:
        """Tell whether the next reply could pass the share of the window that is kept free."""
        return self.tokens + reply_tokens > COMPACT_AT * self.window

    def compact(self, current: Message, variables: Sequence[str]) -> None:
        """Replace what was said by the opening, a summary, the current question and its last steps.

        The summary holds the last questions with their answers and the live variables, so
        that follow-ups still find what they speak of; of all earlier ones also what holds on:
        the user's instructions, and what was decided about the data. Of the steps those at the
        end stay whole, as many as fit; the summary says how many are left out.
        """
        steps, left_out = self._last_steps()
        lines = ["Earlier in this conversation:"]
        older = self.exchanges[:-EXCHANGES_KEPT]
        lines += [
            *(
                f"- The user said: {one}"
                for one in standing_instructions(e.question for e in older)
            ),
        ]
        # Answers and variables may say what data says.
        said = [f"- Decided: {one}" for one in decisions(exchange.answer for exchange in older)]
        for exchange in self.exchanges[-EXCHANGES_KEPT:]:
            said.append(f"- Asked: {_brief(exchange.question, 300)}")
            said.append(f"  Answered: {_brief(exchange.answer, 300)}")
        if said:
            lines.append(as_data("Of its questions and answers:", said))
        if left_out:
            lines.append(f"{left_out} earlier steps of this question are left out.")
        if variables:
            lines.append(as_data("Variables in the kernel:", variables))
        content: Any = current.get("content", "")
        summary = "\n".join(lines) if len(lines) > 1 else ""
        text = f"{summary}\n\n{content}" if summary else str(content)
        self.messages = [*self.opening, {"role": "user", "content": text}, *steps]
        self._asked_at = len(self.opening)
        self.tokens = 0

    def _last_steps(self) -> tuple[list[Message], int]:
        """Return the messages of the last steps that fit, and how many steps came before.

        A step is an assistant's message with what follows it, for a tool's answer must not
        stand without its call.
        """
        said = self.messages[self._asked_at + 1 :]
        starts = [at for at, message in enumerate(said) if message["role"] == "assistant"]
        room = KEPT_SHARE * self.window * CHARACTERS_PER_TOKEN
        kept = len(said)
        for count, start in enumerate(reversed(starts)):
            if sum(len(str(message)) for message in said[start:]) > room:
                return said[kept:], len(starts) - count
            kept = start
        return said[kept:], 0


def _brief(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
