"""The ask_user tool: the model asks the user a question, with choices.

Here: the tool. Not here: how the question reaches the user (the loop and the front ends).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from analyst.tools.registry import ToolDefaults, ToolItem, ToolQuestion, ToolResult
from analyst.tools.risk import Risk

NOBODY = (
    "Nobody is here to answer. Decide yourself, by what is usual, and say in the answer what you "
    "took for granted."
)


class AskUserTool(ToolDefaults):
    """Asks, and gives the answer to the model. Where nobody can answer, the model is told so."""

    name = "ask_user"
    description = (
        "Ask the user, when the question can be meant in ways that give different answers and "
        "nothing at hand decides it. Give the likely meanings as choices."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "question": {"type": "string", "description": "One sentence."},
            "choices": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Two to five short answers; may be empty.",
            },
        },
        "required": ["question", "choices"],
        "additionalProperties": False,
    }

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge a question, which does nothing."""
        del arguments
        return Risk("safe", "It asks you something.")

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one call; see :class:`analyst.tools.registry.Tool`."""
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        yield ToolQuestion(
            question=" ".join(str(arguments["question"]).split()),
            choices=tuple(" ".join(choice.split()) for choice in arguments["choices"][:5]),
            answer=answer,
        )
        said = await answer
        observation = f"The user says: {said.strip()}" if said and said.strip() else NOBODY
        yield ToolResult(status="ok", observation=observation, computed=False)
