"""The messages that a model sees: append-only, so that a server's prompt cache always hits.

Here: composing the opening message of a question, appending, and compaction near the
window's end. Not here: how an observation is worded (:mod:`analyst.agent.protocol`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analyst.llm.completion import Message

COMPACT_AT = 0.9
"""Share of the window at which older messages give way to a summary."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question as the model is asked it.

    ``data`` are the descriptions of frames and files that are new or changed since the last
    question of the conversation; ``value_names`` are variables the code must assign.
    """

    text: str
    data: Sequence[str] = ()
    value_names: Sequence[str] = ()

    def compose(self, note: str = "") -> str:
        """Return the message: data first, then the question, a note, and what to assign."""
        parts = [*self.data, self.text, note]
        if self.value_names:
            parts.append("Assign: " + ", ".join(self.value_names))
        return "\n\n".join(part.strip() for part in parts if part.strip())


@dataclass(frozen=True)
class Exchange:
    """A question of this conversation that ended, and its answer."""

    question: str
    answer: str


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
        self.messages.append({"role": "user", "content": question.compose()})

    def ask_again(self, question: Question, note: str) -> None:
        """Go back to the question, with a note on what failed, as if nothing had been replied.

        Small models repeat code that stands before them; afresh they find another way. What is
        left is a prefix of what was sent, so it still comes from the server's cache.
        """
        content = question.compose(note)
        self.messages[self._asked_at :] = [{"role": "user", "content": content}]

    def append(self, message: Message) -> None:
        """Add one message at the end."""
        self.messages.append(message)

    def conclude(self, question: str, answer: str) -> None:
        """Note the answer of a finished question, for compaction and for follow-ups."""
        self.exchanges.append(Exchange(question, answer))

    def needs_compaction(self, reply_tokens: int) -> bool:
        """Tell whether the next reply could pass the share of the window that is kept free."""
        return self.tokens + reply_tokens > COMPACT_AT * self.window

    def compact(self, current: Message, variables: Sequence[str]) -> None:
        """Replace what was said by the opening, a summary and the current question.

        The summary holds the last questions with their answers and the live variables, so
        that follow-ups still find what they speak of.
        """
        lines = ["Earlier in this conversation:"]
        for exchange in self.exchanges[-6:]:
            lines.append(f"- Asked: {_brief(exchange.question, 300)}")
            lines.append(f"  Answered: {_brief(exchange.answer, 300)}")
        if variables:
            lines.append("Variables in the kernel: " + "; ".join(variables))
        content: Any = current.get("content", "")
        summary = "\n".join(lines) if len(lines) > 1 else ""
        text = f"{summary}\n\n{content}" if summary else str(content)
        self.messages = [*self.opening, {"role": "user", "content": text}]
        self._asked_at = len(self.opening)
        self.tokens = 0


def _brief(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
