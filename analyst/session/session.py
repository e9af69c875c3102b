"""The session object: composition, one run at a time, stopping, and the end of the kernel.

Here: what lives from question to question. Not here: one run (:mod:`analyst.session.run`) and
the data (:mod:`analyst.session.data_room`).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from analyst.agent.approval import ApprovalDesk, Decided
from analyst.agent.context import Context, Exchange
from analyst.configuration import Configuration
from analyst.llm.completion import LanguageModel
from analyst.memory.fingerprints import FileFingerprints
from analyst.record import events
from analyst.record.files import data_directory as default_data_directory
from analyst.record.log import RunLogError
from analyst.record.runs import RunLookupError, find_run
from analyst.session.data_room import DataRoom, WaitingData
from analyst.session.models import SessionModels, opening_for
from analyst.session.permitting import held_as_before
from analyst.session.remembering import Remembering
from analyst.session.resuming import ResumeError, Resumption, resumption
from analyst.session.run import Run
from analyst.session.run_input import RunInput
from analyst.session.sandbox import gateway_for, policy_for
from analyst.session.toolbox import Toolbox
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.permissions import Verdict
from kernel_sandbox import KernelPool, KernelSession, WrittenFile

if TYPE_CHECKING:
    import pandas as pd

    from analyst.llm.router import ModelChoice


class RunInProgressError(RuntimeError):
    """The session answers one question at a time."""

    def __init__(self) -> None:
        super().__init__("A run is going on in this session; stop it first, or wait for its end.")


@dataclass(frozen=True, kw_only=True)
class SessionStatus:
    """What a session would use for the next run, and what it holds."""

    model: str
    model_reason: str
    protocol: str
    kernel: str
    isolation: str
    policy: Mapping[str, str]
    runs: int
    running: bool
    data: tuple[str, ...] = ()


class Session:
    """A conversation with the agent, and its kernel. Lives in one event loop.

    ``model`` and ``protocol`` override the choice by settings and environment, for tests and
    for callers that bring their own model. ``data_directory``: where logs go (default: the
    user's). ``pool``: where kernels are taken from, else each is started when needed. Use it as
    an async context manager, or call :meth:`aclose`.
    """

    def __init__(
        self,
        *,
        cwd: Path | None = None,
        settings: Settings | None = None,
        model: LanguageModel | None = None,
        protocol: Literal["native", "fenced"] | None = None,
        data_directory: Path | None = None,
        pool: KernelPool | None = None,
    ) -> None:
        self.cwd = (cwd or Path.cwd()).absolute()
        self.settings = settings or Settings()
        self.data_directory = data_directory
        self._fingerprints = FileFingerprints(
            (data_directory or default_data_directory()) / "fingerprints.json"
        )
        self.data_room = DataRoom(self.cwd, self._fingerprints)
        self.remembering = Remembering(self.cwd, data_directory)
        self._pool = pool
        self.models = SessionModels(model, protocol, directory=data_directory)
        self.approval_desk = ApprovalDesk()
        self.toolbox = Toolbox()
        self.waiting = WaitingData()
        self._kernel: asyncio.Task[AnalysisKernel] | None = None
        self._context: Context | None = None
        self._context_key: tuple[str, str] | None = None
        self._playing: asyncio.Task[None] | None = None
        self._runs = 0
        self._was_private = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def ask(
        self,
        question: str,
        *,
        data: Mapping[str, object] | None = None,
        files: Sequence[Path] = (),
        values: Sequence[str] = (),
        value_pattern: re.Pattern[str] | None = None,
        findings: Sequence[int] = (),
        overrides: Mapping[str, Any] | None = None,
        notebook: str | None = None,
        attended: bool = False,
        rules: Mapping[str, Verdict] | None = None,
        resume: str | None = None,
    ) -> AsyncIterator[events.Event]:
        """Answer a question as a stream of events; the last is ``run_finished``.

        ``data``: frames, by the names they get in the kernel. ``files``: data files, read in
        the kernel (a single one becomes ``df``). ``values``: variables the code must compute;
        ``value_pattern`` (groups ``name``, ``value``) also reads them from printed text.
        ``findings``: numbers of findings that go along; their values only if they hold for the
        data. ``overrides``: settings for this run alone. ``attended``: somebody reads the events
        and can decide what ``approval_requested`` asks, by :meth:`resolve_approval`. ``rules``:
        what becomes of calls of tools, by patterns of their names, besides the configured rules.
        ``resume``: the id of a planned run that broke off; its question is asked, and its finished
        steps are not done again. Closing the iterator stops the run.

        Raises :class:`RunInProgressError`, :class:`analyst.settings.SettingsError`,
        :class:`analyst.configuration.ConfigurationError` and
        :class:`analyst.session.resuming.ResumeError` before anything starts; all later trouble is
        told by events.
        """
        if self._playing is not None and not self._playing.done():
            raise RunInProgressError
        settings = self.settings.updated(overrides or {})
        configuration = Configuration.load(self.cwd)
        begun = None if resume is None else self._resumption(resume, settings)
        settings, held = held_as_before(settings, rules or {}, begun.limits if begun else ())
        choice = self.models.choose(settings, overrides or {})
        if self._was_private and not settings.private:
            # Its words and variables would be found in the record of what follows.
            await self.reset()
        self._was_private = settings.private
        queue: asyncio.Queue[events.Event | None] = asyncio.Queue()
        waiting, self.waiting = self.waiting, WaitingData()
        run = Run(
            session=self,
            settings=settings,
            choice=choice,
            given=RunInput(
                question=question if begun is None else begun.question,
                data={**waiting.frames, **(data or {})},
                files=tuple(dict.fromkeys((*waiting.files, *files))),
                values=tuple(values) if begun is None else begun.values,
                value_pattern=value_pattern,
                findings=tuple(findings),
                notebook=notebook,
                attended=attended,
                rules=held,
                resumption=begun,
            ),
            configuration=configuration,
            emit=queue.put_nowait,
        )
        self._runs += 1
        playing = self._playing = asyncio.create_task(run.play())
        playing.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            playing.result()
        finally:
            await _end(playing)

    def _resumption(self, run_id: str, settings: Settings) -> Resumption:
        """Read the run to go on with; see :meth:`ask`."""
        if settings.private:
            raise ResumeError("A private run keeps nothing, so it cannot go on with another.")
        try:
            return resumption(find_run(run_id, directory=self.data_directory), self.data_directory)
        except (RunLookupError, RunLogError) as error:
            raise ResumeError(str(error)) from error

    def resolve_approval(
        self, call_id: str, decision: Decided, text: str | None = None, *, always: bool = False
    ) -> bool:
        """Decide a call that waits; see :meth:`analyst.agent.approval.ApprovalDesk.resolve`.

        In the session's loop.
        """
        return self.approval_desk.resolve(call_id, decision, text=text, always=always)

    async def stop(self) -> None:
        """Stop the run that is going on, if one is, and return when it has ended."""
        if self._playing is not None:
            await _end(self._playing)

    async def reset(self) -> None:
        """Forget the conversation and all variables; the next question starts afresh."""
        await self.stop()
        self._context = None
        self.data_room = DataRoom(self.cwd, self._fingerprints)
        self.waiting = WaitingData()
        self.remembering.executed.clear()
        self.approval_desk.always.clear()
        await self._end_kernel()

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was asked and answered in this conversation."""
        return () if self._context is None else tuple(self._context.exchanges)

    async def fetch_frame(self, name: str) -> pd.DataFrame:
        """Return a frame of the kernel; raises :class:`kernel_sandbox.KernelSandboxError`."""
        kernel = await asyncio.shield(self.kernel_task(self.settings))
        return await kernel.hand_off.fetch_frame(name)

    async def written_files(self) -> tuple[WrittenFile, ...]:
        """List the files that the agent's code wrote, as long as the kernel's session lives."""
        if self._kernel is None:
            return ()
        return await (await asyncio.shield(self._kernel)).hand_off.workspace.files()

    async def save_file(self, name: str, target: Path) -> Path:
        """Copy a file that the agent's code wrote; see :meth:`kernel_sandbox.Workspace.save`."""
        kernel = await asyncio.shield(self.kernel_task(self.settings))
        return await kernel.hand_off.workspace.save(name, self.cwd / target)

    async def aclose(self) -> None:
        """Stop what runs, end the kernel, let connections go. Can be called again."""
        await self.stop()
        await self._end_kernel()
        await self.toolbox.aclose()
        await self.models.aclose()
        await self.remembering.aclose()

    def warm_up(self) -> None:
        """Start a kernel in the background, so that the first question finds it ready."""
        self.remembering.memory(self.settings)
        if self._pool is not None and self._kernel is None and self.settings.gateway_url is None:
            self._pool.prepare(policy=policy_for(self.settings))

    def status(self) -> SessionStatus:
        """Say what the next run would use; raises :class:`analyst.settings.SettingsError`."""
        choice = self.models.choose(self.settings, {})
        kernel, isolation = "not started", ""
        if self._kernel is not None and not self._kernel.done():
            kernel = "starting"
        elif self._kernel is not None and self._kernel.exception() is None:
            session = self._kernel.result().session
            kernel = f"process {session.kernel_pid}" if session.is_alive() else "ended"
            isolation = session.isolation
        return SessionStatus(
            model=choice.model,
            model_reason=choice.reason,
            protocol=choice.protocol,
            kernel=kernel,
            isolation=isolation or _asked_isolation(self.settings),
            policy=policy_for(self.settings).describe(),
            runs=self._runs,
            running=self._playing is not None and not self._playing.done(),
            data=(*self.data_room.frames, *self.data_room.files),
        )

    def kernel_task(self, settings: Settings) -> asyncio.Task[AnalysisKernel]:
        """Return the task that starts, or started, the kernel; a failed start is tried anew."""
        task = self._kernel
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._kernel = asyncio.create_task(self._start_kernel(settings))
        return task

    def context_for(self, choice: ModelChoice, model: LanguageModel) -> Context:
        """Return the conversation with this model; another model begins with a summary."""
        key = (choice.model, choice.protocol)
        if self._context is None or key != self._context_key:
            earlier = self._context.exchanges if self._context is not None else []
            self._context = Context(opening_for(choice.protocol), model.context_window)
            self._context.exchanges = list(earlier)
            self._context_key = key
            self.data_room.shown.clear()
        return self._context

    def conclude(self, question: str, answer: str) -> None:
        """Note in the conversation how a run ended that the loop could not end itself."""
        context = self._context
        if context is None:
            return
        if context.messages[-1].get("role") != "assistant":
            context.append({"role": "assistant", "content": answer})
        context.conclude(question, answer)

    async def _start_kernel(self, settings: Settings) -> AnalysisKernel:
        policy = policy_for(settings)
        gateway = gateway_for(settings, os.environ)
        if gateway is not None or self._pool is None:
            session = await KernelSession.start(policy=policy, gateway=gateway)
        else:
            session = await self._pool.take(policy=policy)
        kernel = AnalysisKernel(session)
        kernel.on_new_kernel = self._restore_data
        await kernel.warm()
        return kernel

    async def _restore_data(self, kernel: AnalysisKernel) -> None:
        self.remembering.executed.clear()
        await self.data_room.restore(kernel)

    async def _end_kernel(self) -> None:
        task, self._kernel = self._kernel, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            kernel = await task
            await kernel.session.shutdown()


def _asked_isolation(settings: Settings) -> str:
    if settings.gateway_url is not None:
        return "the gateway's matter"
    if settings.isolation == "none":
        return "none, as the settings ask for"
    return f"{settings.isolation}; what it is here is found out when the kernel starts"


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a run and wait until it has told its end."""
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await asyncio.shield(task)
