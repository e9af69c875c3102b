"""A planned run of a session: its models, its shared kernel, and going on with one that broke off.

Here: putting :class:`~analyst.agent.planning.planned.PlannedWork` together, and the data that a
run which goes on needs. Not here: the order of a run's parts (:mod:`analyst.session.run`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.context import Context
from analyst.agent.loop import AgentLoop
from analyst.agent.planning.planned import PlannedWork
from analyst.agent.planning.planner import Planner
from analyst.agent.planning.step_work import StepWork, Voice
from analyst.agent.protocol import FencedProtocol, NativeProtocol
from analyst.agent.searching import Search
from analyst.agent.task import Progress, Task
from analyst.agent.workbench import Passage, SearchFindings, SearchKnowledge
from analyst.llm.completion import LanguageModel, ModelError
from analyst.memory.errors import FindingsError
from analyst.record import events
from analyst.record.log import RunLogError
from analyst.record.making import EventMaker
from analyst.record.resumed import claim
from analyst.session import plan_checks
from analyst.session.composition import agent_loop
from analyst.session.data_room import DataRoom, HandingOverError
from analyst.session.models import ReadyModel, Work, opening_for
from analyst.session.recomputing import bring_back
from analyst.session.resuming import ResumeError, Resumption
from analyst.session.toolbox import DocumentSearch
from analyst.session.workbench import KernelWorkbench, kept_table
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.plan import PlanTool
from analyst.tools.python import PythonTool
from analyst.tools.registry import Tool, ToolError, ToolRegistry
from kernel_sandbox import KernelSandboxError

STEPS_FACTOR = 10
"""So many times the steps of a plain run a planned one may take; each step has its own bound."""

STALE_DAYS = 30
"""After so long nobody goes on with a run any more."""

Works = Mapping[Work, ReadyModel]
"""Models by the work: ``plan``, ``step`` and ``synthesis``."""


@dataclass(kw_only=True)
class PlannedRun:
    """One planned run. ``place``: where artefacts are kept, ``None`` to keep none.

    ``search``: of the user's documents. ``critic``: the model that reviews the answer, if not the
    one that writes it. ``resumption``: the run that it goes on with.
    """

    settings: Settings
    kernel: AnalysisKernel
    room: DataRoom
    context: Context
    models: Works
    task: Task
    approvals: Approvals
    tools: Sequence[Tool]
    look_up: SearchFindings | None
    search: DocumentSearch | None
    place: Path | None
    critic: LanguageModel | None = None
    resumption: Resumption | None = None
    _bench: KernelWorkbench = field(init=False)

    def __post_init__(self) -> None:
        # Without a record, a kernel that ended can only be given what the session has itself.
        loaded = [*self.room.files, *(self.room.frames if self.place is None else ())]
        if self.place is not None:
            tidy(self.place.parent)
        given = [*self.room.files, *self.room.frames]
        self._bench = KernelWorkbench(
            self.kernel, self.place, loaded=loaded, given=given, may_run=self._may_run
        )

    async def run(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        """Play the run; the last event is its answer, which the conversation keeps."""
        handing = self.kernel.on_new_kernel

        async def restore(kernel: AnalysisKernel) -> None:
            if handing is not None:
                await handing(kernel)
            await self._bench.follow()

        self.kernel.on_new_kernel = restore
        try:
            async for event in self._events(budget, make, progress):
                yield event
        except (ModelError, KernelSandboxError):
            if self.place is not None and self.place.is_dir():
                text = f"What is done is kept: analyst resume {make.run_id} goes on with the rest."
                yield make(events.Note, code="resumable", text=text)
            raise
        finally:
            self.kernel.on_new_kernel = handing

    async def _events(
        self, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event]:
        begun = self.resumption.begun if self.resumption is not None else None
        left_out = plan_checks.left_out(self.settings, named_values=bool(self.task.value_names))
        if left_out and self.approvals.permissions.mode != "plan":
            text = f"Left out, as this is a planned run: {', '.join(left_out)}."
            yield make(events.Note, level="warning", code="checks_left_out", text=text)
        if self.resumption is not None:
            async for note in bring_back(
                self.resumption, self._bench, self.kernel, make, may_run=self._may_run
            ):
                yield note
        work = PlannedWork(
            task=self.task,
            planner=Planner(
                loop=self._planning_loop, native=self.models["plan"].choice.protocol == "native"
            ),
            work=StepWork(
                task=self.task,
                bench=self._bench,
                voice=self._voice("step"),
                words=self._voice("synthesis"),
                search=Search(
                    findings=self.look_up,
                    knowledge=passages_of(self.search),
                    judge=self.approvals.permissions.judge,
                ),
                most_steps=self.settings.max_steps,
            ),
            approvals=self.approvals,
            begun=begun,
            kept=self.place is not None,
        )
        async for event in work.run(budget, make, progress):
            yield event
            if isinstance(event, events.Answer):
                self._conclude(event)

    def _may_run(self, code: str) -> bool:
        """Whether code may run without anybody being asked."""
        tool = PythonTool(self.kernel, deadline_seconds=self.settings.cell_deadline_seconds)
        arguments = {"code": code}
        judged = self.approvals.permissions.judge(tool.name, arguments, tool.judge(arguments))
        return judged.verdict == "allow"

    def forget(self) -> None:
        """Delete what was kept to go on with; the run ended well."""
        self._bench.forget()

    def _conclude(self, answer: events.Answer) -> None:
        question = self.task.question.text
        self.context.append({"role": "user", "content": question})
        native = self.models["step"].choice.protocol == "native"
        final = answer.text if native else f"FINAL: {answer.text}"
        self.context.append({"role": "assistant", "content": final})
        self.context.conclude(question, answer.text, ungrounded=answer.ungrounded)
        # Its own conversations were told of the data; this one was not.
        self.room.shown.clear()

    def _voice(self, work: Work) -> Voice:
        ready, settings = self.models[work], plan_checks.settings_for(work, self.settings)

        def loop(task: Task) -> AgentLoop:
            return agent_loop(
                ready.model,
                self._new_context(ready),
                self.kernel,
                protocol=ready.choice.protocol,
                settings=settings,
                task=task,
                look_up=self.look_up,
                approvals=self.approvals,
                more=self.tools,
                critic=self.critic,
            )

        return Voice(
            loop=loop,
            native=ready.choice.protocol == "native",
            reviewed="critic" in settings.checks,
        )

    def _planning_loop(self) -> AgentLoop:
        ready = self.models["plan"]
        native = ready.choice.protocol == "native"
        return AgentLoop(
            model=ready.model,
            protocol=NativeProtocol() if native else FencedProtocol(),
            tools=ToolRegistry([PlanTool()]),
            context=self._new_context(ready),
            roll_back=self.kernel.roll_back,
            variables=self.kernel.variables,
            approvals=self.approvals,
            temperature=self.settings.temperature,
        )

    @staticmethod
    def _new_context(ready: ReadyModel) -> Context:
        return Context(opening_for(ready.choice.protocol), ready.model.context_window)


def passages_of(search: DocumentSearch | None) -> SearchKnowledge | None:
    """Return a search of the user's documents as the agent takes it."""
    if search is None:
        return None

    async def passages(words: str, limit: int) -> list[Passage]:
        try:
            found = await search(words, limit)
        except FindingsError as error:
            raise ToolError(str(error)) from error
        return [
            Passage(number=one.number, text=one.text, source=_source(one.citation)) for one in found
        ]

    return passages


