"""One computation apart from the conversation: its code runs, and nothing of it is kept.

Here: from a reply to values. Not here: what is asked, and what is made of the values
(:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analyst.agent.action import MalformedActionError, ToolCall
from analyst.agent.approval import Approvals
from analyst.agent.checks.strange_values import value_doubts
from analyst.agent.noting import note_result
from analyst.agent.protocol import CODE_TOOL, ActionProtocol
from analyst.agent.task import Progress, Task
from analyst.llm.completion import Completion
from analyst.tools.permissions import Judgement
from analyst.tools.registry import ToolOutput, ToolQuestion, ToolRegistry, ToolResult

SECOND = "(a second computation)"


@dataclass(frozen=True)
class Apart:
    """How the kernel computes apart from the variables that the answer left in it.

    ``set_aside`` puts them away and goes back to the start of the question, ``start_again`` goes
    back there once more, ``bring_back`` puts them in place again.
    """

    set_aside: Callable[[], Awaitable[None]]
    start_again: Callable[[], Awaitable[None]]
    bring_back: Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What one computation gave: values by name, and the texts that its code printed."""

    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    seen: Sequence[str] = ()
    doubts: Sequence[str] = ()


def code_of(reply: Completion, protocol: ActionProtocol) -> str:
    """Return the code that a reply asks to run, empty if it asks for something else."""
    try:
        actions = protocol.read(reply)
    except MalformedActionError:
        return ""
    first = actions[0]
    if not isinstance(first, ToolCall) or first.tool != CODE_TOOL:
        return ""
    code = first.arguments.get("code")
    return code if isinstance(code, str) else ""


async def compute(
    code: str,
    task: Task,
    tools: ToolRegistry,
    approvals: Approvals,
    *,
    decided: Callable[[Judgement], None],
) -> Computed | None:
    """Run code and return what came of it; ``None`` if it failed or may not run unasked.

    Nobody is asked about it: what the user would have to allow is not run. ``decided`` takes what
    becomes of it by the permissions.
    """
    tool = tools.get(CODE_TOOL)
    prepared = await tool.prepare({"code": code})
    arguments = prepared.arguments
    judged = approvals.permissions.judge(tool.name, arguments, tool.judge(arguments))
    if judged.verdict != "allow":
        decided(replace(judged, verdict="deny", why=f"{judged.why}, and nobody is asked {SECOND}"))
        return None
    decided(replace(judged, why=f"{judged.why} {SECOND}"))
    printed: list[str] = []
    result: ToolResult | None = None
    async for item in tool.run(arguments):
        if isinstance(item, ToolResult):
            result = item
        elif isinstance(item, ToolQuestion):
            item.answer.set_result(None)
        elif isinstance(item, ToolOutput):
            output = item.output or {}
            printed += [str(output.get("text", ""))] * (output.get("output_type") == "stream")
    if result is None or result.status != "ok":
        return None
    apart = Progress()
    note_result(task, result, "".join(printed), apart)
    return Computed(
        code=str(arguments["code"]),
        values=apart.values,
        seen=tuple(apart.seen),
        doubts=(*result.doubts, *value_doubts(task, apart.values)),
    )
