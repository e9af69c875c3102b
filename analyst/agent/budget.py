"""Budgets of a run: steps, tokens, seconds, malformed replies, repeated code.

Here: counting, and the sentence for each budget that ends a run. Not here: what the run says
then (:mod:`analyst.agent.partial`).
"""

from __future__ import annotations

import ast
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from analyst.record.events import Usage


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use. ``tokens`` counts read and written ones, cached included.

    ``malformed`` replies and ``failures`` of calls count in a row, ``repeats`` of code in all.
    """

    steps: int = 8
    tokens: int = 50_000
    seconds: float = 600.0
    malformed: int = 3
    repeats: int = 2
    failures: int = 4


@dataclass
class Budget:
    """What one run has used. A step is one reply of the model."""

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    malformed_in_a_row: int = 0
    failures_in_a_row: int = 0
    repeats: int = 0
    paused_seconds: float = 0.0
    _codes: Counter[str] = field(default_factory=Counter)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def seconds(self) -> float:
        """Seconds used, without the time spent waiting for the user."""
        return self.clock() - self._started - self.paused_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self.limits.seconds - self.seconds)

    def count_reply(self, usage: Usage) -> None:
        """Count one reply of the model."""
        self.steps += 1
        self.usage += usage

    def is_repeat(self, code: str) -> bool:
        """Count ``code``; tell whether the same code was sent before in this run."""
        key = normal_form(code)
        self._codes[key] += 1
        repeated = self._codes[key] > 1
        self.repeats += repeated
        return repeated

    def exhausted(self) -> str | None:
        """Name the budget that is used up, as a clause; ``None`` while all have room."""
        limits = self.limits
        if self.malformed_in_a_row >= limits.malformed:
            count = self.malformed_in_a_row
            return f"the model's last {count} replies were neither code nor an answer"
        if self.failures_in_a_row >= limits.failures:
            return f"the last {self.failures_in_a_row} tries did not work"
        if self.repeats > limits.repeats:
            return "the model sent the same code again and again"
        if self.steps >= limits.steps:
            return f"the limit of {limits.steps} steps was reached"
        if self.usage.total >= limits.tokens:
            return f"the limit of {limits.tokens} tokens was reached"
        if self.seconds >= limits.seconds:
            return f"the limit of {limits.seconds:g} seconds was reached"
        return None


def normal_form(code: str) -> str:
    """Return code without comments, blank lines and layout, to tell repeats from new tries."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "\n".join(line.strip() for line in code.splitlines() if line.strip())
