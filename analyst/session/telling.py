"""Telling a run: every event goes to the record before the front end gets it.

Here: the record of one run, and what its first and last events say. Not here: what happens
between them (:mod:`analyst.session.run`).
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from analyst._version import __version__
from analyst.agent.budget import Budget
from analyst.agent.task import Progress
from analyst.record import events
from analyst.record.log import RunLog, RunLogError
from analyst.record.making import EventMaker
from kernel_sandbox import KernelSession, WrittenFile

if TYPE_CHECKING:
    from analyst.llm.router import ModelChoice
    from analyst.settings import Settings

_NAMES_SHOWN = 8
_RECORDED_PACKAGES = ("pandas", "pyarrow", "ipykernel", "openai", "xllamacpp")


class Teller:
    """Records and hands on the events of one run.

    ``listeners`` get each event too; ``answer`` is the last one told.
    """

    def __init__(
        self, make: EventMaker, emit: Callable[[events.Event], None], directory: Path | None
    ) -> None:
        self.listeners: list[Callable[[events.Event], None]] = []
        self.answer: events.Answer | None = None
        self._make = make
        self._emit = emit
        self._directory = directory
        self._log: RunLog | None = None

    def open_log(self) -> str | None:
        """Begin the record; return why that cannot be, if so."""
        try:
            self._log = RunLog(self._make.run_id, directory=self._directory)
        except RunLogError as error:
            return str(error)
        return None

    def tell(self, event: events.Event) -> None:
        """Record an event and hand it on."""
        if isinstance(event, events.Answer):
            self.answer = event
        for listener in self.listeners:
            listener(event)
        if self._log is not None:
            try:
                self._log.append(event)
            except RunLogError as error:
                self.close()
                self.note(f"The rest of this run is not recorded: {error}", "not_recorded")
        self._emit(event)

    def note(self, text: str, code: str, level: events.NoteLevel = "info") -> None:
        """Tell the user something."""
        self.tell(self._make(events.Note, level=level, code=code, text=text))

    def tell_of_kernel(self, session: KernelSession) -> None:
        """Tell in what kind of kernel the code runs, and warn of one that is not isolated."""
        self.tell(
            self._make(
                events.KernelReady,
                backend=session.backend,
                isolation=session.isolation,
                policy=session.policy.public(),
            )
        )
        if session.backend == "none":
            text = f"The agent's kernel is {session.isolation} (isolation=none)."
            self.note(text, "not_isolated", "warning")

    def close(self) -> None:
        """End the record; a second call does nothing."""
        if self._log is not None:
            self._log.close()
            self._log = None


def started(
    make: EventMaker,
    *,
    question: str,
    notebook: str | None,
    choice: ModelChoice,
    settings: Settings,
    values: Sequence[str] = (),
    resumes: str | None = None,
    rules: Mapping[str, str] | None = None,
) -> events.RunStarted:
    """Return the first event of a run. ``rules``: the caller's, beside those of the files."""
    return make(
        events.RunStarted,
        question=question,
        started_at=datetime.now(UTC).astimezone().isoformat(timespec="milliseconds"),
        model=choice.model,
        model_reason=choice.reason,
        protocol=choice.protocol,
        settings={**settings.public(), **({"rules": dict(rules)} if rules else {})},
        versions={
            "analyst": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in _RECORDED_PACKAGES},
        },
        notebook=notebook,
        values=tuple(values),
        resumes=resumes,
    )


def finished(
    make: EventMaker,
    status: events.RunStatus,
    reason: str | None,
    *,
    budget: Budget,
    progress: Progress,
    phases: Mapping[str, float],
) -> events.RunFinished:
    """Return the last event of a run; ``phases``: seconds by part of the preparation."""
    seconds = {**phases, "model": progress.seconds_model, "tools": progress.seconds_tools}
    seconds |= progress.seconds_by_check
    return make(
        events.RunFinished,
        status=status,
        reason=reason,
        usage=budget.usage,
        steps=budget.steps,
        seconds=make.seconds,
        seconds_by_phase={name: round(value, 4) for name, value in seconds.items()},
        cost=budget.cost,
        usage_by_check=dict(progress.usage_by_check),
    )


def written_sentence(written: Collection[WrittenFile]) -> str:
    """Say which files the code wrote, and how to get them."""
    names = sorted(file.name for file in written)
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (
        f"The code wrote {shown}{more} in its own workspace, which goes with the session. "
        "A copy is had by the button in the panel, by %agent save NAME in a notebook, or by "
        "analyst ask --save-files DIRECTORY."
    )
