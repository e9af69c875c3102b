"""Which run goes on with which: a run is gone on with once, so that no step is done twice.

Here: the claim, a small file beside the log. Not here: what a run that goes on does.
"""

from __future__ import annotations

import os
from pathlib import Path

from analyst.record.events import RunStarted
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
