"""Which run goes on with which: a run is gone on with once, so that no step is done twice.

Here: the claim, a small file beside the log. Not here: what a run that goes on does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from analyst.record.events import Event, PlanRevised, PlanStepFinished, RunStarted
from analyst.record.log import RunLogError, RunRecord, log_path, read_run

_ENDING = ".resumed"
_LONGEST = 100


def successor(run_id: str, *, directory: Path | None = None) -> str | None:
    """Return the id of the run that goes on with a run, if one does and has a log."""
    try:
        found = _claim(run_id, directory).read_text("utf-8").strip()
        return found if found and log_path(found, directory).is_file() else None
    except (OSError, ValueError):
        return None


def chain(run_id: str, *, directory: Path | None = None) -> list[RunRecord]:
    """Return the records of a run and of those that it goes on with, the first one first.

    Raises :class:`~analyst.record.log.RunLogError` when that of the run cannot be read.
    """
    found = [read_run(run_id, directory=directory)]
    while len(found) < _LONGEST:
        first = next((one for one in found[-1].events if isinstance(one, RunStarted)), None)
        if first is None or first.resumes is None:
            break
        try:
            found.append(read_run(first.resumes, directory=directory))
        except (RunLogError, ValueError):
            break
    return found[::-1]


def whole(run_id: str, *, directory: Path | None = None) -> list[Event]:
    """Return the events of a run as if it had never broken off: those of all runs of its chain.

    What a step that was cut off did is left out, as it was begun again; so is a failed one that
    was not got round yet. Raises :class:`~analyst.record.log.RunLogError`.
    """
    records = chain(run_id, directory=directory)
    found: list[Event] = []
    for record in records[:-1]:
        found += _without_cut_off(record.events)
    for event in records[-1].events:
        if len(records) > 1 and isinstance(event, PlanStepFinished) and event.resumed:
            continue
        found.append(event)
    return found


def _without_cut_off(events: Sequence[Event]) -> list[Event]:
    end, failed = 1, False
    for number, one in enumerate(events, 1):
        if isinstance(one, PlanStepFinished):
            failed = one.status == "error" and not one.resumed
            end = end if failed else number
        elif isinstance(one, PlanRevised) and failed:
            end, failed = number, False
    found = events[:end]
    return [one for one in found if not (isinstance(one, PlanStepFinished) and one.resumed)]


def claim(run_id: str, by: str, *, directory: Path | None = None) -> bool:
    """Claim a run for the run ``by``; return False if another that has a log claimed it before.

    Raises :class:`~analyst.record.log.RunLogError` when the claim cannot be written.
    """
    path = _claim(run_id, directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        for _ in range(2):
            try:
                with os.fdopen(os.open(path, flags, 0o600), "w") as file:
                    file.write(by)
            except FileExistsError:
                if successor(run_id, directory=directory) is not None:
                    return False
                # Whoever claimed it died before it began.
                path.unlink(missing_ok=True)
            else:
                return True
    except OSError as error:
        raise RunLogError(f"cannot write {path}: {error.strerror}") from error
    return False


def _claim(run_id: str, directory: Path | None) -> Path:
    return log_path(run_id, directory).with_suffix(_ENDING)
