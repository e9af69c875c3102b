"""Lists as text: runs on record, files that the agent's code wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from analyst.frontends.untrusted import one_line
from analyst.frontends.wording import size_text
from analyst.record.runs import RunSummary

if TYPE_CHECKING:
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


def _local(started_at: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(started_at or '').astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return " " * 16


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
