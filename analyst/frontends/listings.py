"""Lists as text: runs on record, findings, files that the agent's code wrote."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from analyst.frontends.untrusted import clean_text, one_line
from analyst.frontends.wording import size_text, value_text
from analyst.record.audit import AuditedCall
from analyst.record.runs import RunSummary
from analyst.record.team_report import RoleSums

if TYPE_CHECKING:
    from analyst.memory.finding import DataFingerprint, Finding, KeyValue
    from kernel_sandbox import WrittenFile


def run_table(runs: Sequence[RunSummary]) -> str:
    """Return a line a run: id, local time of its start, status, seconds, question."""
    return "\n".join(
        f"{run.run_id}  {_local(run.started_at)}  {run.status:<11} {_seconds(run.seconds):>8}  "
        f"{one_line(run.question or '', 80)}"
        for run in runs
    )


def audit_table(calls: Sequence[AuditedCall]) -> str:
    """Return two lines a call: what became of it and why, and what it was."""
    return "\n".join(
        f"{_local(call.started_at)}  {call.run_id[-6:]}  {call.outcome:<9} {call.tool:<14} "
        f"{'by the ' + call.by if call.by != 'rules' else one_line(call.why, 60)}"
        f"  [{call.level}] {one_line(call.risk, 120)}\n"
        f"    {one_line(json.dumps(call.arguments, ensure_ascii=False), 160)}"
        for call in calls
    )


def team_table(sums: Mapping[str, RoleSums]) -> str:
    """Return a line a role: its turns, tokens and seconds, and what its reviews came to."""
    head = (
        f"{'role':<14} {'turns':>5} {'failed':>6} {'tokens':>8} {'cached':>8} {'seconds':>8} "
        f"{'objected':>8} {'upheld':>6} {'approved':>8} {'decided':>7}"
    )
    rows = [
        f"{one_line(role, 14):<14} {one.turns:>5} {one.failed:>6} {one.usage.total:>8,} "
        f"{one.usage.cached:>8,} {one.seconds:>8.1f} {one.objections:>8} {one.upheld:>6} "
        f"{one.approvals:>8} {one.decisions:>7}"
        for role, one in sums.items()
    ]
    return "\n".join([head, *rows])


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
        f"{f'F{one.number}':<6} {local_day(one.created_at)}  {'*' if one.pinned else ' '}"
        f"{'(older) ' if one.superseded_by else ''}{one_line(one.question, 60)}"
        f" → {one_line(one.answer, 60)}"
        + (" " if one.tags else "")
        + "".join(f" #{one_line(tag, 40)}" for tag in one.tags)
        for one in findings
    )


def finding_text(finding: Finding) -> str:
    """Return all that a finding says, for a terminal."""
    data = ", ".join(one_line(data_text(one), 200) for one in finding.data)
    lines = [
        f"F{finding.number}  {_local(finding.created_at)}",
        f"Question  {clean_text(finding.question).strip()}",
        f"Answer    {clean_text(finding.answer).strip()}",
        *(
            f"Value     {one_line(name, 80)} = {value}"
            for name, value in map(value_line, finding.values)
        ),
        f"Data      {data or 'none'}",
        f"Run       {one_line(finding.run_id or 'unknown', 80)}",
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


def value_line(one: KeyValue) -> tuple[str, str]:
    """Return a value's name, as it is, and its cleaned text with its unit."""
    from analyst.memory.units import with_unit  # noqa: PLC0415  # late: lists of runs need it not

    return one.name, one_line(with_unit(value_text(one.value), one.unit), 200)


def data_text(one: DataFingerprint) -> str:
    """Say what data a finding is of, and how many rows; as it is, not cleaned."""
    source = one.path or f"frame {one.name}"
    return f"{source} ({one.rows:,} rows)" if one.rows is not None else source


def local_day(created_at: str) -> str:
    """Return the local day of a time, as 2026-11-24."""
    return _local(created_at)[:10]


def _local(started_at: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(started_at or '').astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return " " * 16


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
