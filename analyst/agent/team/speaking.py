"""How a role speaks: in one reply, or in a short loop where it has tools, as its own model.

Not here: what it is asked (:mod:`analyst.agent.team.turns`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyst.agent.budget import Budget
from analyst.agent.context import Context, Question
from analyst.agent.loop import AgentLoop
from analyst.agent.planning.plan_words import artefact_lines
from analyst.agent.protocol import CODE_TOOL
from analyst.agent.short_loop import run_short
from analyst.agent.task import Progress, Task
from analyst.agent.team.blackboard import Blackboard
from analyst.agent.team.coordinator import Turn
from analyst.agent.team.roles import Role
from analyst.agent.workbench import Workbench
from analyst.boundaries import as_data
from analyst.llm.completion import Completion, Message
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.registry import ToolRegistry

REPLY_TOKENS = 400
SHORT_REPLY_TOKENS = 200
"""Of a small model."""

FINAL = "When you know, reply with one line that starts with FINAL: and says it."


@dataclass(kw_only=True)
class Speaker:
    """A role with its model.

    ``make``: an agent for a task, in a conversation of its own and with the tools that the role may
    use. ``native``: it calls functions, and is no small model. ``loop`` is the agent that it
    computed with, whose conversation goes on; ``heard`` the last entry that it knows of.
    """

    role: Role
    make: Callable[[Task], AgentLoop]
    native: bool
    model: str
    loop: AgentLoop | None = None
    heard: int = 0

    @property
    def prompt(self) -> str:
        """What it is told of its role; a small model only what the user has it told."""
        return self.role.prompt if self.native or self.role.is_given else ""

    def tools(self) -> tuple[str, ...]:
        """Return the names of the tools that it has; a small model is told of one only."""
        names = self.make(Task(question=Question(text=""))).tools.names
        return names if self.native else tuple(name for name in names if name == CODE_TOOL)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What a turn takes place in: the run's budget, its progress, and what makes its events."""

    bench: Workbench
    steps: int
    budget: Budget
    make: EventMaker
    progress: Progress

    async def loop(
        self, loop: AgentLoop, task: Task, *, known: int = 0, seen: Sequence[str] = ()
    ) -> AsyncIterator[events.Event]:
        """Run a short loop; the last event is its answer, which is none of the run's."""
        stream = run_short(
            loop,
            task,
            bench=self.bench,
            steps=self.steps,
            budget=self.budget,
            make=self.make,
            progress=self.progress,
            known=known,
            seen=seen,
        )
        async for event in stream:
            yield event

    async def reply(
        self, loop: AgentLoop, *, most_tokens: int
    ) -> AsyncIterator[events.Event | Completion]:
        """Ask for one reply to what a conversation holds; the last item is the reply."""
        async for item in loop.ask_model(
            self.budget, self.make, self.progress, most_tokens=most_tokens
        ):
            if isinstance(item, Completion):
                yield loop.count(item, self.budget, self.make, self.progress)
            yield item

    async def say(self, speaker: Speaker, question: Question) -> AsyncIterator[events.Event | str]:
        """Have a role say something; the last item is what it said.

        A role without tools says it in one reply. Raises
        :class:`analyst.llm.completion.ModelError`.
        """
        # What it says is no answer: numbers of it count only where code or a search gave them.
        task = Task(question=question)
        loop = replace(speaker.make(task), verifier=None)
        if speaker.tools():
            question = await self._completed(question, loop)
            task = replace(task, question=question)
            async for event in self.loop(loop, task):
                if isinstance(event, events.Answer):
                    yield event.text if event.complete else ""
                else:
                    yield event
            return
        loop = silent(loop)
        loop.context.ask(question)
        most = REPLY_TOKENS if speaker.native else SHORT_REPLY_TOKENS
        async for item in self.reply(loop, most_tokens=most):
            yield item.text if isinstance(item, Completion) else item

    async def _completed(self, question: Question, loop: AgentLoop) -> Question:
        """Tell who can call tools what lives in the kernel, if it can run code there."""
        computes = CODE_TOOL in loop.tools.names
        listed = artefact_lines(await self.bench.artefacts()) if computes else []
        told = as_data("Variables that are there.", listed) if listed else ""
        # A small model's reply is code, or a line with this mark.
        mark = "" if loop.protocol.sends_tools else FINAL
        parts = (told, question.note, mark)
        return replace(question, note="\n\n".join(part for part in parts if part))


def silent(loop: AgentLoop, messages: Sequence[Message] = ()) -> AgentLoop:
    """Return an agent that can call nothing. ``messages``: the conversation it goes on with."""
    context = loop.context
    if messages:
        context = Context(context.opening, context.window)
        context.messages = [*messages]
    return replace(loop, tools=ToolRegistry([]), context=context, verifier=None)


def with_tools(loop: AgentLoop, *tools: Any) -> AgentLoop:
    """Return an agent that has these tools and no others."""
    return replace(loop, tools=ToolRegistry(tools), verifier=None)


def asked_of(
    speaker: Speaker,
    whole: Question,
    board: Blackboard,
    ask: str,
    *,
    after: int = 0,
    but: str = "",
) -> Question:
    """Return the question as a role is asked it: the data, who it is, the board, what to do.

    ``after``: the last entry that it knows of. ``but``: whose words it is not told, else its own.
    What the board says is no source of an answer's numbers; what was executed is.
    """
    told = board.told(after=after, native=speaker.native, without={but or speaker.role.name})
    return Question(
        text=whole.text,
        data=tuple(part for part in (*whole.data, speaker.prompt) if part),
        value_names=whole.value_names if speaker.role.does == "compute" else (),
        note="\n\n".join(part for part in (told, ask) if part),
    )


def call_told(board: Blackboard, turn: Turn) -> str:
    """Say who called a role; what was asked stands on the board."""
    called = board.entry(turn.answers)
    return f"The {called.role} asks you; answer that." if called is not None else ""
