"""What a notebook says of a run, collected from its events.

Here: code, data, answer and citations. Not here: cells (:mod:`analyst.frontends.export`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analyst.frontends.export_queries import code_of_query
from analyst.record import events as ev

_CITED = re.compile(r"\[F(\d{1,9})\]")


@dataclass(kw_only=True)
class RunDigest:
    """What a notebook says of one run. ``code``: of the calls that went well, as it ran.

    ``tried``: the places in it of what a step did that was tried again, or came to nothing.
    """

    run_id: str = ""
    question: str = ""
    started_at: str = ""
    model: str = ""
    code: list[str] = field(default_factory=list)
    tried: set[int] = field(default_factory=set)
    data: dict[str, ev.DataDescription] = field(default_factory=dict)
    answer: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    ungrounded: tuple[str, ...] = ()
    cited: tuple[int, ...] = ()
    recalled: int | None = None
    saved: int | None = None
    reason: str | None = None
    private: bool = False


def digest(events: Iterable[ev.Event]) -> RunDigest:
    """Collect from a run's events what its notebook says."""
    found = RunDigest()
    code = _Code(found)
    cited: dict[int, None] = {}
    for event in events:
        code.take(event)
        match event:
            case ev.RunStarted():
                found.run_id, found.question = event.run_id, event.question
                found.started_at, found.model = event.started_at, event.model
                found.private = bool(event.settings.get("private"))
            case ev.DataHandedOver():
                found.data |= {one.name: one for one in event.data}
            case ev.Answer():
                found.answer, found.values = event.text, event.values
                found.ungrounded = event.ungrounded
                cited |= dict.fromkeys(int(number) for number in _CITED.findall(event.text))
            case ev.FindingSaved():
                found.saved = event.number
            case ev.RunFinished():
                found.reason = event.reason
    found.cited = tuple(cited)
    return found


_Coded = Callable[[Mapping[str, Any]], str]


def _python(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("code", ""))


@dataclass
class _Code:
    """Collects the code of a run that went well and was not undone."""

    found: RunDigest
    _running: dict[str, tuple[_Coded, Mapping[str, Any]]] = field(default_factory=dict)
    _settled: int = 0
    _began: int = 0

    def take(self, event: ev.Event) -> None:
        match event:
            case ev.ToolCallStarted(tool="python"):
                self._running[event.call_id] = _python, event.arguments
            case ev.ToolCallStarted(tool="sql"):
                self._running[event.call_id] = code_of_query, event.arguments
            case ev.ToolCallStarted(tool="recall") if isinstance(
                event.arguments.get("finding"), int
            ):
                self.found.recalled = event.arguments["finding"]
                self._running[event.call_id] = _python, event.arguments
            case ev.ToolCallFinished(call_id=call_id) if call_id in self._running:
                coded, called = self._running.pop(call_id)
                code = coded({**called, **(event.arguments or {})})
                if event.status == "ok" and code.strip():
                    self.found.code.append(code.strip("\n"))
            case ev.PlanStepStarted():
                self._settled = self._began = len(self.found.code)
            case ev.Note(code="step_again"):
                self._note_failed_try()
            case ev.PlanStepFinished():
                if event.status != "ok":
                    self._note_failed_try()
                self._settled = self._began = len(self.found.code)
            case ev.Note(code="retry"):
                # What was tried before was undone; what earlier steps of a plan did stands.
                del self.found.code[self._settled :]

    def _note_failed_try(self) -> None:
        self._settled = len(self.found.code)
        self.found.tried |= set(range(self._began, self._settled))
