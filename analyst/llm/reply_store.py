"""Replies of models on disk, each under the SHA-256 of the request it was given to.

A file holds a reply and no word of the request. Here: keeping, finding, and throwing away what
was not asked for longest. Not here: what makes two requests equal (:mod:`analyst.llm.cached`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from analyst.record.events import Usage
from analyst.record.files import private_directory, write_private

MOST_BYTES = 50_000_000
MOST_ENTRIES = 5_000
LEFT_SHARE = 0.9
"""What is left of either bound once it was passed, so that not every reply clears up."""

_NAME = re.compile(r"[0-9a-f]{64}\.json")


class KeptCall(BaseModel):
    """A function call of a reply; ``arguments`` is the raw JSON text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call_id: str
    name: str
    arguments: str


class KeptReply(BaseModel):
    """A reply as it is kept; ``usage`` and ``seconds`` are what it took when it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    tool_calls: tuple[KeptCall, ...] = ()
    finish_reason: str
    usage: Usage
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ReplyStore:
    """A directory of replies; what goes wrong with it costs a reply anew, and nothing else."""

    directory: Path
    most_bytes: int = MOST_BYTES
    most_entries: int = MOST_ENTRIES

    def get(self, key: str) -> KeptReply | None:
        """Return the reply of ``key``, now the one used last; a damaged one is thrown away."""
        path = self._path(key)
        try:
            found = _read(path.read_bytes())
        except OSError:
            return None
        with contextlib.suppress(OSError):
            if found is None:
                path.unlink()
            else:
                os.utime(path)
        return found

    def put(self, key: str, reply: KeptReply) -> bool:
        """Keep a reply; false where that cannot be, or it is too large to keep others beside."""
        content = reply.model_dump(mode="python")
        data = json.dumps({"reply": content, "sha256": _digest(content)}).encode()
        if len(data) > self.most_bytes // 10:
            return False
        try:
            private_directory(self.directory)
            write_private(self._path(key), data, durable=False)
            self._clear_up()
        except OSError:
            return False
        return True

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"

    def _clear_up(self) -> None:
        """Throw away what was used longest ago, until there is room again."""
        entries = []
        total = 0
        with os.scandir(self.directory) as found:
            for entry in found:
                if not _NAME.fullmatch(entry.name):
                    continue
                with contextlib.suppress(OSError):  # another process cleared it up
                    status = entry.stat(follow_symlinks=False)
                    entries.append((status.st_mtime_ns, entry.name, status.st_size))
                    total += status.st_size
        if total <= self.most_bytes and len(entries) <= self.most_entries:
            return
        left = len(entries)
        for _, name, size in sorted(entries):
            if total <= LEFT_SHARE * self.most_bytes and left <= LEFT_SHARE * self.most_entries:
                return
            with contextlib.suppress(OSError):
                (self.directory / name).unlink()
            total -= size
            left -= 1


def _read(data: bytes) -> KeptReply | None:
    try:
        kept = json.loads(data)
        reply = KeptReply.model_validate(kept["reply"])
        return reply if kept["sha256"] == _digest(kept["reply"]) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _digest(reply: object) -> str:
    # Escaped to ASCII: what models write may hold half of a surrogate pair.
    return hashlib.sha256(json.dumps(reply, sort_keys=True).encode()).hexdigest()
