"""Looking over the logs of many runs without reading them through.

Here: the list of runs, and the run that a few typed characters mean. Not here: one log
(:mod:`analyst.record.log`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from analyst.record.events import Event, EventCodec, RunFinished, RunStarted, RunStatus, Usage
from analyst.record.log import runs_directory

_HEAD = 1024 * 1024
_TAIL = 64 * 1024
_NAMED = 8

SummaryStatus = RunStatus | Literal["interrupted", "running"]
"""How a run ended. ``interrupted``: its process died; ``running``: it has not ended yet."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run in one line. ``started_at`` is ISO 8601; what the log does not tell is None."""

    run_id: str
    status: SummaryStatus
    question: str | None
    model: str | None
    started_at: str | None
    seconds: float | None
    usage: Usage | None
    notebook: str | None


class RunLookupError(LookupError):
    """What was typed does not mean one run; ``candidates`` are ids it could mean."""

    def __init__(self, sentence: str, candidates: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.candidates = candidates

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownRunError(RunLookupError):
    """No run has such an id."""


class AmbiguousRunError(RunLookupError):
    """Several runs have such an id."""


def run_ids(directory: Path | None = None) -> list[str]:
    """Return the ids of all runs, newest first; ``directory`` is the data directory."""
    try:
        names = [path.stem for path in runs_directory(directory).glob("*.jsonl")]
    except OSError:
        return []
    return sorted(names, reverse=True)


def list_runs(limit: int | None = 20, *, directory: Path | None = None) -> list[RunSummary]:
    """Summarise the newest runs, newest first, from the two ends of their logs.

    ``limit`` bounds their number (None: all); ``directory`` is the data directory.
    """
    folder = runs_directory(directory)
    summaries = (_summarise(folder / f"{run_id}.jsonl") for run_id in run_ids(directory)[:limit])
    return [summary for summary in summaries if summary is not None]


def find_run(typed: str, *, directory: Path | None = None) -> str:
    """Return the id of the run that ``typed`` means.

    That is a whole id, its beginning, or the beginning of its random part (after the dash).
    ``last`` means the newest run. Raises :class:`UnknownRunError` or
    :class:`AmbiguousRunError`, whose message lists the ids it could be.
    """
    ids = run_ids(directory)
    typed = typed.strip()
    if typed in ids:
        return typed
    if typed == "last" and ids:
        return ids[0]
    found = [
        run_id
        for run_id in ids
        if typed and (run_id.startswith(typed) or run_id.rpartition("-")[2].startswith(typed))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousRunError(
            f"{typed!r} could be any of {len(found)} runs: {_some(found)}. Type more of the id.",
            tuple(found),
        )
    if not ids:
        raise UnknownRunError("There is no run on record yet.", ())
    raise UnknownRunError(
        f"There is no run {typed!r} on record. The newest are: {_some(ids)}.", tuple(ids[:_NAMED])
    )


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")


def _summarise(path: Path) -> RunSummary | None:
    started: RunStarted | None = None
    try:
        with path.open("rb") as file:
            for event in _parsed(_head_lines(file)):
                if isinstance(event, RunStarted):
                    started = event
                    break
            finished, seconds = _ending(file)
            alive = finished is None and _is_being_written(file)
    except OSError:
        return None
    status: SummaryStatus = "running" if alive else "interrupted"
    return RunSummary(
        run_id=path.stem,
        status=finished.status if finished else status,
        question=started.question if started else None,
        model=started.model if started else None,
        started_at=started.started_at if started else None,
        seconds=finished.seconds if finished else seconds,
        usage=finished.usage if finished else None,
        notebook=started.notebook if started else None,
    )


def _head_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the first lines; the second counts if the first was torn."""
    file.seek(0)
    yield file.readline(_HEAD)
    yield file.readline(_HEAD)


def _ending(file: BinaryIO) -> tuple[RunFinished | None, float | None]:
    """Return the last event if it ends the run, and the time of the last event there is."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    lines = file.read(_TAIL).split(b"\n")
    if size > _TAIL:
        del lines[0]  # its beginning is missing
    seconds: float | None = None
    for event in _parsed(reversed(lines)):
        if isinstance(event, RunFinished):
            return event, event.seconds
        seconds = event.t if seconds is None else seconds
    return None, seconds


def _parsed(lines: Iterator[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield EventCodec.parse(line)
        except ValueError:
            continue


def _is_being_written(file: BinaryIO) -> bool:
    """Whether a :class:`RunLog` holds its shared lock on the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
