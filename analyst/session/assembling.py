"""Putting together what one run works with: models by the work, tools, approvals, plan and team.

Not here: the order in which a run uses them (:mod:`analyst.session.run`), and one agent
(:mod:`analyst.session.composition`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from analyst.agent.approval import Approvals
from analyst.agent.task import Task
from analyst.boundaries import instruction_in
from analyst.configuration import Configuration
from analyst.llm.completion import LanguageModel
from analyst.record.events import NoteLevel
from analyst.record.files import data_directory as default_data_directory
from analyst.session.models import Work
from analyst.session.permitting import permissions
from analyst.session.planned_run import PlannedRun
from analyst.session.recollection import Recollection
from analyst.session.run_input import RunInput
from analyst.session.team_run import TeamRun, members
from analyst.session.toolbox import Bench
from analyst.session.workbench import checkpoints
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.recall import LOOKS_UP, RecallTool
from analyst.tools.registry import Tool

if TYPE_CHECKING:
    from analyst.llm.router import ModelChoice
    from analyst.session.session import Session
    from analyst.settings import Settings


class Tell(Protocol):
    """Takes a sentence for the user."""

    def __call__(self, text: str, code: str, level: NoteLevel = "info") -> None:
        """Tell it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The parts of one run. ``pausing``: what holds while the run waits for the user."""

    session: Session
    settings: Settings
    choice: ModelChoice
    given: RunInput
    configuration: Configuration
    run_id: str
    note: Tell
    pausing: Callable[[], AbstractContextManager[None]]
    _warned_of: set[str] = field(default_factory=set)

    async def critic(self) -> LanguageModel | None:
        """Return the model that reviews answers, if they are reviewed and by another."""
        if "critic" not in self.settings.checks or self.configuration.models.critic is None:
            return None
        ready = await self.session.models.ready_for(
            "critic",
            self.choice,
            settings=self.settings,
            configuration=self.configuration,
            tell=lambda text: self.note(text, "model"),
        )
        return ready.model

    async def tools(self, kernel: AnalysisKernel) -> list[Tool]:
        """Return the session's tools besides the kernel's; a small model is not told of any."""
        return await self._offered(kernel) if self.choice.protocol == "native" else []

    async def _offered(self, kernel: AnalysisKernel) -> list[Tool]:
        """Return all tools but the kernel's, and warn of what others have written about theirs."""
        found = await self.session.toolbox.tools(self._tool_bench(kernel))
        for tool in found:
            said = json.dumps([tool.description, tool.parameters], ensure_ascii=False, default=str)
            words = instruction_in(said)
            if words and tool.name not in self._warned_of:
                self._warned_of.add(tool.name)
                self.note(
                    f"What the tool {tool.name} says of itself holds what reads like an "
                    f"instruction to the agent: “{words}” Leave its server out unless you trust "
                    "it.",
                    "injection_suspected",
                    "warning",
                )
        return found

    def _tool_bench(self, kernel: AnalysisKernel) -> Bench:
        return Bench(
            settings=self.settings,
            configuration=self.configuration,
            kernel=kernel,
            cwd=self.session.cwd,
            data_directory=self.session.data_directory or default_data_directory(),
            notify=lambda text: self.note(text, "tools", "warning"),
        )

    async def planned(
        self, task: Task, kernel: AnalysisKernel, recollection: Recollection
    ) -> PlannedRun:
        """Put a planned run together, each work with its model."""
        session, resumption = self.session, self.given.resumption
        works: tuple[Work, ...] = ("plan", "step", "synthesis")
        models = {
            work: await session.models.ready_for(
                work,
                self.choice,
                settings=self.settings,
                configuration=self.configuration,
                tell=lambda text: self.note(text, "model"),
            )
            for work in works
        }
        root = resumption.root if resumption is not None else self.run_id
        return PlannedRun(
            settings=self.settings,
            kernel=kernel,
            room=session.data_room,
            context=session.context_for(self.choice, models["step"].model),
            models=models,
            task=task,
            approvals=self.approvals(),
            tools=await self.tools(kernel),
            look_up=recollection.look_up if self.settings.memory else None,
            search=await session.toolbox.document_search(self._tool_bench(kernel)),
            place=None if self.settings.private else checkpoints(root, session.data_directory),
            critic=await self.critic(),
            resumption=resumption,
        )

    async def team(self, task: Task, kernel: AnalysisKernel, recollection: Recollection) -> TeamRun:
        """Put the run of a team together, each role with its model."""
        session = self.session
        found = await members(
            session.models,
            self.choice,
            settings=self.settings,
            configuration=self.configuration,
            tell=lambda text: self.note(text, "model"),
        )
        computes = next(one for one in found if one.role.does == "compute")
        return TeamRun(
            settings=self.settings,
            kernel=kernel,
            room=session.data_room,
            context=session.context_for(self.choice, computes.ready.model),
            members=found,
            task=task,
            approvals=self.approvals(),
            tools=await self._offered(kernel) if any(one.is_native for one in found) else [],
            look_up=recollection.look_up if self.settings.memory else None,
            search=await session.toolbox.document_search(self._tool_bench(kernel)),
        )

    def denial_of_recall(self) -> str:
        """Return why findings may not be looked up for the question, "" if they may.

        That is the recall tool's doing, also where no model calls it.
        """
        arguments = {"question": self.given.question}
        judged = self.approvals().permissions.judge(RecallTool.name, arguments, LOOKS_UP)
        return judged.why if judged.verdict == "deny" else ""

    def approvals(self) -> Approvals:
        """Return how the run asks, and by which permissions."""
        found = permissions(self.settings, self.configuration, given=self.given.rules)
        return Approvals(
            desk=self.session.approval_desk,
            permissions=found,
            attended=self.given.attended,
            unattended=found.unattended,
            pausing=self.pausing,
        )
