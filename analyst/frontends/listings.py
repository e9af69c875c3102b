"""Runs on record as text: the list of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from analyst.frontends.untrusted import one_line
from analyst.record.runs import RunSummary


def run_table(runs: Sequence[RunSummary]) -> str:
    """Return a line a run: id, local time of its start, status, seconds, question."""
    return "\n".join(
        f"{run.run_id}  {_local(run.started_at)}  {run.status:<11} {_seconds(run.seconds):>8}  "
        f"{one_line(run.question or '', 80)}"
        for run in runs
    )


def _local(started_at: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(started_at or '').astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return " " * 16


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
