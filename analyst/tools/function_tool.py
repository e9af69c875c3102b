"""A tool that is a function: its schema comes from the signature, its words from the docstring.

Here: :func:`function_tool`. Not here: tools whose outputs stream; they are classes of their own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from analyst.tools.registry import (
    ToolDefaults,
    ToolError,
    ToolItem,
    ToolResult,
    TransientToolError,
    takes_null,
)
from analyst.tools.risk import Risk, unknown

Judge = Callable[[Mapping[str, Any]], Risk]


class FunctionTool(ToolDefaults):
    """A function as a tool; see :func:`function_tool`."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        pure: bool = False,
        cacheable: bool = True,
        judge: Judge | None = None,
        editable: str | None = None,
    ) -> None:
        self.name = name or function.__name__
        self.pure = pure
        self.cacheable = cacheable
        self.editable = editable
        self._function = function
        self._judge = judge
        doc = docstring_parser.parse(inspect.getdoc(function) or "")
        words = [part for part in (doc.short_description, doc.long_description) if part]
        if not words:
            raise TypeError(f"{self.name} has no docstring, from which a model would know it")
        self.description = " ".join(" ".join(words).split())
        told = {one.arg_name: one.description or "" for one in doc.params}
        self._model = _model_of(function, self.name, told)
        self.parameters: Mapping[str, Any] = _strict(self._model.model_json_schema())

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`analyst.tools.registry.Tool`."""
        if self._judge is None:
            return super().judge(arguments)
        try:
            return self._judge(arguments)
        except Exception:  # noqa: BLE001 - judging fails closed, whatever is wrong with it
            return unknown(self.name)

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """See :class:`analyst.tools.registry.Tool`; raises what the function does.

        Only a plain :class:`ToolError` is a result already.
        """
        given = {
            name: value
            for name, value in arguments.items()
            if value is not None or self._model.model_fields[name].default is None
        }
        try:
            checked = self._model.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            yield ToolResult(status="refused", observation=f"{where}: {first['msg']}.")
            return
        values = {name: getattr(checked, name) for name in checked.model_fields_set}
        try:
            if inspect.iscoroutinefunction(self._function):
                returned = await self._function(**values)
            else:
                returned = await asyncio.to_thread(_called, self._function, values)
        except TransientToolError:
            raise
        except ToolError as error:
            yield ToolResult(status="error", observation=str(error))
        else:
            yield _result(returned)


def function_tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    pure: bool = False,
    cacheable: bool = True,
    judge: Judge | None = None,
    editable: str | None = None,
) -> FunctionTool:
    """Make a tool of a function, plain or async.

    Its parameters are typed (a Pydantic field may narrow them) and told to the model by the
    ``Args:`` of its docstring. It returns text, a Pydantic model, or a
    :class:`~analyst.tools.registry.ToolResult`, and raises
    :class:`~analyst.tools.registry.ToolError` for what the model should be told. A plain
    function runs in a thread. ``pure``, ``cacheable`` and ``editable`` are those of
    :class:`~analyst.tools.registry.Tool`; without ``judge`` every call counts as risky.

    Raises :class:`TypeError` for a function that cannot be a tool.
    """
    return FunctionTool(
        function, name=name, pure=pure, cacheable=cacheable, judge=judge, editable=editable
    )


def _model_of(function: Callable[..., Any], name: str, told: Mapping[str, str]) -> type[BaseModel]:
    hints = _hints(function)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: *{parameter.name} cannot be described to a model")
        if parameter.name not in hints:
            raise TypeError(f"{name}: the parameter {parameter.name} has no type")
        given = parameter.default
        default = ... if given is parameter.empty else given
        fields[parameter.name] = (
            hints[parameter.name],
            Field(default, description=told.get(parameter.name) or None),
        )
    return create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters; what is returned need not be known where it is."""

    def parameters() -> None: ...

    parameters.__annotations__ = {
        name: hint for name, hint in inspect.get_annotations(function).items() if name != "return"
    }
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return get_type_hints(parameters, globalns=names, include_extras=True)


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Make every property required; those with a default may be null, which means the default."""
    schema.pop("title", None)
    required = set(schema.get("required", ()))
    for name, property_ in schema.get("properties", {}).items():
        property_.pop("title", None)
        property_.pop("default", None)
        if name not in required and not takes_null(property_):
            described = property_.pop("description", None)
            schema["properties"][name] = {"anyOf": [dict(property_), {"type": "null"}]}
            if described:
                schema["properties"][name]["description"] = described
    schema["required"] = list(schema.get("properties", {}))
    schema.setdefault("properties", {})
    return schema


def _called(function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    try:
        return function(**values)
    except StopIteration as error:
        # No future takes it, so that whoever waits for the thread would wait for ever.
        raise RuntimeError("it raised StopIteration") from error


def _result(returned: Any) -> ToolResult:
    if isinstance(returned, ToolResult):
        return returned
    if isinstance(returned, BaseModel):
        return ToolResult(status="ok", observation=returned.model_dump_json(exclude_none=True))
    return ToolResult(status="ok", observation=str(returned))
