"""A question of a session that needs neither its kernel nor its data.

Here: what of the session decides that, and what an answer leaves in the conversation; data that
came with such a question waits for one that is about it. Not here: the decision by words
(:mod:`analyst.agent.direct.kinds`) and the request (:mod:`analyst.agent.direct.answering`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyst.agent.budget import Budget
from analyst.agent.direct.answering import DirectAnswer
from analyst.agent.direct.kinds import Kind, kind_of
from analyst.agent.task import Progress
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.session.data_room import columns_of, variable_name

if TYPE_CHECKING:
    from analyst.llm.completion import LanguageModel
    from analyst.llm.router import ModelChoice
    from analyst.session.run_input import RunInput
    from analyst.session.session import Session
    from analyst.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Directly:
    """Answers one question without code, if it is of that kind."""

    session: Session
    settings: Settings
    choice: ModelChoice
    given: RunInput
    tell: Callable[[events.Event], None]

    def kind(self) -> Kind | None:
        """Return what the question asks for, if it needs no code."""
        given = self.given
        if not self.settings.direct_answers or given.values or given.findings:
            return None
        return kind_of(given.question, names=self._names(), exchanges=self.session.exchanges)

    async def answer(
        self,
        kind: Kind,
        model: LanguageModel,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> bool:
        """Answer; false if the question takes a computation after all.

        Raises :class:`analyst.llm.completion.ModelError`.
        """
        context = self.session.context_for(self.choice, model)
        asking = DirectAnswer(
            model=model, exchanges=context.exchanges, temperature=self.settings.temperature
        )
        answer: events.Answer | None = None
        async for event in asking.run(kind, self.given.question, budget, make, progress):
            self.tell(event)
            if isinstance(event, events.Answer):
                answer = event
        if answer is None:
            return False
        if self.choice.protocol == "native":
            # A small model would go on to answer in words whatever comes next.
            context.append({"role": "user", "content": self.given.question})
            context.append({"role": "assistant", "content": answer.text})
        if kind != "courtesy":
            context.conclude(self.given.question, answer.text, computed=False)
        self.session.waiting.frames = dict(self.given.data)
        self.session.waiting.files = self.given.files
        return True

    def _names(self) -> Iterator[str]:
        """Yield what the data at hand is called, and its columns."""
        room = self.session.data_room
        for fingerprint in room.fingerprints.values():
            yield fingerprint.name
            yield from (label for label, _ in fingerprint.columns)
        for name, frame in self.given.data.items():
            yield name
            yield from (label for label, _ in columns_of(frame))
        for path in self.given.files:
            yield path.name
            yield path.stem
            yield variable_name(path)
        yield from room.files
