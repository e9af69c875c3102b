"""What the agent can decide: call a tool, or give the final answer. Nothing else.

Here: the action types, and the error that a reply which is neither becomes. Not here: how a
reply is read (:mod:`analyst.agent.protocol`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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


def told_apart(actions: Sequence[AgentAction], known: set[str]) -> tuple[AgentAction, ...]:
    """Give calls whose id is ``known`` another one, and add theirs to it.

    Some servers repeat ids; a decision must mean one call and no other.
    """
    found: list[AgentAction] = []
    for action in actions:
        if isinstance(action, ToolCall):
            call_id, number = action.call_id, 2
            while call_id in known:
                call_id, number = f"{action.call_id}_{number}", number + 1
            known.add(call_id)
            found.append(replace(action, call_id=call_id))
        else:
            found.append(action)
    return tuple(found)


class MalformedActionError(ValueError):
    """A reply that is no action; the message is the correction that goes to the model."""
