"""A run of a session that a team works on: its roles, their models and tools, the shared kernel.

Here: putting :class:`~analyst.agent.team.teamwork.Teamwork` together. Not here: the order of a
run's parts (:mod:`analyst.session.run`), and how a team works (:mod:`analyst.agent.team`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.context import Context
from analyst.agent.loop import AgentLoop
from analyst.agent.searching import Search
from analyst.agent.task import Progress, Task
from analyst.agent.team.blackboard import Blackboard
from analyst.agent.team.coordinator import Coordinator
from analyst.agent.team.roles import Role, team_of
from analyst.agent.team.speaking import Speaker
from analyst.agent.team.teamwork import Teamwork
from analyst.agent.team.turns import Turns
from analyst.agent.workbench import SearchFindings
from analyst.boundaries import as_data
from analyst.configuration import Configuration
from analyst.llm.router import ModelChoice
from analyst.memory.telling import brief
from analyst.record import events
from analyst.record.events import TeamWork
from analyst.record.making import EventMaker
from analyst.session.composition import agent_loop
from analyst.session.data_room import DataRoom
from analyst.session.models import ReadyModel, SessionModels, Work, opening_for
from analyst.session.planned_run import passages_of
from analyst.session.toolbox import DocumentSearch
from analyst.session.workbench import KernelWorkbench
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.registry import Tool

TURNS_FACTOR = 10
"""So many times the steps of a plain run a team may take; each turn has its own bound."""

EXCHANGES_TOLD = 4

WORK_OF: Mapping[TeamWork, Work] = {
    "plan": "plan",
    "search": "step",
    "compute": "plain",
    "review": "critic",
    "decide": "plan",
    "write": "synthesis",
    "discuss": "plain",
}
"""By which configured model a role works that names none."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A role and the model that it has."""

    role: Role
    ready: ReadyModel

    @property
    def is_native(self) -> bool:
        """Whether its model calls functions."""
        return self.ready.choice.protocol == "native"


@dataclass(kw_only=True)
class TeamRun:
    """One run of a team. ``search``: of the user's documents."""

    settings: Settings
    kernel: AnalysisKernel
    room: DataRoom
    context: Context
    members: Sequence[Member]
    task: Task
    approvals: Approvals
    tools: Sequence[Tool]
    look_up: SearchFindings | None
    search: DocumentSearch | None

    async def run(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Play the run; the last event is its answer, which the conversation keeps."""
        given = [one.role.name for one in self.members if one.role.is_given]
        if given:
            text = f"Roles with words of their own, as configured: {', '.join(given)}."
            yield make(events.Note, code="roles", text=text)
        earlier = self._earlier()
        question = replace(self.task.question, data=(*self.task.question.data, earlier))
        speakers = {one.role.name: self._speaker(one) for one in self.members}
        turns = Turns(
            task=replace(self.task, question=question),
            board=Blackboard(),
            speakers=speakers,
            search=Search(
                findings=self.look_up,
                knowledge=passages_of(self.search),
                judge=self.approvals.permissions.judge,
            ),
        )
        searching = [
            name
            for name, one in speakers.items()
            if one.role.does == "search" and turns.has_something_to_search(one)
        ]
        work = Teamwork(
            turns=turns,
            coordinator=Coordinator(
                roles=[one.role for one in self.members],
                rounds=self.settings.team_rounds,
                searching=searching,
                in_words=not self.task.value_names,
            ),
            bench=KernelWorkbench(self.kernel, None),
            approvals=self.approvals,
            steps=self.settings.max_steps,
        )
        async for event in work.run(budget, make, progress):
            yield event
            if isinstance(event, events.Answer):
                self._conclude(event)

    def _speaker(self, member: Member) -> Speaker:
        ready, role = member.ready, member.role
        # Who reviews is a role here, and what others say is no answer.
        settings = self.settings.updated(
            {
                "checks": tuple(
                    one
                    for one in self.settings.checks
                    if one != "critic" and (one != "second" or role.does == "compute")
                )
                or "none",
                "careful": self.settings.careful and role.does == "compute",
            }
        )

        def make(task: Task) -> AgentLoop:
            context = Context(opening_for(ready.choice.protocol), ready.model.context_window)
            context.exchanges = [*self.context.exchanges]
            return agent_loop(
                ready.model,
                context,
                self.kernel,
                protocol=ready.choice.protocol,
                settings=settings,
                task=task,
                look_up=self.look_up,
                approvals=self.approvals,
                more=self.tools,
                may_use=role.may_use,
            )

        return Speaker(role=role, make=make, native=member.is_native, model=ready.model.name)

    def _earlier(self) -> str:
        """Tell what was asked and answered before in this conversation, as data."""
        lines: list[str] = []
        for one in self.context.exchanges[-EXCHANGES_TOLD:]:
            lines += [
                f"- Asked: {brief(one.question, 300)}",
                f"  Answered: {brief(one.answer, 300)}",
            ]
        return as_data("Earlier in this conversation.", lines) if lines else ""

    def _conclude(self, answer: events.Answer) -> None:
        question = self.task.question.text
        self.context.append({"role": "user", "content": question})
        native = any(one.role.does == "compute" and one.is_native for one in self.members)
        final = answer.text if native else f"FINAL: {answer.text}"
        self.context.append({"role": "assistant", "content": final})
        self.context.conclude(question, answer.text, ungrounded=answer.ungrounded)
        # Their own conversations were told of the data; this one was not.
        self.room.shown.clear()


async def members(
    models: SessionModels,
    choice: ModelChoice,
    *,
    settings: Settings,
    configuration: Configuration,
    tell: Callable[[str], None],
) -> list[Member]:
    """Return the roles as configured, each with its model, for a run whose own is ``choice``.

    Raises :class:`~analyst.configuration.ConfigurationError`, and what making a model ready does.
    """
    return [
        Member(
            role=role,
            ready=await models.ready_for(
                WORK_OF[role.does],
                choice,
                settings=settings,
                configuration=configuration,
                tell=tell,
                name=role.model,
            ),
        )
        for role in team_of(configuration.roles)
    ]
