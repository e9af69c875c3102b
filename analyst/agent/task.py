"""What one run is to do, and how far it got.

Here: plain data that the loop fills and that a stopped run is summed up from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analyst.agent.context import Question
from analyst.record.events import Usage


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one run is to do.

    ``value_pattern`` (groups ``name`` and ``value``) reads values that the code prints in a
    format of the caller's. ``has_data``: frames or files were handed over, so an answer with
    numbers needs code first. ``told``: findings whose values the model was told, as they hold
    for the data; an answer that cites one needs no code. ``by_output``: code that ran well answers
    by what it printed, and the model is not asked to say it again.
    """

    question: Question
    value_pattern: re.Pattern[str] | None = None
    has_data: bool = False
    told: frozenset[int] = frozenset()
    by_output: bool = False

    @property
    def value_names(self) -> Sequence[str]:
        """Names of the values asked for."""
        return self.question.value_names

    @property
    def assignable(self) -> Sequence[str]:
        """Names of variables that count as values asked for."""
        return (*self.value_names, *self.placeholders)

    @cached_property
    def placeholders(self) -> Mapping[str, str]:
        """Other names of the values asked for: the caller's format may put one in its place.

        ``@mean[mean_value]`` in a question makes ``mean_value`` stand for ``mean``.
        """
        if self.value_pattern is None:
            return {}
        found = {
            match["value"]: match["name"]
            for match in self.value_pattern.finditer(self.question.text)
            if match["name"] in self.value_names and match["value"].isidentifier()
        }
        return {other: name for other, name in found.items() if other not in self.value_names}


@dataclass(frozen=True, slots=True)
class Settled:
    """An answer that stands by itself, whatever is still done about it."""

    text: str
    values: Mapping[str, Any]


@dataclass
class Progress:
    """What happened so far in one run.

    ``settled``: the answer if it is cut off from here on. ``noted``: what was last said of a try
    that failed; ``repeated``: the model sent the same code again all the same. ``doubted``: values
    of a try that were complete, but looked wrong. ``call_ids``: those that calls of the run have.
    """

    values: dict[str, Any] = field(default_factory=dict)
    calls_ok: int = 0
    calls_failed: int = 0
    last_output: str = ""
    seen: list[str] = field(default_factory=list)
    requests: int = 0
    sent: list[Any] = field(default_factory=list)
    told_tools: bool = False
    doubts: int = 0
    retrying: bool = False
    repeated: bool = False
    noted: str = ""
    doubted: dict[str, Any] = field(default_factory=dict)
    nudged: bool = False
    loss_told: bool = False
    suspected: set[str] = field(default_factory=set)
    call_ids: set[str] = field(default_factory=set)
    seconds_model: float = 0.0
    seconds_tools: float = 0.0
    verified: bool = False
    settled: Settled | None = None
    usage_by_check: dict[str, Usage] = field(default_factory=dict)
    seconds_by_check: dict[str, float] = field(default_factory=dict)

    def charge(self, check: str, *, usage: Usage | None = None, seconds: float = 0.0) -> None:
        """Note what a check of the answer cost."""
        self.usage_by_check[check] = self.usage_by_check.get(check, Usage()) + (usage or Usage())
        self.seconds_by_check[check] = self.seconds_by_check.get(check, 0.0) + seconds
