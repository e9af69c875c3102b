"""One run of a session: from the question to ``run_finished``, whatever happens.

Here: the order of a run's parts, and which end each kind of trouble gets. Not here: the parts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from analyst.agent.budget import Budget, Limits
from analyst.agent.choosing import choose_known
from analyst.agent.context import Context, Question
from analyst.agent.loop import AgentLoop
from analyst.agent.partial import partial_answer
from analyst.agent.task import Progress, Task
from analyst.agent.values import missing
from analyst.boundaries import instruction_in, marked
from analyst.configuration import Configuration, ConfigurationError
from analyst.llm.completion import ModelError
from analyst.memory.finding import Finding
from analyst.record import events
from analyst.record.log import new_run_id
from analyst.record.making import EventMaker
from analyst.session.assembling import Assembly
from analyst.session.composition import agent_loop
from analyst.session.data_room import DataRoom, HandingOverError
from analyst.session.directly import Directly
from analyst.session.models import prices_for
from analyst.session.planned_run import (
    STEPS_FACTOR,
    PlannedRun,
    claim_run,
    described,
    hand_over_again,
)
from analyst.session.recollection import Recollection
from analyst.session.resuming import ResumeError
from analyst.session.run_input import RunInput
from analyst.session.team_run import TURNS_FACTOR
from analyst.session.telling import Teller, finished, started, written_sentence
from analyst.session.workbench import checkpoints
from analyst.tools.analysis_kernel import AnalysisKernel
from kernel_sandbox import KernelSandboxError

if TYPE_CHECKING:
    from analyst.llm.router import ModelChoice
    from analyst.session.session import Session
    from analyst.settings import Settings

ROWS_SHOWN = 5
"""Raw rows of a frame that go to the model when the user opted in."""


@dataclass
class Run:
    """Plays one run; every event is logged before it is emitted."""

    session: Session
    settings: Settings
    choice: ModelChoice
    given: RunInput
    configuration: Configuration
    emit: Callable[[events.Event], None]
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        self._make = EventMaker(self.run_id)
        self._progress = Progress()
        self._budget = Budget(
            Limits(
                steps=self.settings.max_steps * self._steps_factor,
                tokens=self.settings.max_tokens_per_run,
                seconds=self.settings.max_seconds,
                cost=self.settings.max_cost,
            ),
            prices=prices_for(self.configuration, self.settings),
        )
        self._phases: dict[str, float] = {}
        self._recollection: Recollection | None = None
        self._planned: PlannedRun | None = None
        self._timeout = asyncio.timeout(None)
        self._teller = Teller(self._make, self.emit, self.session.data_directory)
        self._tell, self._note = self._teller.tell, self._teller.note
        self._parts = Assembly(
            session=self.session,
            settings=self.settings,
            choice=self.choice,
            given=self.given,
            configuration=self.configuration,
            run_id=self.run_id,
            note=self._note,
            pausing=self._pausing,
        )
        self._start = started(
            self._make,
            question=self.given.question,
            notebook=self.given.notebook,
            choice=self.choice,
            settings=self.settings,
            values=self.given.values,
            resumes=self.given.resumption.run_id if self.given.resumption else None,
            rules=self.given.rules,
        )

    @property
    def _is_planned(self) -> bool:
        return self.settings.work == "plan" or self.given.resumption is not None

    @property
    def _is_team(self) -> bool:
        return self.settings.work == "team" and not self._is_planned

    @property
    def _steps_factor(self) -> int:
        return STEPS_FACTOR if self._is_planned else TURNS_FACTOR if self._is_team else 1

    async def play(self) -> None:
        """Play the run to its end. Only a defect of ours raises, after the record is closed."""
        status: events.RunStatus = "error"
        reason: str | None = None
        unlogged = None if self.settings.private else self._teller.open_log()
        self._tell(self._start)
        if self.settings.private:
            self._note("Nothing of this run is kept: it is private.", "private")
        if unlogged:
            self._note(f"This run is not recorded: {unlogged}", "not_recorded", "warning")
        try:
            if self.given.resumption is not None:
                claim_run(self.given.resumption, self.run_id, self.session.data_directory)
            async with asyncio.timeout(self.settings.max_seconds) as self._timeout:
                await self._answer_question()
            status, reason = self._outcome()
        except TimeoutError:
            status = "partial"
            reason = f"the limit of {self.settings.max_seconds:g} seconds was reached"
            self._answer_partially(reason)
            if self._teller.answer is not None and self._teller.answer.complete:
                status, reason = "ok", None
        except asyncio.CancelledError:
            status, reason = "stopped", "it was stopped"
            if self._progress.requests:
                self._answer_partially(reason)
        except (
            ModelError,
            KernelSandboxError,
            HandingOverError,
            ConfigurationError,
            ResumeError,
        ) as error:
            reason = str(error)
            self.session.conclude(self.given.question, f"No answer: {reason}")
        except Exception as error:
            reason = f"an error in the analyst itself: {type(error).__name__}: {error}"
            raise
        finally:
            if self._recollection is not None:
                self._recollection.end()
            self._tell(
                finished(
                    self._make,
                    status,
                    reason,
                    budget=self._budget,
                    progress=self._progress,
                    phases=self._phases,
                )
            )
            self._teller.close()
            if status == "ok" and self._planned is not None:
                self._planned.forget()

    async def _answer_question(self) -> None:
        started = time.monotonic()
        if not self._is_planned and await self._answer_directly():
            return
        kernel_task = self.session.kernel_task(self.settings)
        self.session.remembering.memory(self.settings)
        model = await self.session.models.ready(
            self.choice, self.settings, lambda text: self._note(text, "model")
        )
        self._phases["model_start"] = time.monotonic() - started
        kernel = await asyncio.shield(kernel_task)
        room = self.session.data_room
        await kernel.ensure_ready()
        self._teller.tell_of_kernel(kernel.session)
        handed = await self._hand_over(kernel)
        if handed:
            self._tell(self._make(events.DataHandedOver, data=tuple(handed)))
        context = self.session.context_for(self.choice, model)
        recollection = self._recollection = self._recollect(room, handed, context)
        self._teller.listeners.append(recollection.traces.take)
        await self._recall(recollection)
        if recollection.sure is not None:
            await recollection.quote(recollection.sure)
            return
        task = Task(
            question=Question(text=self.given.question, value_names=self.given.values),
            value_pattern=self.given.value_pattern,
            has_data=bool(handed or room.frames or room.files or self._asks_databases),
        )
        loop = agent_loop(
            model,
            context,
            kernel,
            protocol=self.choice.protocol,
            settings=self.settings,
            task=task,
            look_up=recollection.look_up if self.settings.memory else None,
            approvals=self._parts.approvals(),
            more=await self._parts.tools(kernel),
            critic=await self._parts.critic(),
        )
        if recollection.likely and await self._is_known(loop, recollection):
            return
        rows = ROWS_SHOWN if self.settings.show_rows else 0
        texts = self._as_data(
            await described(kernel, room, rows=rows)
            if self._is_planned or self._is_team
            else await room.describe_new(kernel, handed, rows=rows)
        )
        first_code = recollection.code_to_rerun()
        native = loop.protocol.sends_tools
        hint = "" if first_code else recollection.hint(all_found=native)
        attached, told = await recollection.attached(self.given.findings)
        question = replace(task.question, data=(*texts, hint, attached))
        await kernel.begin(task.assignable)
        self._phases["prepare"] = time.monotonic() - started
        workspace = kernel.hand_off.workspace
        before = await workspace.files()
        task = replace(task, question=question, told=told)
        if self._is_planned:
            planned = self._planned = await self._parts.planned(task, kernel, recollection)
            playing = planned.run(self._budget, self._make, self._progress)
        elif self._is_team:
            team = await self._parts.team(task, kernel, recollection)
            playing = team.run(self._budget, self._make, self._progress)
        else:
            playing = loop.run(
                task, self._budget, self._make, self._progress, first_code=first_code
            )
        async for event in playing:
            self._tell(event)
        if not self.settings.private:
            await recollection.save(self._teller.answer, self._start)
        written = set(await workspace.files()) - set(before)
        if written:
            self._note(written_sentence(written), "files_written")

    def _as_data(self, texts: Sequence[str]) -> list[str]:
        """Mark descriptions of data as such, and warn of instructions in them."""
        for text in texts:
            if words := instruction_in(text):
                self._progress.suspected.add(words)
                self._note(
                    "The data hold what reads like an instruction to the agent, and is treated as "
                    f"data: “{words}”",
                    "injection_suspected",
                    "warning",
                )
        return [marked(text) for text in texts]

    async def _answer_directly(self) -> bool:
        """Answer a question that needs neither code nor data, if it is one."""
        directly = Directly(
            session=self.session,
            settings=self.settings,
            choice=self.choice,
            given=self.given,
            tell=self._tell,
        )
        kind = directly.kind()
        if kind is None:
            return False
        model = await self.session.models.ready(
            self.choice, self.settings, lambda text: self._note(text, "model")
        )
        return await directly.answer(kind, model, self._budget, self._make, self._progress)

    async def _hand_over(self, kernel: AnalysisKernel) -> list[events.DataDescription]:
        """Bring the data into the kernel: what was given, or what the run before had."""
        room, given = self.session.data_room, self.given
        if given.resumption is None:
            return await room.hand_over(
                kernel, given.data, given.files, keep=not self.settings.private
            )
        return await hand_over_again(
            given.resumption,
            room,
            kernel,
            frames=given.data,
            place=checkpoints(given.resumption.root, self.session.data_directory),
        )

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        """Let the run's clock stand still while the user is asked."""
        clock = asyncio.get_running_loop().time
        ends, began = self._timeout.when(), clock()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            waited = clock() - began
            self._budget.paused_seconds += waited
            if ends is not None:
                self._timeout.reschedule(ends + waited)

    def _recollect(
        self, room: DataRoom, handed: Sequence[events.DataDescription], context: Context
    ) -> Recollection:
        remembering = self.session.remembering
        everything = tuple(room.fingerprints.values())
        return Recollection(
            memory=remembering.memory(self.settings),
            remembering=remembering,
            question=self.given.question,
            data=tuple(room.fingerprints[one.name] for one in handed) or everything,
            all_data=everything,
            value_names=self.given.values,
            project=remembering.project if self.settings.memory_scope == "project" else None,
            context=context,
            documents=self.configuration.knowledge.folders,
            native=self.choice.protocol == "native",
            make=self._make,
            tell=self._tell,
        )

    @property
    def _asks_databases(self) -> bool:
        """Whether the model can ask databases of the user's; a small one cannot."""
        return self.choice.protocol == "native" and bool(self.configuration.databases)

    async def _recall(self, recollection: Recollection) -> None:
        """Look up what is known, where that may be; a run that goes on did so before."""
        if recollection.memory is None:
            return
        if denied := self._parts.denial_of_recall():
            self._note(f"Findings are not looked up: {denied}.", "memory")
        elif self.given.resumption is None:
            await recollection.recall()

    async def _is_known(self, loop: AgentLoop, recollection: Recollection) -> bool:
        """Let the model say whether a finding answers the question, and answer by that one."""
        chosen = None
        async for item in choose_known(
            loop,
            self.given.question,
            recollection.likely,
            budget=self._budget,
            make=self._make,
            progress=self._progress,
        ):
            if isinstance(item, Finding):
                chosen = item
            else:
                self._tell(item)
        if chosen is None:
            return False
        await recollection.quote(chosen)
        return True

    def _outcome(self) -> tuple[events.RunStatus, str | None]:
        if self._teller.answer is not None and self._teller.answer.complete:
            return "ok", None
        return "partial", self._budget.exhausted() or "no complete answer was found"

    def _answer_partially(self, reason: str) -> None:
        if self._teller.answer is not None:
            return
        progress = self._progress
        if progress.settled is not None:
            text, values = progress.settled.text, dict(progress.settled.values)
            self._note(f"Its review was cut off: {reason}.", "review_cut_off", "warning")
            self.session.conclude(self.given.question, text)
            self._tell(self._make(events.Answer, text=text, values=values))
            return
        text = partial_answer(
            reason=reason,
            calls_ok=progress.calls_ok,
            calls_failed=progress.calls_failed,
            last_output=progress.last_output,
            values=progress.values,
            missing_values=missing(self.given.values, progress.values),
        )
        self.session.conclude(self.given.question, text)
        self._tell(
            self._make(events.Answer, text=text, values=dict(progress.values), complete=False)
        )
