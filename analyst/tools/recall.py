"""The recall tool: the model searches findings on its own.

Here: the tool. Not here: the search (:mod:`analyst.memory.recall`), and how findings are worded
for a model (:mod:`analyst.memory.telling`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from analyst.memory.recall import SAME_DATA, Recalled
from analyst.memory.telling import described
from analyst.tools.registry import ToolDefaults, ToolItem, ToolResult
from analyst.tools.risk import Risk

LOOKS_UP = Risk("safe", "It looks up what was computed before.")

LookUp = Callable[[str], Awaitable[Sequence[Recalled]]]


class RecallTool(ToolDefaults):
    """Looks up what was computed before; it reads the store of findings and changes nothing."""

    name = "recall"
    pure = True
    description = (
        "Look up what was computed before that is like a question. Values of the data at hand may "
        "be quoted with their name, as in [F1]; of older or other data only code is told."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "question": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1000,
                "description": "The question, in words.",
            }
        },
        "required": ["question"],
        "additionalProperties": False,
    }

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge a look-up, which changes nothing."""
        del arguments
        return LOOKS_UP

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one call; see :class:`analyst.tools.registry.Tool`."""
        found = await self._look_up(str(arguments["question"]))
        yield ToolResult(
            status="ok",
            observation=described(found),
            computed=any(one.outcome in SAME_DATA for one in found),
        )
