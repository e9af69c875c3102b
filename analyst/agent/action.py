"""What the agent can decide: call a tool, or give the final answer. Nothing else.

Here: the action types, and the error that a reply which is neither becomes. Not here: how a
reply is read (:mod:`analyst.agent.protocol`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """Call a tool. ``raw`` is the call as the model wrote it, ``salvaged`` the slips mended."""

    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    raw: str
    salvaged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FinalAnswer:
    """End the run with this text (Markdown)."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


AgentAction = ToolCall | FinalAnswer


class MalformedActionError(ValueError):
    """A reply that is no action; the message is the correction that goes to the model."""
