"""The event vocabulary: a run is a stream of these, and nothing else connects the rooms.

Here: the event models, their tagged union and its JSON Schema. Not here: how events are
stored (:mod:`analyst.record.log`), made (:mod:`analyst.session`) or shown (front ends).

Every event carries the id of its run, a sequence number counted from 0 without gaps, and
``t``: seconds on a monotonic clock since the run started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SCHEMA_VERSION = 1
"""Raised when a stored log of an older version could no longer be read as this one."""

RunStatus = Literal["ok", "partial", "error", "stopped"]
"""How a run ended: answered; a budget ran out; it failed; the user stopped it."""

CallStatus = Literal["ok", "error", "timeout", "interrupted", "died", "refused"]
"""How a tool call ended. ``refused``: it was not run (unknown tool, bad arguments, denied)."""

NoteLevel = Literal["info", "warning", "error"]


class Usage(BaseModel):
    """Tokens as the model's server counts them.

    ``input`` includes ``cached``: the tokens of the prompt that the server took from its
    cache. A server that reports nothing leaves 0.
    """

    model_config = ConfigDict(frozen=True)

    input: int = 0
    output: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
        )

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.input + self.output


class EventBase(BaseModel):
    """What all events share."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    seq: int = Field(ge=0)
    t: float = Field(ge=0, description="seconds since the run started, monotonic clock")


class DataDescription(BaseModel):
    """A frame or file that was handed over, as the record keeps it."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["frame", "file"]
    rows: int | None = None
    columns: int | None = None
    bytes: int
    fingerprint: str = Field(description="hash of schema and content")
    path: str | None = Field(default=None, description="where a file is, on its machine")
    changes: tuple[str, ...] = Field(
        default=(), description="what the hand-over changed, one sentence a column"
    )


class RunStarted(EventBase):
    """The first event of a run."""

    type: Literal["run_started"] = "run_started"
    schema_version: int = SCHEMA_VERSION
    question: str
    started_at: str = Field(description="wall clock, ISO 8601 with zone")
    model: str
    model_reason: str = Field(description="which setting chose the model, in words")
    protocol: Literal["native", "fenced"]
    settings: dict[str, Any] = Field(description="settings of the run; never a key")
    versions: dict[str, str] = {}
    notebook: str | None = None
    values: tuple[str, ...] = Field(default=(), description="names of the values asked for")
    resumes: str | None = Field(default=None, description="the run that this one goes on with")


class KernelReady(EventBase):
    """The kernel that runs the agent's code answers; what keeps it from the user's things."""

    type: Literal["kernel_ready"] = "kernel_ready"
    backend: str = Field(description="what isolates it: bubblewrap, landlock, gateway, or none")
    isolation: str = Field(description="the same in words")
    policy: dict[str, Any] = Field(description="its limits and rights; no values of variables")


class DataHandedOver(EventBase):
    """Frames and files are in the kernel; what the model is told of them stands in ``prompt``."""

    type: Literal["data_handed_over"] = "data_handed_over"
    data: tuple[DataDescription, ...]


StepKind = Literal["compute", "look_up", "chart", "write"]
"""What a step of a plan does: run code, search what is known, draw, or put into words."""


class PlanArtefact(BaseModel):
    """Something that a step is to leave: a variable, a chart, or a passage of text."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["variable", "chart", "passage"] = "variable"


class PlannedStep(BaseModel):
    """A step of a plan. ``checks``: what must hold then; ``depends_on``: indexes of others."""

    model_config = ConfigDict(frozen=True)

    text: str
    kind: StepKind = "compute"
    artefacts: tuple[PlanArtefact, ...] = ()
    checks: tuple[str, ...] = ()
    depends_on: tuple[int, ...] = ()


