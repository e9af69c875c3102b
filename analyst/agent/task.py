"""What one run is to do, and how far it got.

Here: plain data that the loop fills and that a stopped run is summed up from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from analyst.agent.context import Question


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one run is to do.

    ``value_pattern`` (groups ``name`` and ``value``) reads values that the code prints in a
    format of the caller's. ``has_data``: frames or files were handed over, so an answer with
    numbers needs code first.
    """

    question: Question
    value_pattern: re.Pattern[str] | None = None
    has_data: bool = False

    @property
    def value_names(self) -> Sequence[str]:
        """Names of the values asked for."""
        return self.question.value_names


@dataclass
class Progress:
    """What happened so far in one run."""

    values: dict[str, Any] = field(default_factory=dict)
    calls_ok: int = 0
    calls_failed: int = 0
    last_output: str = ""
    requests: int = 0
    sent: list[Any] = field(default_factory=list)
    doubted: bool = False
    retrying: bool = False
    nudged: bool = False
    seconds_model: float = 0.0
    seconds_tools: float = 0.0
