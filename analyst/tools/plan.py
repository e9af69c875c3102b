"""The plan tool: a plan as the arguments of a call, for models that call functions well.

Here: its words and schema. Not here: what becomes of a plan
(:mod:`analyst.agent.planning.planner`). It is offered when a plan is asked for, and never runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from analyst.tools.registry import ToolDefaults, ToolItem, ToolResult
from analyst.tools.risk import Risk


class PlanTool(ToolDefaults):
    """Takes a plan."""

    name = "plan"
    description = (
        "Give the plan: at most eight steps, each one thing to do. compute: run code. look_up: "
        "search the user's documents and earlier findings. chart: draw. write: put into words."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string", "description": "What to do, in one sentence."},
                        "kind": {
                            "type": "string",
                            "enum": ["compute", "look_up", "chart", "write"],
                        },
                        "artefacts": {
                            "type": "array",
                            "description": "What it leaves for later steps.",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string"},
                                    "kind": {
                                        "type": "string",
                                        "enum": ["variable", "chart", "passage"],
                                    },
                                },
                                "required": ["name", "kind"],
                                "additionalProperties": False,
                            },
                        },
                        "checks": {
                            "type": "array",
                            "description": "Python expressions over the artefacts that must be "
                            "true afterwards, as: len(trend) == 12",
                            "items": {"type": "string"},
                        },
                        "depends_on": {
                            "type": "array",
                            "description": "Numbers of the steps it needs, counted from 1.",
                            "items": {"type": "integer"},
                        },
                    },
                    "required": ["text", "kind", "artefacts", "checks", "depends_on"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["steps"],
        "additionalProperties": False,
    }

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge a plan, which does nothing by itself."""
        del arguments
        return Risk("safe", "It makes a plan.")

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """See :class:`analyst.tools.registry.Tool`."""
        del arguments
        text = "The plan is made before the work begins."
        yield ToolResult(status="refused", observation=text, computed=False)
