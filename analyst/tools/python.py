"""The python tool: code runs in the session's separate kernel.

Here: running one call, turning kernel outputs into notebook outputs, reading named values,
and noticing silent trouble. Not here: the kernel itself (``kernel_sandbox``), its helper
module (:mod:`analyst.tools.analysis_kernel`) or the wording of observations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from analyst.record.events import CallStatus
from analyst.tools.advice import advise
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.code_checks import check, more_doubts
from analyst.tools.mix_ups import untangle
from analyst.tools.modernize import modernize
from analyst.tools.observation import describe_error, observe
from analyst.tools.reach import reach_of
from analyst.tools.registry import Prepared, ToolItem, ToolNotice, ToolOutput, ToolResult
from analyst.tools.risk import Risk, judge_code
from analyst.tools.slips import correct_columns, drop_last_print, mend
from kernel_sandbox import (
    ClearOutput,
    DisplayData,
    ExecutionResult,
    KernelSandboxError,
    to_nbformat,
)

KEPT_OUTPUTS = 200
"""Outputs of a cell that its observation is made from; the user sees all."""

TEXT_AS_NUMBERS = "Numbers that are kept as text were compared as text. "
CONVERT = "Convert them first, like this:\n"
SHOW_LESS = " Show less: print a part, and draw groups, or a sample of a few thousand rows."

_STATUS: Mapping[str, CallStatus] = {
    "ok": "ok",
    "error": "error",
    "timeout": "timeout",
    "interrupted": "interrupted",
    "died": "died",
    "output_limit": "error",
}


def no_number(names: Sequence[str], null_rows: Sequence[str]) -> str:
    """Word the doubt that values came out as NaN."""
    text = f"{', '.join(names)} came out as NaN, which is no answer."
    if null_rows:
        text += " There are nulls in the columns used. Leave them out first:\n"
        return text + "\n".join(null_rows)
    return text + " See whether there are enough rows, and whether it needs more than one."


def doubts_about(code: str, report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what looks wrong of code that ran, by its text and by what it left in the kernel."""
    conversions = report.get("conversions", ())
    lost = [entry["doubt"] for entry in report.get("changes", ()) if entry["doubt"]]
    doubts = [*lost, *check(code)]
    if doubts and conversions:
        doubts.append(CONVERT + "\n".join(conversions))
    elif report.get("unconverted"):
        doubts.append(TEXT_AS_NUMBERS + CONVERT + "\n".join(conversions))
    if empty := report.get("not_numbers"):
        doubts.append(no_number(empty, report.get("null_rows", ())))
    return (*doubts, *report.get("doubts", ()))