class KeptArtefact(BaseModel):
    """What a step left, and whether it is kept beside the record, so that a run can go on."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["frame", "series", "array", "value", "module", "chart", "passage", "other"]
    text: str = Field(default="", description="its type, shape or value, or a passage's text")
    digest: str | None = Field(default=None, description="of its file; null: it is not kept")
    source: str | None = Field(default=None, description="where a passage stands, for citing it")


class PlanProposed(EventBase):
    """A plan for the run, before its first step. ``planned`` are the steps with all they say.

    ``artefacts`` are what lives before the first step.
    """

    type: Literal["plan_proposed"] = "plan_proposed"
    steps: tuple[str, ...]
    planned: tuple[PlannedStep, ...] = ()
    artefacts: tuple[KeptArtefact, ...] = ()


class PlanRevised(EventBase):
    """The plan changed; steps that ended stay where they are."""

    type: Literal["plan_revised"] = "plan_revised"
    steps: tuple[str, ...]
    planned: tuple[PlannedStep, ...] = ()
    reason: str


class PlanStepStarted(EventBase):
    """A step of the plan began."""

    type: Literal["plan_step_started"] = "plan_step_started"
    index: int


class PlanStepFinished(EventBase):
    """A step of the plan ended; a run can be resumed after it.

    ``result`` is what the step came to, in words. ``artefacts`` are all that live at its end.
    """

    type: Literal["plan_step_finished"] = "plan_step_finished"
    index: int
    status: Literal["ok", "error", "skipped"]
    reason: str | None = Field(default=None, description="why it failed or was skipped")
    result: str = ""
    artefacts: tuple[KeptArtefact, ...] = ()
    resumed: bool = Field(default=False, description="it ended in the run that this one resumes")


TeamWork = Literal["plan", "search", "compute", "review", "decide", "write", "discuss"]
"""What a role of a team is there for. ``decide``: it speaks when others disagree."""

TeamKind = Literal[
    "plan", "passage", "result", "objection", "approval", "decision", "answer", "remark"
]
"""What a role said: a plan, what it found, a result, what is wrong with one, that one is right,
which of two it is, the answer in words, or anything else."""

TEAM_VERBS: Mapping[TeamKind, str] = {
    "plan": "plans",
    "passage": "found",
    "result": "has a result",
    "objection": "objects",
    "approval": "approves",
    "decision": "decides",
    "answer": "answers",
    "remark": "says",
}
"""In words, behind the role's name."""


class TeamTurnStarted(EventBase):
    """A role of the team has its turn: what happens until the turn's end is its doing."""

    type: Literal["team_turn_started"] = "team_turn_started"
    role: str
    does: TeamWork
    reason: str = Field(description="why it is this role's turn, one sentence")
    model: str


class TeamTurnFinished(EventBase):
    """A role's turn ended; what it said stands on the blackboard under ``number``."""

    type: Literal["team_turn_finished"] = "team_turn_finished"
    number: int
    role: str
    kind: TeamKind
    text: str
    about: int | None = Field(default=None, description="the number of the result it speaks of")
    mentions: tuple[str, ...] = ()
    failed: bool = Field(default=False, description="the turn came to nothing")
    usage: Usage = Usage()
    seconds: float = 0.0


class TeamFinished(EventBase):
    """The team is done. ``result`` is the number of the result that is the run's answer."""

    type: Literal["team_finished"] = "team_finished"
    result: int | None
    reason: str = Field(description="why nobody else has a turn, one sentence")


class Prompt(EventBase):
    """The messages exactly as sent. Logged, not shown.

    A request whose messages begin with all the messages of the request before says so by
    ``prefix``, the number of messages it shares with it, and holds only the rest.
    """

    type: Literal["prompt"] = "prompt"
    request: int = Field(description="number of this request to the model in the run, from 0")
    prefix: int = 0
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    sampling: dict[str, Any] = {}


class MessageDelta(EventBase):
    """Text of the model as it is generated."""

    type: Literal["message_delta"] = "message_delta"
    request: int
    text: str


class ModelResponded(EventBase):
    """The model finished one reply."""

    type: Literal["model_responded"] = "model_responded"
    request: int
    text: str
    finish_reason: str | None = None
    usage: Usage = Usage()
    seconds: float
    seconds_to_first_token: float | None = None
    from_cache: bool = Field(default=False, description="kept from an equal request, not asked for")
    usage_when_asked: Usage | None = Field(default=None, description="of a kept reply")
    seconds_when_asked: float | None = Field(default=None, description="of a kept reply")


class ToolCallStarted(EventBase):
    """A tool call is about to run."""

    type: Literal["tool_call_started"] = "tool_call_started"
    call_id: str
    tool: str
    raw: str = Field(description="the call as the model wrote it")
    arguments: dict[str, Any]


class PermissionDecided(EventBase):
    """What became of a tool call by the rules and the mode; ``why`` and ``risk`` are words."""

    type: Literal["permission_decided"] = "permission_decided"
    call_id: str
    tool: str
    decision: Literal["allow", "ask", "deny"]
    why: str
    level: Literal["safe", "contained", "risky", "irreversible"]
    risk: str


class ApprovalRequested(EventBase):
    """The run waits for the user: about a tool call, a plan, or with a question of the model's.

    ``editable`` is the text that may be edited, a plan with one step a line; ``preview`` is what
    the call would change, as a diff; ``choices`` are answers that a question offers.
    """

    type: Literal["approval_requested"] = "approval_requested"
    call_id: str
    kind: Literal["call", "plan", "question"] = "call"
    risk: str = Field(description="what it may do, or what is asked, in words")
    arguments: dict[str, Any] | None = Field(
        default=None, description="what will run, where that is not quite what the model wrote"
    )
    editable: str | None = None
    preview: str = ""
    choices: tuple[str, ...] = ()
    can_always: bool = Field(default=True, description="whether later calls may be approved too")


