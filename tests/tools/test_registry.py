"""The registry: unknown tools and wrong arguments are refused in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from analyst.tools.registry import (
    InvalidArgumentsError,
    ToolItem,
    ToolRegistry,
    ToolResult,
    UnknownToolError,
)


class Echo:
    name = "echo"
    description = "Say it again."
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "times": {"type": "integer", "minimum": 1}},
        "required": ["text"],
        "additionalProperties": False,
    }

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        yield ToolResult(status="ok", observation=str(arguments["text"]))


REGISTRY = ToolRegistry([Echo()])


def test_an_unknown_tool_is_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(
        UnknownToolError, match=r"no tool named 'ecko'; the tools are: echo\. Did you mean echo\?"
    ):
        REGISTRY.get("ecko")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'text' is a required property"),
        ({"text": 1}, r"\$\.text: 1 is not of type 'string'"),
        ({"text": "a", "times": 0}, "less than the minimum"),
        ({"text": "a", "loud": True}, "loud"),
    ],
)
def test_wrong_arguments_are_named_with_the_schema(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentsError, match=words):
        REGISTRY.validate("echo", arguments)


def test_right_arguments_pass_and_tools_are_described_for_the_model() -> None:
    REGISTRY.validate("echo", {"text": "a"})
    (described,) = REGISTRY.as_openai_tools()
    assert described["function"]["name"] == "echo"
    assert described["function"]["parameters"]["required"] == ["text"]