class PythonTool:
    """Run Python in the session's kernel; variables live on from call to call."""

    name = "python"
    pure = False
    cacheable = False
    editable = "code"
    description = (
        "Run Python code in the analysis kernel and see what it prints. "
        "Variables stay defined from call to call; charts are shown to the user."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"code": {"type": "string", "description": "Python source", "minLength": 1}},
        "required": ["code"],
        "additionalProperties": False,
    }

    def __init__(self, kernel: AnalysisKernel, *, deadline_seconds: float) -> None:
        self._kernel = kernel
        self._deadline = deadline_seconds
        self.value_names: Sequence[str] = ()
        self.question = ""
        """What is asked: what it asks for outright is not doubted."""
        self.silent_errors = True
        """Whether results that look wrong raise doubts."""

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge the code, in the kernel that it would run in."""
        session = self._kernel.session
        reach = reach_of(session.policy, elsewhere=session.gateway is not None)
        return judge_code(
            arguments.get("code"),
            hosts=reach.hosts,
            isolated=reach.isolated,
            private=reach.private,
        )

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run ``arguments['code']``; see :class:`analyst.tools.registry.Tool`."""
        code = str(arguments["code"])
        generation = self._kernel.session.generation
        outputs: list[dict[str, Any]] = []
        result: ExecutionResult | None = None
        async for item in self._kernel.session.execute(code, deadline=self._deadline):
            if isinstance(item, ExecutionResult):
                result = item
                break
            if isinstance(item, ClearOutput):
                outputs.clear()
                yield ToolOutput(clear=True)
                continue
            output = to_nbformat(item) or {}
            displayed = item if isinstance(item, DisplayData) else None
            if len(outputs) < KEPT_OUTPUTS and not (displayed and displayed.update):
                outputs.append(output)
            yield ToolOutput(
                output=output,
                display_id=displayed.display_id if displayed else None,
                update=displayed is not None and displayed.update,
            )
        assert result is not None, "a kernel session ends every cell with a result"
        lost = result.restarted or self._kernel.session.generation != generation
        yield await self._conclude(code, outputs, result, lost=lost)

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Mend what has one meaning only; see :class:`analyst.tools.registry.Tool`."""
        code = str(arguments["code"])
        notices = []
        try:
            await self._kernel.ensure_ready()
            before = await self._kernel.before_cell(code)
        except KernelSandboxError:
            return Prepared(arguments=arguments)
        frames, imported = before["frames"], before["imported"]
        mended, slips = mend(code, list(frames), self._kernel.session.working_directory)
        columns = partial(correct_columns, frames=frames)
        last_print = partial(drop_last_print, unknown=before["unknown"], needed=self.value_names)
        for rewrite in (columns, last_print, untangle, modernize):
            mended, rewrites = rewrite(mended)
            slips += rewrites
        if needed := before.get("conversions", ()):
            mended = "\n".join((*needed, mended))
            names = ", ".join(line.partition(" = ")[0] for line in needed)
            slips.append(f"Numbers that are kept as text were converted first: {names}.")
        if slips:
            notices.append(ToolNotice(code="code_mended", text=" ".join(slips)))
        if imported:
            text = "Imported for the code: " + ", ".join(imported)
            notices.append(ToolNotice(code="imported", text=text))
        return Prepared(arguments={"code": mended}, notices=tuple(notices))

    async def _conclude(
        self, code: str, outputs: list[dict[str, Any]], result: ExecutionResult, *, lost: bool
    ) -> ToolResult:
        report: dict[str, Any] = {}
        if result.status in {"ok", "error"}:
            with suppress(KernelSandboxError):
                report = await self._kernel.report(code, self.value_names, question=self.question)
        changed = report.get("changes", [])
        text = observe(outputs, code, changes=[entry["text"] for entry in changed])
        detail = result.detail or ""
        if result.status == "output_limit":
            detail += SHOW_LESS
        trouble = detail
        error = next((o for o in reversed(outputs) if o["output_type"] == "error"), None)
        if error is not None:
            advice = advise(
                error["ename"],
                error["evalue"],
                columns=report.get("columns", ()),
                conversions=report.get("conversions", ()),
                sure_conversions=report.get("sure_conversions", ()),
                null_rows=report.get("null_rows", ()),
                variables=report.get("names", ()),
            )
            advice = " ".join(part for part in (report.get("hint", ""), advice) if part)
            text += f"\n{advice}" if advice else ""
            trouble = describe_error(error, "") + (f"\n{advice}" if advice else "")
        if detail:
            text = f"{text}\n{detail}" if outputs else detail
        if lost:
            text += "\nAll variables but the data handed over are gone."
        doubts: tuple[str, ...] = ()
        if self.silent_errors and result.status == "ok":
            doubts = (*doubts_about(code, report), *more_doubts(code, self.value_names))
            text = "\n".join((text, *report.get("remarks", ())))
        return ToolResult(
            status=_STATUS[result.status],
            observation=text,
            values=report.get("values", {}) if result.status == "ok" else {},
            doubts=doubts,
            unfit=report.get("unfit", {}),
            trouble=trouble,
            defined=tuple(report.get("names", ())) if result.status == "error" else (),
            state_lost=lost,
        )
