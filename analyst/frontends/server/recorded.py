"""Runs on record for the panel: listed, shown, and made into notebooks.

Here: what is read for that. Not here: the notebook itself (:mod:`analyst.frontends.export`).
Functions block: they are called in a thread.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst.frontends.export import Material, notebook_of, save_notebook
from analyst.frontends.export_digest import RunDigest, digest
from analyst.frontends.export_recorded import finder
from analyst.frontends.server.errors import NotThereError, RefusedError
from analyst.record.events import EventCodec
from analyst.record.log import blob_store, encode_event, read_run
from analyst.record.runs import list_runs

if TYPE_CHECKING:
    from analyst.settings import Settings


def listed(limit: int, directory: Path) -> list[dict[str, Any]]:
    """Summarise the newest runs."""
    return [
        dataclasses.asdict(run) | {"usage": run.usage.model_dump() if run.usage else None}
        for run in list_runs(limit, directory=directory)
    ]


def shown(run_id: str, directory: Path) -> dict[str, Any]:
    """Return the events of a run, large values as references; raises :class:`NotThereError`."""
    record = _read(run_id, directory)
    blobs = blob_store(directory)
    lines = (encode_event(event, blobs) for event in record.events if event.type != "prompt")
    return {
        "run_id": run_id,
        "events": [json.loads(line) for line in lines],
        "skipped": record.skipped,
    }


def notebook(run_id: str, directory: Path, settings: Settings) -> dict[str, Any]:
    """Return a run as a notebook."""
    run = digest(_read(run_id, directory).events)
    with finder(settings, directory) as finding:
        made: dict[str, Any] = notebook_of([run], Material(finding=finding))
    return made


def digests(lines: Iterable[bytes]) -> list[RunDigest]:
    """Return what notebooks say of the runs in a conversation's lines, in order."""
    runs: dict[str, list[Any]] = {}
    for line in lines:
        event = EventCodec.parse(line)
        runs.setdefault(event.run_id, []).append(event)
    return [digest(events) for events in runs.values()]


def save(
    runs: Sequence[RunDigest],
    wanted: Sequence[str] | None,
    *,
    title: str,
    frames: Mapping[str, object],
    files: Mapping[str, Path],
    place: Path,
    directory: Path,
    settings: Settings,
) -> Path:
    """Write the wanted runs of a conversation (``None``: all) as a notebook; return where it is.

    Raises :class:`RefusedError` and :class:`analyst.frontends.export_data.ExportError`.
    """
    chosen = [run for run in runs if wanted is None or run.run_id in wanted]
    if wanted is not None and {run.run_id for run in chosen} != set(wanted):
        raise NotThereError("A run that was asked for is not in this conversation; choose again.")
    if not any(run.code or run.answer for run in chosen):
        raise RefusedError("There is nothing to make a notebook of yet; ask something first.")
    last = max(runs.index(run) for run in chosen)
    earlier = [run for run in runs[:last] if run not in chosen]
    with finder(settings, directory) as finding:
        material = Material(
            title=title, earlier=earlier, frames=frames, files=files, finding=finding
        )
        return save_notebook(chosen, material, place)


def _read(run_id: str, directory: Path) -> Any:
    try:
        return read_run(run_id, directory=directory)
    except ValueError:
        raise NotThereError("There is no such run on record.") from None
