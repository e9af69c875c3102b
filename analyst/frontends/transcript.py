"""What a run looks like: the one view model of every front end.

Immutable data, made from events by :mod:`analyst.frontends.reducer` and drawn by the views.
Nothing here is cleaned or escaped: all text is as the model, the code and the data made it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analyst.record import events as ev

PlanStatus = Literal["waiting", "running", "ok", "error", "skipped"]

_FINAL = re.compile(
    r"^[ \t>#*_-]*final(?:[ _]answer)?[*_]*[ \t]*:[*_]*[ \t]*", re.MULTILINE | re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class ShownOutput:
    """One output of a step.

    ``key`` stays when the output is replaced by an update of its display. ``cut`` counts the
    characters of a stream that came before ``output`` and are not kept.
    """

    key: str
    output: Mapping[str, Any]
    display_id: str | None = None
    cut: int = 0


Language = Literal["python", "sql", "json"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What waits for the user: a call, a plan, or a question of the model's.

    ``words`` are the risk, or the question. ``text`` is what exactly is decided about, and may be
    changed where ``editable`` says so; ``more`` are the call's other arguments, ``preview`` what it
    would change. An answer is one of ``choices``, or the user's own words.
    """

    call_id: str
    kind: Literal["call", "plan", "question"]
    tool: str
    words: str
    text: str
    editable: bool
    more: Mapping[str, str] = field(default_factory=dict)
    preview: str = ""
    choices: tuple[str, ...] = ()
    can_always: bool = True


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call of a tool; ``status`` is None while it runs.

    ``said`` is what the user answered to the call's question.
    """

    number: int
    call_id: str
    tool: str
    code: str
    language: Language
    arguments: Mapping[str, Any] = field(default_factory=dict)
    prose: str = ""
    outputs: tuple[ShownOutput, ...] = ()
    emitted: int = 0
    status: ev.CallStatus | None = None
    observation: str = ""
    seconds: float | None = None
    risk: str | None = None
    preview: str = ""
    decision: str | None = None
    said: str | None = None
    awaits_user: bool = False

    @property
    def shows_code(self) -> bool:
        """Whether the code tells more than the question asked, or the change it makes."""
        return self.tool != "ask_user" and not (self.preview and self.language == "json")


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A note for the user, in its place between the steps."""

    level: ev.NoteLevel
    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PlanItem:
    """One step of the plan; ``reason`` says why it failed, was left out, or found nothing."""

    text: str
    status: PlanStatus = "waiting"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A run so far. ``status`` is None until it has ended; times are in seconds."""

    started: bool = False
    run_id: str = ""
    question: str = ""
    model: str = ""
    model_reason: str = ""
    data: tuple[ev.DataDescription, ...] = ()
    items: tuple[Step | Remark, ...] = ()
    plan: tuple[PlanItem, ...] = ()
    waiting: tuple[Asked, ...] = ()
    request: int | None = None
    streaming: str = ""
    answer: str | None = None
    complete: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    ungrounded: tuple[str, ...] = ()
    usage: ev.Usage = field(default_factory=ev.Usage)
    checks: Mapping[str, ev.Usage] = field(default_factory=dict)
    status: ev.RunStatus | None = None
    reason: str | None = None
    seconds: float = 0.0
    cost: float | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The tool calls, in order."""
        return tuple(item for item in self.items if isinstance(item, Step))

    @property
    def draft(self) -> Draft:
        """The reply that is being generated."""
        return Draft.of(self.streaming)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A reply that is being generated, told apart as far as can be seen from its beginning."""

    prose: str = ""
    code: str = ""
    answer: str = ""

    @classmethod
    def of(cls, text: str) -> Draft:
        """Part ``text`` at its first code fence, or at a line that begins the answer."""
        before, fence, after = text.partition("```")
        if fence:
            code = after.partition("\n")[2].partition("```")[0]
            return cls(prose=before.strip(), code=code)
        match = _FINAL.search(text)
        if match is not None:
            return cls(prose=text[: match.start()].strip(), answer=text[match.end() :].strip())
        return cls(prose=text.strip())
