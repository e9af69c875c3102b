"""Bringing back what finished steps left, also what could not be kept beside the record.

No step is done twice. What cannot be kept (a fitted model, a function) is computed again only
where the code of its step surely changes nothing else; otherwise it is told as lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from analyst.record import events
from analyst.record.making import EventMaker
from analyst.session.resuming import Resumption, is_pure
from analyst.session.workbench import KernelWorkbench
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.kernel_side.cells import stores
from analyst.tools.python import PythonTool
from analyst.tools.registry import ToolResult

DEADLINE_SECONDS = 120.0


async def bring_back(
    resumption: Resumption,
    bench: KernelWorkbench,
    kernel: AnalysisKernel,
    make: EventMaker,
    *,
    may_run: Callable[[str], bool],
) -> AsyncIterator[events.Note]:
    """Bring back what the finished steps of a run left; yield notes on what took more than that.

    ``may_run``: whether code may run unasked.
    """
    begun = resumption.begun
    lost = set(await bench.restore(begun.latest))
    again: list[int] = []
    unsure: list[int] = []
    for at in sorted(resumption.code):
        code = resumption.code[at]
        made = {name for cell in code for name in stores(cell)} & lost
        if not made or at >= len(begun.finished):
            continue
        if not all(is_pure(cell) and may_run(cell) for cell in code):
            unsure.append(at + 1)
            continue
        # As it was when the step began: its code may change in place what it reads.
        await bench.restore(begun.finished[at - 1].artefacts if at else begun.artefacts)
        if all([await _runs(cell, kernel) for cell in code]):
            again.append(at + 1)
    if again:
        await bench.restore(begun.latest)
    there = await bench.forget_others({one.name for one in begun.latest})
    gone = sorted(lost - there)
    if again:
        words = _listed(sorted(lost & there))
        yield make(
            events.Note,
            code="recomputed",
            text=f"{words} could not be kept; the code of {_steps(again)}, which changes nothing, "
            "ran again for it.",
        )
    if gone:
        why = (
            f"; the code of {_steps(unsure)} may change something, or may not run unasked, and is "
            "not run again"
        )
        yield make(
            events.Note,
            level="warning",
            code="lost",
            text=f"{_listed(gone)} could not be kept and is lost{why if unsure else ''}.",
        )


async def _runs(code: str, kernel: AnalysisKernel) -> bool:
    tool = PythonTool(kernel, deadline_seconds=DEADLINE_SECONDS)
    async for item in tool.run({"code": code}):
        if isinstance(item, ToolResult):
            return item.status == "ok"
    return False


def _steps(numbers: list[int]) -> str:
    return f"step {' and '.join(map(str, numbers))}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
