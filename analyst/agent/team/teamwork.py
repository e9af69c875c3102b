"""A team at work on one question: turns until the coordinator ends them, and the answer.

Here: what becomes of each turn, failed ones too, and of the whole. Not here: whose turn it is
(:mod:`analyst.agent.team.coordinator`) and what it is (:mod:`analyst.agent.team.turns`).

A role that fails takes nothing from the answer: the result stands that was computed without it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from analyst.agent import values as asked
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.partial import NO_ANSWER
from analyst.agent.task import Progress, Settled
from analyst.agent.team.blackboard import Blackboard, Entry, Said, mentioned
from analyst.agent.team.coordinator import Coordinator, End, Turn
from analyst.agent.team.speaking import Floor
from analyst.agent.team.turns import Turns
from analyst.agent.workbench import Workbench
from analyst.llm.completion import ModelError
from analyst.record import events
from analyst.record.events import Usage
from analyst.record.making import EventMaker
from kernel_sandbox import KernelSandboxError

PLAN_ONLY = "The plan, of which nothing was done:"
NOTHING_PLANNED = "Only a plan was asked for, and no plan was made."


@dataclass(kw_only=True)
class Teamwork:
    """One run of a team. ``steps``: most replies of the model in one turn."""

    turns: Turns
    coordinator: Coordinator
    bench: Workbench
    approvals: Approvals
    steps: int
    _board: Blackboard = field(init=False)

    def __post_init__(self) -> None:
        self._board = self.turns.board
        names = [role.name for role in self.coordinator.roles]
        self._board.asked = mentioned(self.turns.task.question.text, names)

    async def run(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Take turns and answer; the last event is the answer.

        Raises :class:`analyst.llm.completion.ModelError` and
        :class:`kernel_sandbox.KernelSandboxError` where there is no result to fall back on.
        """
        floor = Floor(
            bench=self.bench, steps=self.steps, budget=budget, make=make, progress=progress
        )
        plans_only = self.approvals.permissions.mode == "plan"
        while True:
            found = self.coordinator.next(self._board, spent=budget.spent())
            if isinstance(found, End):
                break
            if plans_only and found.role.does != "plan":
                found = End(reason="Only a plan was asked for.", result=None)
                break
            async for event in self._take(found, floor):
                yield event
        yield make(events.TeamFinished, result=found.result, reason=found.reason)
        if plans_only:
            yield self._plan(make)
            return
        async for event in self._go_back_to(self._board.entry(found.result), floor):
            yield event
        answer = self._answer(found, make)
        progress.values.clear()
        progress.values.update(answer.values)
        yield answer

    async def _take(self, turn: Turn, floor: Floor) -> AsyncIterator[events.Event]:
        """Play a turn and write what it came to on the board."""
        role, make, budget = turn.role, floor.make, floor.budget
        yield make(
            events.TeamTurnStarted,
            role=role.name,
            does=role.does,
            reason=turn.reason,
            model=self.turns.speakers[role.name].model,
        )
        # Each role has its own tools, which the record is to hold.
        floor.progress.told_tools = False
        usage, seconds = budget.usage, budget.seconds
        said = Said(kind="remark", text="", failed=True)
        try:
            async for item in self.turns.take(turn, floor):
                if isinstance(item, Said):
                    said = item
                else:
                    yield item
        except (ModelError, KernelSandboxError) as error:
            if role.does == "compute" and not self._board.results:
                # As without a team: the run ends with what went wrong.
                raise
            said = Said(kind="remark", text=str(error), failed=True)
            text = f"The {role.name} could not go on: {error}"
            yield make(events.Note, level="warning", code="team_turn_failed", text=text)
        entry = self._written(turn, said)
        if entry.kind == "result":
            floor.progress.settled = Settled(entry.text, dict(entry.values))
        yield make(
            events.TeamTurnFinished,
            number=entry.number,
            role=role.name,
            kind=entry.kind,
            text=entry.text,
            about=entry.about,
            mentions=entry.mentions,
            failed=entry.failed,
            usage=_since(usage, budget.usage),
            seconds=max(0.0, budget.seconds - seconds),
        )

    async def _go_back_to(self, result: Entry | None, floor: Floor) -> AsyncIterator[events.Event]:
        """Have the kernel and the record hold what the answer rests on, and not a later try."""
        computing = {role.name for role in self.coordinator.roles if role.does == "compute"}
        computed = [one for one in self._board.entries if one.role in computing]
        if result is None or not computed or computed[-1] is result:
            return
        try:
            async for event in self.turns.compute_again(result, floor):
                yield event
        except KernelSandboxError as error:
            text = f"The code of the answer could not be run again: {error}"
            yield floor.make(events.Note, level="warning", code="team_turn_failed", text=text)

    def _written(self, turn: Turn, said: Said) -> Entry:
        names = [role.name for role in self.coordinator.roles]
        return self._board.add(
            Entry(
                number=len(self._board.entries) + 1,
                role=turn.role.name,
                kind=said.kind,
                text=said.text,
                mentions=() if said.failed else mentioned(said.text, names, but=turn.role.name),
                about=said.about,
                answers=turn.answers,
                values=said.values,
                codes=said.codes,
                passages=said.passages,
                ungrounded=said.ungrounded,
                complete=said.complete,
                failed=said.failed,
            )
        )

    def _answer(self, end: End, make: EventMaker) -> events.Answer:
        result = self._board.entry(end.result)
        if result is None:
            return self._partial(end, make)
        entries = self._board.entries
        written = [one for one in entries if one.kind == "answer" and not one.failed]
        told = next((one for one in written if one.about == result.number), result)
        names = self.turns.task.value_names
        missing = asked.missing(names, result.values)
        return make(
            events.Answer,
            text=told.text,
            values=dict(result.values),
            complete=result.complete and not missing,
            ungrounded=told.ungrounded,
        )

    def _partial(self, end: End, make: EventMaker) -> events.Answer:
        """Give what there is: what whoever computed came to, else only why there is nothing."""
        computing = {role.name for role in self.coordinator.roles if role.does == "compute"}
        tried = [one for one in self._board.entries if one.role in computing and one.text]
        if tried:
            text, values = tried[-1].text, dict(tried[-1].values)
        else:
            text, values = f"{NO_ANSWER[0]} {end.reason}", {}
        return make(events.Answer, text=text, values=values, complete=False)

    def _plan(self, make: EventMaker) -> events.Answer:
        plans = [one for one in self._board.entries if one.kind == "plan" and not one.failed]
        if not plans:
            return make(events.Answer, text=NOTHING_PLANNED, complete=False)
        return make(events.Answer, text=f"{PLAN_ONLY}\n\n{plans[-1].text}")


def _since(before: Usage, now: Usage) -> Usage:
    return Usage(
        input=now.input - before.input,
        output=now.output - before.output,
        cached=now.cached - before.cached,
    )