class ApprovalResolved(EventBase):
    """The user, or the policy for runs without one, decided."""

    type: Literal["approval_resolved"] = "approval_resolved"
    call_id: str
    decision: Literal["approved", "denied", "edited"]
    by: Literal["user", "policy"]
    arguments: dict[str, Any] | None = Field(
        default=None, description="what runs instead, where the user edited the call"
    )
    answer: str | None = Field(
        default=None, description="what the user wrote: a plan as edited, or an answer"
    )


class OutputEmitted(EventBase):
    """One output of a tool call, in the shape of a notebook's output.

    ``output`` is an nbformat 4 output dictionary: ``stream`` | ``display_data`` |
    ``execute_result`` | ``error``. ``display_id`` names an output that a later one with
    ``update`` replaces; ``clear`` says that all outputs of the call before it are gone.
    """

    type: Literal["output"] = "output"
    call_id: str
    output: dict[str, Any] | None = None
    display_id: str | None = None
    update: bool = False
    clear: bool = False


class ToolCallFinished(EventBase):
    """A tool call ended; ``observation`` is what the model sees of it."""

    type: Literal["tool_call_finished"] = "tool_call_finished"
    call_id: str
    status: CallStatus
    observation: str
    seconds: float
    arguments: dict[str, Any] | None = Field(
        default=None, description="what ran, where that is not quite what the model wrote"
    )
    values: dict[str, Any] = Field(
        default={}, description="named values that the code reported as its result"
    )
    cached: bool = Field(default=False, description="answered by an equal call before it")


class RecalledFinding(BaseModel):
    """A past finding that matters for a question."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(description="its name in citations is F and this number")
    outcome: Literal["known", "likely", "related", "stale", "recipe"] = Field(
        description="surely or perhaps the same question, or another one, on the same data; the "
        "data changed since; other data"
    )
    nearness: float = Field(description="of the questions, about 0 to 1.4; 2 for the same")
    question: str
    answer: str
    created_at: str


class FindingsRecalled(EventBase):
    """Past findings that matter for the question, best first."""

    type: Literal["findings_recalled"] = "findings_recalled"
    findings: tuple[RecalledFinding, ...]


class FindingSaved(EventBase):
    """The run left a finding."""

    type: Literal["finding_saved"] = "finding_saved"
    number: int


class Note(EventBase):
    """Something the user should know: a restart, a budget near its end, a malformed action."""

    type: Literal["note"] = "note"
    level: NoteLevel = "info"
    code: str = Field(description="what kind of note, a stable identifier")
    text: str


class ContextCompacted(EventBase):
    """Older messages gave way to a summary."""

    type: Literal["context_compacted"] = "context_compacted"
    tokens_before: int
    tokens_after: int


class Answer(EventBase):
    """The answer of the run: text in Markdown, and the named values that were computed."""

    type: Literal["answer"] = "answer"
    text: str
    values: dict[str, Any] = {}
    complete: bool = Field(
        default=True, description="false: a budget ended the run, the text says what is missing"
    )
    ungrounded: tuple[str, ...] = Field(
        default=(), description="numbers of the text, as written, that stand in no output"
    )


class RunFinished(EventBase):
    """The last event of a run."""

    type: Literal["run_finished"] = "run_finished"
    status: RunStatus
    reason: str | None = Field(default=None, description="why the status is not ok, one sentence")
    usage: Usage = Usage()
    steps: int = 0
    seconds: float
    seconds_by_phase: dict[str, float] = {}
    usage_by_check: dict[str, Usage] = Field(
        default={}, description="what of the usage was spent on checks of the answer, by check"
    )
    cost: float | None = Field(
        default=None, description="money, by the configured prices; null: a price is not known"
    )


Event = Annotated[
    RunStarted
    | KernelReady
    | DataHandedOver
    | PlanProposed
    | PlanRevised
    | PlanStepStarted
    | PlanStepFinished
    | TeamTurnStarted
    | TeamTurnFinished
    | TeamFinished
    | Prompt
    | MessageDelta
    | ModelResponded
    | ToolCallStarted
    | PermissionDecided
    | ApprovalRequested
    | ApprovalResolved
    | OutputEmitted
    | ToolCallFinished
    | FindingsRecalled
    | FindingSaved
    | Note
    | ContextCompacted
    | Answer
    | RunFinished,
    Field(discriminator="type"),
]
"""Any event of a run, told apart by ``type``."""


class EventCodec:
    """Events to and from JSON."""

    adapter: ClassVar[TypeAdapter[Event]] = TypeAdapter(Event)

    @classmethod
    def parse(cls, line: str | bytes) -> Event:
        """Read one event from JSON; raises :class:`pydantic.ValidationError`."""
        return cls.adapter.validate_json(line)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of all events."""
        return cls.adapter.json_schema()
