"""Notebooks of runs on record: the runs read, their findings looked up, the notebook written.

Not here: the notebook itself (:mod:`analyst.frontends.export`). Functions block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analyst.frontends.export import Material, save_notebook
from analyst.frontends.export_data import ExportError
from analyst.frontends.export_digest import digest
from analyst.memory.errors import FindingsError
from analyst.record.log import read_run

# Not by the module's own name: a thread that imports the package at this moment would deadlock.
from analyst.session import findings as of_session

if TYPE_CHECKING:
    from analyst.memory.finding import Finding
    from analyst.settings import Settings

NOTEBOOK = ".ipynb"


def save_runs(
    run_ids: Sequence[str],
    place: Path,
    settings: Settings,
    *,
    title: str = "",
    frames: Mapping[str, object] | None = None,
    directory: Path | None = None,
) -> Path:
    """Write runs on record as a notebook; return where it is, as names are numbered.

    ``frames``: tables that were handed over, as far as they are at hand; they are written beside
    the notebook. ``directory``: the data directory. Raises :class:`ExportError` and
    :class:`analyst.record.log.RunLogError`.
    """
    runs = [digest(read_run(run_id, directory=directory).events) for run_id in run_ids]
    if not any(run.code or run.answer for run in runs):
        raise ExportError("There is nothing to make a notebook of: no code ran well.")
    place = as_notebook(place)
    if not place.parent.is_dir():
        raise ExportError(f"There is no directory {place.parent}; make it, or name another.")
    with finder(settings, directory) as finding:
        material = Material(title=title, frames=frames or {}, finding=finding)
        return save_notebook(runs, material, place)


def as_notebook(place: Path) -> Path:
    """Return a path that ends as notebooks do."""
    return place if place.suffix == NOTEBOOK else place.with_name(f"{place.name}{NOTEBOOK}")


@contextmanager
def finder(settings: Settings, directory: Path | None) -> Iterator[Callable[[int], Finding | None]]:
    """Give a function that looks a finding up by its number; ``None`` for what is gone."""
    with of_session.Findings(settings, directory) as findings:

        def finding(number: int) -> Finding | None:
            try:
                return findings.get(number)
            except FindingsError:
                return None

        yield finding
