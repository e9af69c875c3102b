"""What is kept of conversations on disk: one small private file each.

Here: title, notebook, and which runs there are with which numbers. Not here: anything of private
runs, and what happened in the others: the runs' own logs have that.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
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

    def described(self) -> dict[str, Any]:
        """Return what the panel's list shows of a conversation that is not in memory."""
        return {
            "id": self.id,
            "title": self.title,
            "notebook": self.notebook,
            "created_at": self.created_at,
            "runs": [place.run_id for place in self.runs],
            "busy": False,
            "last": self.last,
            "number": self.next - 1,
        }


class Hold:
    """A conversation that this server has to itself; goes with the process at the latest."""

    def __init__(self, file: int) -> None:
        self._file: int | None = file

    def release(self) -> None:
        """Let others have it; a second call does nothing."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


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
        """Delete the files of a conversation; its runs stay on record."""
        if _ID.fullmatch(conversation_id):
            for ending in ("json", "lock"):
                with contextlib.suppress(FileNotFoundError):
                    (self._directory / f"{conversation_id}.{ending}").unlink()

    def hold(self, conversation_id: str) -> Hold | None:
        """Keep other servers of this user from asking in it; ``None`` if one of them does so."""
        path = private_directory(self._directory) / f"{conversation_id}.lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        except OSError:
            pass  # a file system without locks: as if nobody else were there
        return Hold(file)

    def is_held_elsewhere(self, conversation_id: str) -> bool:
        """Whether another server asks in it."""
        if not (self._directory / f"{conversation_id}.lock").exists():
            return False
        hold = self.hold(conversation_id)
        if hold is None:
            return True
        hold.release()
        return False


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