async def described(kernel: AnalysisKernel, room: DataRoom, *, rows: int) -> list[str]:
    """Describe all data of a session, for conversations that have been told of none."""
    return [await kernel.describe(name, rows=rows) for name in (*room.frames, *room.files)]


async def hand_over_again(
    resumption: Resumption,
    room: DataRoom,
    kernel: AnalysisKernel,
    *,
    frames: Mapping[str, object],
    place: Path | None,
) -> list[events.DataDescription]:
    """Bring the data of a run that broke off into the kernel.

    ``frames``: tables that are at hand; others are had from where they were kept. Raises
    :class:`~analyst.session.data_room.HandingOverError` for what is gone or has changed.
    """
    kept = {one.name: one.digest for one in resumption.begun.artefacts}
    described: list[events.DataDescription] = []
    for one in resumption.data:
        table = await kept_table(place, kept.get(one.name)) if one.kind == "frame" else None
        if one.kind == "file" and one.path is not None:
            again = await room.load_file(kernel, one.name, Path(one.path))
        else:
            frame = frames.get(one.name) if table is None else table
            if frame is None:
                raise HandingOverError(
                    f"{one.name} was a table of a notebook and is not kept; define it there, and "
                    f"go on there: %agent resume {resumption.run_id}."
                )
            (again,) = await room.hand_over(kernel, {one.name: frame}, ())
        # What was kept is what the kernel had, whatever was lost on the way there.
        if table is None and again.fingerprint != one.fingerprint:
            where = f" ({one.path})" if one.path else ""
            raise HandingOverError(
                f"{one.name}{where} is not what it was when run {resumption.run_id} began, so "
                "what its steps computed holds no more; ask the question anew."
            )
        described.append(again)
    return described


def claim_run(resumption: Resumption, by: str, directory: Path | None) -> None:
    """Claim a run, so that no other goes on with it.

    Raises :class:`~analyst.session.resuming.ResumeError` where that cannot be.
    """
    try:
        claimed = claim(resumption.run_id, by, directory=directory)
    except RunLogError as error:
        raise ResumeError(f"Run {resumption.run_id} cannot be gone on with: {error}") from error
    if not claimed:
        raise ResumeError(f"Another run goes on with {resumption.run_id} already.")


def tidy(directory: Path) -> None:
    """Delete what was kept of runs that nobody went on with in a long time."""
    oldest = time.time() - STALE_DAYS * 86_400
    with suppress(OSError):
        for place in directory.iterdir():
            if place.stat().st_mtime < oldest:
                shutil.rmtree(place, ignore_errors=True)


def _source(citation: str) -> str:
    """Return ``report.pdf, p. 12`` from ``[K3: report.pdf, p. 12]``."""
    return citation.strip("[]").partition(": ")[2] or citation
