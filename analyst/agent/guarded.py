"""Tools called so that nothing a stranger's code raises or yields ends a run.

Here: preparing, judging and running one call, each of which may fail. Not here: whether it may run
(:mod:`analyst.agent.gate`), and what its result means (:mod:`analyst.agent.calls`).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, get_args

from analyst.memory.telling import brief
from analyst.record.events import CallStatus
from analyst.tools.analysis_kernel import DataLostError
from analyst.tools.registry import (
    Prepared,
    Tool,
    ToolError,
    ToolItem,
    ToolOutput,
    ToolResult,
    TransientToolError,
)
from analyst.tools.risk import Level, Risk, unknown
from kernel_sandbox import KernelSandboxError

NO_RESULT = "The tool gave no result."
LONGEST_MESSAGE = 300

_log = logging.getLogger(__name__)

_ENDS_THE_RUN = (KernelSandboxError, DataLostError)
"""Without a kernel, or the data in it, nothing else of the run would hold either."""


def risk_of(tool: Tool, arguments: Mapping[str, Any]) -> Risk:
    """Have a tool judge a call; what it cannot judge is risky."""
    try:
        risk = tool.judge(arguments)
        if risk.level in get_args(Level):
            return risk
    except Exception:  # noqa: BLE001 - judging fails closed, whatever is wrong with it
        _log.info("%s could not judge a call", tool.name, exc_info=True)
    return unknown(tool.name)


async def prepared(tool: Tool, arguments: Mapping[str, Any]) -> Prepared | ToolResult:
    """Have a tool prepare a call; a call that it cannot prepare is refused."""
    try:
        found = await tool.prepare(arguments)
        _hold_to(Prepared, found)
    except _ENDS_THE_RUN:
        raise
    except ToolError as error:
        return ToolResult(status="refused", observation=str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
        _log.info("%s could not prepare a call", tool.name, exc_info=True)
        text = f"{tool.name} could not be prepared, so it was not run: {_told(error)}"
        return ToolResult(status="refused", observation=text)
    return found


async def running(tool: Tool, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
    """Run a call; among the items is a result, whatever the tool does.

    Raises :class:`TransientToolError`, and what ends a run.
    """
    ended = False
    try:
        async for item in tool.run(arguments):
            _check(item)
            ended = ended or isinstance(item, ToolResult)
            yield item
    except _ENDS_THE_RUN:
        raise
    except TransientToolError:
        if not ended:
            raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code may raise anything
        _log.info("%s failed", tool.name, exc_info=True)
        if not ended:
            plain = isinstance(error, ToolError)
            text = str(error) if plain else f"{tool.name} failed: {_told(error)}"
            yield ToolResult(status="error", observation=text)
    else:
        if not ended:
            yield ToolResult(status="error", observation=NO_RESULT)


def _check(item: ToolItem) -> None:
    """Raise :class:`TypeError` for what no event could tell."""
    if isinstance(item, ToolResult):
        if item.status not in get_args(CallStatus):
            raise TypeError(f"its result has the status {item.status!r}")
        _hold_to(str, item.observation)
    elif isinstance(item, ToolOutput) and item.output is not None:
        _hold_to(Mapping, item.output)


def _hold_to(kind: type[Any], found: object) -> None:
    if not isinstance(found, kind):
        raise TypeError(f"it gave {type(found).__name__} where {kind.__name__} is due")


def _told(error: BaseException) -> str:
    name, message = type(error).__name__, brief(str(error), LONGEST_MESSAGE)
    return f"{name}: {message}" if message else name
