"""What is kept of conversations on disk: one small private file each.

Here: title, notebook, and which runs there are with which numbers. Not here: anything of private
runs, and what happened in the others: the runs' own logs have that.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyst.record.files import private_directory, write_private

_ID = re.compile(r"[0-9a-f]{16}")


def now() -> str:
    """Return the time as it is kept."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class RunPlace:
    """A run of a conversation; its first event has the number ``first``."""

    run_id: str
    first: int


@dataclass
class Record:
    """A conversation as it is kept. ``next``: the lowest number for what comes next.

    ``notebook``: a path below the server's root directory. Times are ISO 8601 with zone.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    title: str = ""
    notebook: str | None = None
    created_at: str = field(default_factory=now)
    last: str = field(default_factory=now)
    runs: list[RunPlace] = field(default_factory=list)
    next: int = 1


class Shelf:
    """The files of all conversations; raises :class:`OSError` when they cannot be written."""

    def __init__(self, data_directory: Path) -> None:
        self._directory = data_directory / "conversations"

    def all(self) -> list[Record]:
        """Return what can be read, in no order."""
        records = (self.get(path.stem) for path in self._directory.glob("*.json"))
        return [record for record in records if record is not None]

    def get(self, conversation_id: str) -> Record | None:
        """Return a conversation, ``None`` if there is none or its file is damaged."""
        if not _ID.fullmatch(conversation_id):
            return None
        try:
            found = json.loads((self._directory / f"{conversation_id}.json").read_bytes())
            return _record(conversation_id, found)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def keep(self, record: Record) -> None:
        """Write a conversation down."""
        path = private_directory(self._directory) / f"{record.id}.json"
        write_private(path, json.dumps(asdict(record), indent=1).encode(), durable=False)

    def remove(self, conversation_id: str) -> None:
        """Delete the file of a conversation; its runs stay on record."""
        if _ID.fullmatch(conversation_id):
            with contextlib.suppress(FileNotFoundError):
                (self._directory / f"{conversation_id}.json").unlink()


def _record(conversation_id: str, found: dict[str, Any]) -> Record:
    return Record(
        id=conversation_id,
        title=str(found["title"]),
        notebook=None if found["notebook"] is None else str(found["notebook"]),
        created_at=str(found["created_at"]),
        last=str(found["last"]),
        runs=[RunPlace(str(one["run_id"]), int(one["first"])) for one in found["runs"]],
        next=int(found["next"]),
    )
