"""Putting the agent of one run together: protocol, tools, conversation.

Not here: which model and kernel it gets (:mod:`analyst.session.models`, :mod:`.session`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from analyst.agent.approval import Approvals
from analyst.agent.context import Context
from analyst.agent.loop import AgentLoop
from analyst.agent.protocol import ActionProtocol, FencedProtocol, NativeProtocol
from analyst.agent.task import Task
from analyst.llm.completion import LanguageModel
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.recall import LookUp, RecallTool
from analyst.tools.registry import Tool, ToolRegistry


def agent_loop(
    model: LanguageModel,
    context: Context,
    kernel: AnalysisKernel,
    *,
    protocol: Literal["native", "fenced"],
    settings: Settings,
    task: Task,
    look_up: LookUp | None,
    approvals: Approvals,
    more: Sequence[Tool] = (),
) -> AgentLoop:
    """Put the agent of one run together.

    ``look_up``: searches findings, if that is allowed. ``more``: the tools of the session besides.
    """
    python = PythonTool(kernel, deadline_seconds=settings.cell_deadline_seconds)
    python.value_names = task.assignable
    python.question = task.question.text
    spoken: ActionProtocol = NativeProtocol() if protocol == "native" else FencedProtocol()
    # A small model is not told of tools; findings are looked up for it.
    others = [*([RecallTool(look_up)] if look_up else []), *more] if spoken.sends_tools else []
    return AgentLoop(
        model=model,
        protocol=spoken,
        tools=ToolRegistry([python, *others]),
        context=context,
        roll_back=kernel.roll_back,
        variables=kernel.variables,
        approvals=approvals,
        temperature=settings.temperature,
    )
