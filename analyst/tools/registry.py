"""Tools as the agent sees them: name, schema, and a stream of outputs ending in a result.

Here: the :class:`Tool` protocol, the registry, and argument validation. Not here: any tool.
"""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import jsonschema

from analyst.record.events import CallStatus
from analyst.tools.risk import Risk, unknown


@dataclass(frozen=True, kw_only=True)
class ToolOutput:
    """One output of a running call, in the shape of a notebook's output.

    The fields are those of :class:`analyst.record.events.OutputEmitted`.
    """

    output: Mapping[str, Any] | None = None
    display_id: str | None = None
    update: bool = False
    clear: bool = False


@dataclass(frozen=True, kw_only=True)
class ToolNotice:
    """Something the user should know while a call runs: a restart, imports made for the code."""

    code: str
    text: str
    level: str = "info"


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """How a call ended; the last item of its stream.

    ``observation`` is the text for the model; ``values`` are the asked-for named values that
    the call computed; ``doubts`` are sentences on what looks wrong although nothing failed;
    ``unfit`` says of asked-for names that hold no plain value what they hold;
    ``trouble`` says what failed, without the code: small models copy code that they see;
    ``defined`` are names of variables that exist after an error;
    ``state_lost`` says that variables were lost; ``computed``, that an answer may rest on it.
    """

    status: CallStatus
    observation: str
    values: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    unfit: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    defined: tuple[str, ...] = ()
    state_lost: bool = False
    computed: bool = True


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A call as it will run, and what the user should know of how it came to that.

    ``preview`` is shown to whoever decides: what would change, as a diff.
    """

    arguments: Mapping[str, Any]
    notices: tuple[ToolNotice, ...] = ()
    preview: str = ""


class ToolError(Exception):
    """A call failed; the message is one sentence for the model."""


class TransientToolError(ToolError):
    """A call failed in a way that may pass; a pure call is tried again."""


@dataclass(frozen=True, kw_only=True)
class ToolQuestion:
    """A running call asks the user; ``answer`` gets what they say, ``None`` if they will not."""

    question: str
    choices: tuple[str, ...] = ()
    answer: asyncio.Future[str | None]


ToolItem = ToolOutput | ToolNotice | ToolQuestion | ToolResult


class Tool(Protocol):
    """A function the agent may call."""

    @property
    def name(self) -> str:
        """The name the model uses."""
        ...

    @property
    def description(self) -> str:
        """One or two sentences for the model."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON Schema of the arguments object."""
        ...

    @property
    def pure(self) -> bool:
        """Whether a call changes nothing, so that it may run beside others and be tried again."""
        ...

    @property
    def cacheable(self) -> bool:
        """Whether an equal call may answer a pure one, as long as nothing else ran.

        Not so where the answer rests on what others change, such as files and pages.
        """
        ...

    @property
    def editable(self) -> str | None:
        """The argument whose text a user may edit before the call runs."""
        ...

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Say what a call may do, beforehand; never raises."""
        ...

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Return what will run; valid arguments come in, and nothing is done yet."""
        ...

    def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one call exactly as given; the last item is its :class:`ToolResult`."""
        ...


class ToolDefaults:
    """What most tools have in common: nothing to mend, nothing to edit, and an unknown risk."""

    name: str
    pure = False
    cacheable = True
    editable: str | None = None

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`Tool`; what is not known is risky."""
        del arguments
        return unknown(self.name)

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Return the call as it is."""
        return Prepared(arguments=arguments)


class UnknownToolError(LookupError):
    """There is no such tool; the message lists those there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        near = difflib.get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        super().__init__(
            f"There is no tool named {name!r}; the tools are: {', '.join(self.known)}.{hint}"
        )


class InvalidArgumentsError(ValueError):
    """The arguments do not fit the tool's schema; the message says where and how."""


class ToolRegistry:
    """The tools of one session, by name."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            # The first of a name stays: nothing that is added later stands in for it.
            self._tools.setdefault(tool.name, tool)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tools."""
        return tuple(self._tools)

    def get(self, name: str) -> Tool:
        """Return a tool; raises :class:`UnknownToolError`."""
        try:
            return self._tools[name]
        except KeyError:
            raise UnknownToolError(name, self._tools) from None

    def validate(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Check arguments; raises :class:`UnknownToolError` or :class:`InvalidArgumentsError`."""
        schema = self.get(name).parameters
        try:
            given = self.completed(name, arguments)
            error = jsonschema.exceptions.best_match(
                jsonschema.Draft202012Validator(schema).iter_errors(given)
            )
        except Exception as trouble:
            raise InvalidArgumentsError(
                f"The arguments of {name} cannot be checked: its schema is none "
                f"({type(trouble).__name__})."
            ) from trouble
        if error is None:
            return
        where = error.json_path if error.json_path != "$" else "the arguments"
        raise InvalidArgumentsError(
            f"The arguments of {name} are not valid: {where}: {error.message}. "
            f"They must fit this schema: {json.dumps(schema, ensure_ascii=False)}"
        )

    def completed(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments with null for what was left out and may be null.

        A strict schema requires every argument, which only some servers hold a model to.
        """
        properties = self.get(name).parameters.get("properties", {})
        left_out = {one: None for one, schema in properties.items() if takes_null(schema)}
        return {**left_out, **arguments}

    def as_openai_tools(self) -> tuple[dict[str, Any], ...]:
        """Describe all tools in the OpenAI function form, for the native protocol."""
        return tuple(
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    **({"strict": True} if is_strict(tool.parameters) else {}),
                },
            }
            for tool in self._tools.values()
        )


_STRICT_KEYWORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "description", "title", "enum"}
    | {"items", "anyOf", "$ref", "$defs", "const", "default"}
)


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Tell whether a model can be held to a schema to the letter.

    That needs closed objects whose properties are all required, and few keywords; see
    "Structured outputs, supported schemas" in OpenAI's documentation of its API.
    """
    if not schema.keys() <= _STRICT_KEYWORDS or "default" in schema:
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(properties)
    ):
        return False
    parts = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    if isinstance(schema.get("items"), Mapping):
        parts.append(schema["items"])
    return all(is_strict(part) for part in parts)


def takes_null(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema lets a value be null."""
    kind = schema.get("type")
    return (
        kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(takes_null(option) for option in schema.get("anyOf", ()))
    )
