"""Putting the agent of one run together: protocol, tools, conversation.

Not here: which model and kernel it gets (:mod:`analyst.session.models`, :mod:`.session`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from analyst.agent.approval import Approvals
from analyst.agent.checks.independent import Apart
from analyst.agent.context import Context
from analyst.agent.loop import AgentLoop
from analyst.agent.protocol import ActionProtocol, FencedProtocol, NativeProtocol
from analyst.agent.task import Task
from analyst.agent.verify import Checks, Verifier
from analyst.llm.completion import LanguageModel
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.python import PythonTool
from analyst.tools.recall import LookUp, RecallTool
from analyst.tools.registry import Tool, ToolRegistry

SECOND_ROUNDS = (1, 1)
CAREFUL_ROUNDS = (2, 3)
LAST_TRIES = 4
"""Further computations of an answer, side by side in each round; see :class:`Checks`."""


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
    critic: LanguageModel | None = None,
    may_use: Callable[[str], bool] | None = None,
) -> AgentLoop:
    """Put the agent of one run together.

    ``look_up``: searches findings, if that is allowed. ``more``: the tools of the session besides.
    ``critic``: the model that reviews answers, if not the same and if answers are reviewed.
    ``may_use``: tells by their names which of the tools the agent has, if not all.
    """
    python = PythonTool(kernel, deadline_seconds=settings.cell_deadline_seconds)
    python.value_names = task.assignable
    python.question = task.question.text
    python.silent_errors = "silent_errors" in settings.checks
    spoken: ActionProtocol = NativeProtocol() if protocol == "native" else FencedProtocol()
    # A small model is not told of tools; findings are looked up for it.
    others = [*([RecallTool(look_up)] if look_up else []), *more] if spoken.sends_tools else []
    tools = ToolRegistry(one for one in [python, *others] if may_use is None or may_use(one.name))
    checks = checks_for(settings, afresh=spoken.retries_afresh)
    verifier = Verifier(
        checks=checks,
        model=model,
        protocol=spoken,
        tools=tools,
        approvals=approvals,
        apart=Apart(kernel.set_aside, kernel.start_again, kernel.bring_back),
        critic_model=critic,
    )
    return AgentLoop(
        model=model,
        protocol=spoken,
        tools=tools,
        context=context,
        roll_back=kernel.roll_back,
        variables=kernel.variables,
        approvals=approvals,
        temperature=settings.temperature,
        grounding="grounding" in settings.checks,
        silent_errors="silent_errors" in settings.checks,
        verifier=verifier if checks.rounds or checks.critic or checks.last_tries else None,
    )


def checks_for(settings: Settings, *, afresh: bool) -> Checks:
    """Return which checks of answers the settings ask for, and how much they may spend.

    ``afresh``: the model is a small one, which tries again from the question.
    """
    rounds: tuple[int, ...] = ()
    if "second" in settings.checks:
        rounds = SECOND_ROUNDS
    if settings.careful:
        rounds = CAREFUL_ROUNDS
    return Checks(
        rounds=rounds,
        critic="critic" in settings.checks,
        last_tries=LAST_TRIES if afresh and settings.checks else 0,
    )
