"""What the caller of a run asked. Not here: the run (:mod:`analyst.session.run`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analyst.session.resuming import Resumption
from analyst.tools.permissions import Verdict


@dataclass(frozen=True, kw_only=True)
class RunInput:
    """What the caller asked; see :meth:`analyst.session.Session.ask`."""

    question: str
    data: Mapping[str, object] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    values: tuple[str, ...] = ()
    value_pattern: re.Pattern[str] | None = None
    findings: tuple[int, ...] = ()
    notebook: str | None = None
    attended: bool = False
    rules: Mapping[str, Verdict] = field(default_factory=dict)
    resumption: Resumption | None = None
