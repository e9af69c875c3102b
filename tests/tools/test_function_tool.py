"""A function as a tool: its schema, its arguments, its results and its errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from analyst.tools.function_tool import function_tool
from analyst.tools.registry import (
    InvalidArgumentsError,
    ToolError,
    ToolRegistry,
    ToolResult,
    TransientToolError,
    is_strict,
)
from analyst.tools.risk import Risk


async def look_at(
    name: str, rows: int = 5, side: Literal["head", "tail"] = "head", note: str | None = None
) -> str:
    """Look at a table.

    The rows are shown as text.

    Args:
        name: The table's name.
        rows: How many rows.
        side: From which end.
    """
    return f"{name} {rows} {side} {note}"


async def ran(function: Any, arguments: dict[str, Any], **options: Any) -> ToolResult:
    tool = function_tool(function, **options)
    (result,) = [item async for item in tool.run(arguments)]
    assert isinstance(result, ToolResult)
    return result


def test_the_schema_comes_from_the_signature_and_the_docstring():
    tool = function_tool(look_at)
    assert tool.name == "look_at"
    assert tool.description == "Look at a table. The rows are shown as text."
    assert tool.parameters["properties"]["name"] == {
        "type": "string",
        "description": "The table's name.",
    }
    assert tool.parameters["required"] == ["name", "rows", "side", "note"]
    assert tool.parameters["additionalProperties"] is False
    assert tool.parameters["properties"]["rows"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]


def test_the_schema_is_strict_and_the_request_says_so():
    (described,) = ToolRegistry([function_tool(look_at)]).as_openai_tools()
    assert described["function"]["strict"] is True
    assert not is_strict({"type": "object", "properties": {"a": {"type": "string"}}})
    assert not is_strict({"type": "string", "minLength": 1})


async def test_null_and_nothing_mean_the_default():
    assert (await ran(look_at, {"name": "df"})).observation == "df 5 head None"
    given = {"name": "df", "rows": None, "side": "tail", "note": None}
    assert (await ran(look_at, given)).observation == "df 5 tail None"


def test_arguments_are_held_to_the_schema():
    registry = ToolRegistry([function_tool(look_at)])
    for wrong in ({}, {"name": 3}, {"name": "df", "more": 1}, {"name": "df", "side": "middle"}):
        with pytest.raises(InvalidArgumentsError):
            registry.validate("look_at", wrong)


async def test_what_only_pydantic_sees_is_refused_in_words():
    async def take(count: Annotated[int, Field(multiple_of=3)]) -> str:
        """Take some."""
        return str(count)

    result = await ran(take, {"count": 4})
    assert (result.status, "count" in result.observation) == ("refused", True)


async def test_plain_functions_models_and_results_are_taken():
    class Found(BaseModel):
        rows: int
        note: str | None = None

    def count() -> Found:
        """Count."""
        return Found(rows=3)

    async def whole() -> ToolResult:
        """Give a result."""
        return ToolResult(status="ok", observation="seen", computed=False)

    assert (await ran(count, {})).observation == '{"rows":3}'
    assert (await ran(whole, {})).computed is False


async def test_errors_for_the_model_are_results_and_passing_ones_are_raised():
    async def fail() -> str:
        """Fail."""
        raise ToolError("There is no such table.")

    async def fail_in_passing() -> str:
        """Fail for now."""
        raise TransientToolError("The host is busy.")

    result = await ran(fail, {})
    assert (result.status, result.observation) == ("error", "There is no such table.")
    with pytest.raises(TransientToolError):
        await ran(fail_in_passing, {})


def test_judging_fails_closed():
    def judge(arguments: Any) -> Risk:
        return arguments["absent"]

    assert function_tool(look_at).judge({}).level == "risky"
    assert function_tool(look_at, judge=judge).judge({}).level == "risky"
    safe = function_tool(look_at, judge=lambda _: Risk("safe", "It looks."))
    assert safe.judge({}).level == "safe"


def test_what_cannot_be_a_tool_is_refused():
    def silent(name: str) -> str:
        return name

    def untyped(name) -> str:
        """Do it."""
        return name

    def many(*names: str) -> str:
        """Do it."""
        return "".join(names)

    for function, said in ((silent, "docstring"), (untyped, "no type"), (many, "described")):
        with pytest.raises(TypeError, match=said):
            function_tool(function)
