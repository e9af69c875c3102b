"""Saving what can be read of a damaged database of findings; the damaged file is kept."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from analyst.memory.database import sqlite_url
from analyst.memory.errors import StoreError
from analyst.memory.rows import finding_from
from analyst.memory.store import FindingStore


def repair(path: Path) -> tuple[int, Path]:
    """Make a new database of what can be read; return how many findings, and the old file.

    Raises :class:`StoreError` when there is nothing to repair or no room.
    """
    if not path.exists():
        raise StoreError(f"There is no database of findings at {path}.")
    kept = path.with_name(f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}{path.suffix}")
    saved = 0
    try:
        for suffix in ("", "-wal", "-shm"):
            old = Path(f"{path}{suffix}")
            if old.exists():
                old.rename(f"{kept}{suffix}")
    except OSError as error:
        raise StoreError(f"{path} could not be set aside: {error.strerror}.") from error
    store = FindingStore(sqlite_url(path))
    try:
        with contextlib.closing(sqlite3.connect(kept)) as damaged:
            damaged.row_factory = sqlite3.Row
            for row in _rows(damaged):
                with contextlib.suppress(ValidationError, ValueError, TypeError, KeyError):
                    store.save(finding_from(dict(row)), keep_number=True)
                    saved += 1
    finally:
        store.close()
    return saved, kept


def _rows(damaged: sqlite3.Connection) -> list[sqlite3.Row]:
    """Return the rows of findings that can be read, whatever pages are damaged."""
    found: dict[int, sqlite3.Row] = {}
    for order in ("ASC", "DESC"):
        # A damaged page stops a scan; from the other end there may be more.
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in damaged.execute(f"SELECT * FROM findings ORDER BY number {order}"):  # noqa: S608
                if row["number"] in found:
                    break
                found[row["number"]] = row
    return [found[number] for number in sorted(found)]
