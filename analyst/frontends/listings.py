"""Lists as text: runs on record, findings, files that the agent's code wrote."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from analyst.frontends.untrusted import clean_text, one_line
from analyst.frontends.wording import size_text
from analyst.record.runs import RunSummary

if TYPE_CHECKING:
    from analyst.memory.finding import Finding
    from kernel_sandbox import WrittenFile


def run_table(runs: Sequence[RunSummary]) -> str:
    """Return a line a run: id, local time of its start, status, seconds, question."""
    return "\n".join(
        f"{run.run_id}  {_local(run.started_at)}  {run.status:<11} {_seconds(run.seconds):>8}  "
        f"{one_line(run.question or '', 80)}"
        for run in runs
    )


def file_table(files: Sequence[WrittenFile]) -> str:
    """Return a line a file: size, local time of its last change, name."""
    return "\n".join(
        f"{size_text(file.bytes):>9}  "
        f"{datetime.fromtimestamp(file.changed_ns / 1e9).astimezone():%Y-%m-%d %H:%M}  "
        f"{one_line(file.name, 120)}"
        for file in files
    )


def finding_table(findings: Sequence[Finding]) -> str:
    """Return a line a finding: number, local day, mark of a pin, question, answer."""
    return "\n".join(
        f"{f'F{one.number}':<6} {_local(one.created_at)[:10]}  {'*' if one.pinned else ' '}"
        f"{'(older) ' if one.superseded_by else ''}{one_line(one.question, 60)}"
        f" → {one_line(one.answer, 60)}" + (f"  #{' #'.join(one.tags)}" if one.tags else "")
        for one in findings
    )


def finding_text(finding: Finding) -> str:
    """Return all that a finding says, for a terminal."""
    data = ", ".join(
        f"{one_line(one.path or one.name, 200)} ({one.rows:,} rows)"
        if one.rows is not None
        else one_line(one.path or one.name, 200)
        for one in finding.data
    )
    lines = [
        f"F{finding.number}  {_local(finding.created_at)}",
        f"Question  {clean_text(finding.question).strip()}",
        f"Answer    {clean_text(finding.answer).strip()}",
        *(f"Value     {one_line(f'{one.name} = {one.value}', 200)}" for one in finding.values),
        f"Data      {data or 'none'}",
        f"Run       {finding.run_id or 'unknown'}",
    ]
    if finding.notebook:
        lines.append(f"Notebook  {one_line(finding.notebook, 200)}")
    if finding.tags:
        lines.append(f"Tags      {one_line(', '.join(finding.tags), 200)}")
    if finding.superseded_by:
        lines.append(f"Newer     F{finding.superseded_by}")
    for title, code in (("Code before it", finding.setup), ("Code", finding.code)):
        if code.strip():
            lines += ["", f"{title}:", textwrap.indent(clean_text(code).strip(), "    ")]
    return "\n".join(lines)


def _local(started_at: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(started_at or '').astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return " " * 16


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
