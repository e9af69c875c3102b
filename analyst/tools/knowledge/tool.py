"""The tool ``knowledge``: the model looks something up in the user's documents.

Here: what a model gives and gets. Not here: the search (:mod:`analyst.tools.knowledge.library`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from analyst.memory.errors import FindingsError
from analyst.tools.knowledge.desk import KnowledgeDesk
from analyst.tools.knowledge.library import Found
from analyst.tools.registry import ToolDefaults, ToolItem, ToolNotice, ToolResult
from analyst.tools.risk import Risk

_PASSAGES = 4
NOTHING = (
    "Nothing in the user's documents speaks of this. Say so; do not guess what they might say."
)


class KnowledgeTool(ToolDefaults):
    """Looks up passages of the user's documents; it changes nothing."""

    name = "knowledge"
    pure = True
    cacheable = False  # documents change, and are read while others search
    editable = "query"
    description = (
        "Look something up in the user's own documents: definitions, methods, reports, notes. "
        "Returns passages, each with a name such as [K3: report.pdf, p. 12] to be quoted where an "
        "answer rests on it; says so if nothing is found."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1000,
                "description": "What to look up, in words.",
            }
        },
        "required": ["query"],
        "additionalProperties": False,
    }

    def __init__(self, desk: KnowledgeDesk) -> None:
        self._desk = desk

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`analyst.tools.registry.Tool`."""
        del arguments
        return Risk("safe", "It looks something up in your documents.")

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one call; see :class:`analyst.tools.registry.Tool`."""
        try:
            async for sentence in self._desk.ready():
                yield ToolNotice(code="knowledge", text=sentence)
            found = await self._desk.look_up(str(arguments["query"]), _PASSAGES)
        except FindingsError as error:
            yield ToolResult(status="error", observation=str(error), computed=False)
            return
        if notice := self._desk.notice:
            yield ToolNotice(code="knowledge", text=notice)
        observation = told(found)
        if unread := self._desk.unread:
            observation += f"\n{unread} Others may say more."
        yield ToolResult(status="ok", observation=observation, computed=bool(found))


def told(found: Sequence[Found]) -> str:
    """Return passages as a model reads them."""
    if not found:
        return NOTHING
    blocks = []
    for one in found:
        below = f" {one.heading}" if one.heading and one.heading != one.place else ""
        blocks.append(f"{one.citation}{below}\n{one.text.strip()}")
    return "\n\n".join(blocks)
