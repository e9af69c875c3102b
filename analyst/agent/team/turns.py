"""What the roles do in their turns: plan, search, compute, review, decide, write, discuss.

Here: each turn from what it is asked to what it comes to. Not here: whose turn it is
(:mod:`analyst.agent.team.coordinator`), and what becomes of one that fails
(:mod:`analyst.agent.team.teamwork`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from analyst.agent.checks.critic import QUESTION, critic_message
from analyst.agent.context import Question
from analyst.agent.planning.planner import WHOLE_TASK, Plan, Planner
from analyst.agent.searching import NOTHING, Found, Search
from analyst.agent.task import Task
from analyst.agent.team import team_words as words
from analyst.agent.team.blackboard import Blackboard, Entry, Said
from analyst.agent.team.computing import compute, compute_again
from analyst.agent.team.coordinator import Turn
from analyst.agent.team.speaking import (
    Floor,
    Speaker,
    asked_of,
    call_told,
    silent,
    with_tools,
)
from analyst.agent.verify import CRITIC_TOKENS
from analyst.llm.completion import Completion, Message
from analyst.record import events
from analyst.record.events import TeamKind
from analyst.tools.plan import PlanTool

MOST_PLAN = 2000
WRITING_STEPS = 3

Happening = events.Event | Said


@dataclass(kw_only=True)
class Turns:
    """Plays the turns of one run. ``search``: how the harness looks things up."""

    task: Task
    board: Blackboard
    speakers: Mapping[str, Speaker]
    search: Search

    async def take(self, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        """Play a turn; the last item says what it came to.

        Raises :class:`analyst.llm.completion.ModelError` and
        :class:`kernel_sandbox.KernelSandboxError`.
        """
        speaker = self.speakers[turn.role.name]
        playing = {
            "plan": self._plan,
            "search": self._search,
            "compute": self._compute,
            "review": self._review,
            "decide": self._decide,
            "write": self._write,
            "discuss": self._discuss,
        }[turn.role.does]
        async for item in playing(speaker, turn, floor):
            yield item
        speaker.heard = len(self.board.entries)

    def has_something_to_search(self, speaker: Speaker) -> bool:
        """Tell whether a role that searches has where to: documents, or tools that reach out."""
        if self.search.knowledge is not None and speaker.role.may_use("knowledge"):
            return True
        # What is known already was recalled before the team began.
        return speaker.native and bool({*speaker.tools()} - {"recall", "python", "ask_user"})

    async def _plan(self, speaker: Speaker, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        del turn
        if speaker.native and speaker.tools():
            said = ""
            async for item in floor.say(speaker, self._asked(speaker, words.PLAN)):
                if isinstance(item, str):
                    said = item[:MOST_PLAN]
                else:
                    yield item
            yield Said(kind="plan", text=said, failed=not said.strip())
            return
        planner = Planner(
            loop=lambda: with_tools(speaker.make(self.task), PlanTool()), native=speaker.native
        )
        question = self._asked(speaker)
        async for found in planner.plan(question, floor.budget, floor.make, floor.progress):
            if not isinstance(found, Plan):
                yield found
                continue
            lines = [f"{number}. {step.text}" for number, step in enumerate(found.steps, 1)]
            none = found.steps[0].text == WHOLE_TASK
            yield Said(kind="plan", text="\n".join(lines), failed=none)

    async def _search(self, speaker: Speaker, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        if speaker.native and speaker.tools():
            ask = call_told(self.board, turn) or words.SEARCH
            async for item in floor.say(speaker, self._asked(speaker, ask)):
                if isinstance(item, str):
                    yield Said(kind="passage", text=item, failed=not item.strip())
                else:
                    yield item
            return
        role = speaker.role
        search = replace(
            self.search,
            findings=self.search.findings if role.may_use("recall") else None,
            knowledge=self.search.knowledge if role.may_use("knowledge") else None,
        )
        async for found in search.run(self.task.question.text, floor.make, floor.progress):
            if isinstance(found, Found):
                is_any = found.text != NOTHING
                kind: TeamKind = "passage" if is_any else "remark"
                yield Said(kind=kind, text=found.text, passages=found.passages)
            else:
                yield found

    async def _compute(
        self, speaker: Speaker, turn: Turn, floor: Floor
    ) -> AsyncIterator[Happening]:
        async for item in compute(self.task, self.board, speaker, turn, floor):
            yield item

    async def compute_again(self, result: Entry, floor: Floor) -> AsyncIterator[events.Event]:
        """Undo what was tried after a result, and have its own code run again."""
        speaker = self.speakers[result.role]
        async for event in compute_again(self.task, result, speaker, floor):
            yield event

    async def _review(self, speaker: Speaker, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        result = self.board.entry(turn.about)
        assert result is not None, "there is a review only of a result"
        said = ""
        if (conversation := self._conversation(speaker, result)) is not None:
            # What was sent before comes from the server's cache.
            loop = silent(speaker.make(self.task), conversation)
            asked = critic_message(result.text, conversation[-1])["content"]
            ask = "\n\n".join(part for part in (speaker.prompt, asked) if part)
            loop.context.append({"role": "user", "content": ask})
            async for reply in floor.reply(loop, most_tokens=CRITIC_TOKENS):
                if isinstance(reply, Completion):
                    said = reply.text
                else:
                    yield reply
        else:
            ask = f"{words.result_told(result)}\n\n{QUESTION}"
            async for item in floor.say(speaker, self._asked(speaker, ask, but=result.role)):
                if isinstance(item, str):
                    said = item
                else:
                    yield item
        kind, text = words.verdict_in(said)
        yield Said(kind=kind, text=text, about=result.number, failed=not said.strip())

    def _conversation(self, speaker: Speaker, result: Entry) -> Sequence[Message] | None:
        """Return the conversation that a result came of, if the reviewer can be shown it."""
        by = self.speakers.get(result.role)
        if by is None or by.loop is None or by.native != speaker.native or speaker.tools():
            return None
        return by.loop.context.messages

    async def _decide(self, speaker: Speaker, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        results = [
            one
            for one in self.board.results
            if any(e.kind == "objection" and e.about == one.number for e in self.board.entries)
        ]
        first, latest = results[0], results[-1]
        objections = [one for one in self.board.entries if one.kind == "objection"]
        ask = f"{words.choice(first, latest, objections)}\n\n{words.DECIDE}"
        del turn
        question = replace(self._asked(speaker), note=ask, value_names=())
        async for item in floor.say(speaker, question):
            if not isinstance(item, str):
                yield item
                continue
            found = words.letter_in(item)
            if found is None:
                yield Said(kind="remark", text=item, failed=True)
                continue
            chosen = (first, latest)[found[0]]
            yield Said(kind="decision", text=found[1], about=chosen.number)

    async def _write(self, speaker: Speaker, turn: Turn, floor: Floor) -> AsyncIterator[Happening]:
        result = self.board.entry(turn.about)
        assert result is not None, "only a result is put into words"
        ask = words.in_words(result, native=speaker.native)
        question = replace(self._asked(speaker), note=ask, value_names=())
        task = Task(question=question, has_data=self.task.has_data, told=self.task.told)
        floor = replace(floor, steps=WRITING_STEPS)
        seen = [*floor.progress.seen]
        async for event in floor.loop(speaker.make(task), task, known=1, seen=seen):
            if isinstance(event, events.Answer):
                yield Said(
                    kind="answer",
                    text=event.text,
                    about=result.number,
                    ungrounded=event.ungrounded,
                    failed=not event.complete,
                )
            else:
                yield event

    async def _discuss(
        self, speaker: Speaker, turn: Turn, floor: Floor
    ) -> AsyncIterator[Happening]:
        ask = call_told(self.board, turn) or words.DISCUSS
        async for item in floor.say(speaker, self._asked(speaker, ask)):
            if isinstance(item, str):
                text = words.said(item)
                yield Said(kind="remark", text=text, about=turn.about, failed=not text)
            else:
                yield item

    def _asked(self, speaker: Speaker, ask: str = "", *, but: str = "") -> Question:
        return asked_of(speaker, self.task.question, self.board, ask, but=but)
