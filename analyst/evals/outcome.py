"""What became of one question, told from the events of its run.

Here: the taxonomy and the collector that reads a run's events. Not here: the scoring of the
answer's text (:mod:`analyst.evals.dabench`), nor the running (:mod:`analyst.evals.runner`).
"""

from __future__ import annotations

from typing import Literal, get_args

from analyst.record.events import (
    Answer,
    Event,
    ModelResponded,
    Note,
    RunFinished,
    ToolCallFinished,
    Usage,
)
from analyst.record.team_report import TeamObserver

Outcome = Literal["good", "wrong", "code_broken", "malformed_action", "no_action", "error"]
"""How a question ended.

``good``: every sub-answer is right. ``error``: the session or its model's endpoint failed. Else
the first of these that fits: ``no_action``: the model never tried to act. ``malformed_action``:
it tried, and nothing of it could be run, or its last try could not and no value was given.
``code_broken``: nothing that ran succeeded, or the last thing did not and no value was given.
``wrong``: code ran, and the answer is not the expected one.
"""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

MALFORMED_ACTION = "malformed_action"
"""The code of the note that a session emits for a reply it could not read as an action."""


class RunObserver:
    """Gathers from a run's events what its question's result needs."""

    def __init__(self) -> None:
        self.run_id: str | None = None
        self.finished: RunFinished | None = None
        self.answer: Answer | None = None
        self._tries: list[Literal["ok", "broken", "malformed"]] = []
        self._refused = False
        self._kept: list[ModelResponded] = []
        self.team = TeamObserver()

    def see(self, event: Event) -> None:
        """Take in the next event."""
        self.run_id = event.run_id
        self.team.see(event)
        match event:
            case RunFinished():
                self.finished = event
            case Answer():
                self.answer = event
            case ModelResponded(from_cache=True):
                self._kept.append(event)
            case Note(code=code) if code == MALFORMED_ACTION:
                self._tries.append("malformed")
            case ToolCallFinished(status="refused"):
                self._refused = True
            case ToolCallFinished(status=status):
                self._tries.append("ok" if status == "ok" else "broken")
            case _:
                pass

    @property
    def usage(self) -> Usage:
        """What the run takes if every reply is asked for, none kept from an equal request."""
        used = self.finished.usage if self.finished else Usage()
        for one in self._kept:
            asked = one.usage_when_asked or Usage()
            used = Usage(
                input=used.input - one.usage.input + asked.input,
                output=used.output - one.usage.output + asked.output,
                cached=used.cached - one.usage.cached + asked.cached,
            )
        return used

    @property
    def seconds_saved(self) -> float:
        """How much longer the run takes if every reply is asked for."""
        return sum((one.seconds_when_asked or 0.0) - one.seconds for one in self._kept)

    @property
    def failure(self) -> str | None:
        """Why the run did not end by the agent's doing, one sentence; None when it did."""
        if self.finished is None:
            return "The run ended without saying so."
        if self.finished.status in {"error", "stopped"}:
            return self.finished.reason or f"The run ended with status {self.finished.status}."
        return None

    def outcome(self, *, all_right: bool, answered: bool) -> Outcome:
        """Return the outcome; ``answered``: the answer holds a value under an expected name."""
        if all_right:
            return "good"
        if self.failure is not None:
            return "error"
        if not self._tries:
            return "malformed_action" if self._refused else "no_action"
        ran = [status for status in self._tries if status != "malformed"]
        if not ran or (self._tries[-1] == "malformed" and not answered):
            return "malformed_action"
        if "ok" not in ran or (ran[-1] == "broken" and not answered):
            return "code_broken"
        return "wrong"
