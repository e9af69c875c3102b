"""Fingerprints of data files: a hash of the content, computed once as long as a file is the same.

A file counts as the same while device, inode, size, and the times of its last change and of its
last change of status are; programs cannot set the latter. Times are coarse, so a file that changed
just before it was hashed is hashed again (as git does with what it calls racily clean). Not here:
frames, whose fingerprints come with their hand-over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from analyst.record.files import private_directory, write_private

MOST_KEPT = 2_000
WORTH_KEEPING_BYTES = 8 << 20
"""Smaller files are hashed sooner than looked up on disk."""

_RACY_NS = 2_000_000_000
_Identity = tuple[int, int, int, int, int]


class FileFingerprints:
    """Hashes files, and remembers what it hashed; methods block. Safe in any thread.

    ``kept_in``: a file that other sessions and processes share, ``None`` for this object only.
    """

    def __init__(self, kept_in: Path | None = None) -> None:
        self._kept_in = kept_in
        self._known: dict[str, tuple[_Identity, str]] = {}
        self._read = False

    def of(self, path: Path, *, keep: bool = True) -> str:
        """Return the BLAKE2b hash of a file's content, 32 hexadecimal digits.

        ``keep``: whether it may be written down with the file's path. Raises :class:`OSError`.
        """
        name = os.fspath(path.resolve())
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            identity = _identity(found)
            if not self._read and found.st_size >= WORTH_KEEPING_BYTES:
                self._load()
            known = self._known.get(name)
            if known is not None and known[0] == identity:
                return known[1]
            began = time.time_ns()
            digest = hashlib.file_digest(file, "blake2b").hexdigest()[:32]
            if _identity(os.fstat(file.fileno())) != identity:
                # It is being written; whoever asks next gets what it is then.
                return digest
        if began - max(found.st_mtime_ns, found.st_ctime_ns) > _RACY_NS:
            self._known[name] = (identity, digest)
            if keep and found.st_size >= WORTH_KEEPING_BYTES:
                self._save(name)
        return digest

    def _load(self) -> None:
        self._read = True
        self._known = self._on_disk() | self._known

    def _on_disk(self) -> dict[str, tuple[_Identity, str]]:
        if self._kept_in is None:
            return {}
        try:
            found = json.loads(self._kept_in.read_bytes())
            return {
                str(name): (_checked(identity), str(digest))
                for name, (identity, digest) in found.items()
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            # Derived from the files; what cannot be read is computed again.
            return {}

    def _save(self, name: str) -> None:
        if self._kept_in is None:
            return
        with contextlib.suppress(OSError, Timeout):
            private_directory(self._kept_in.parent)
            with FileLock(f"{self._kept_in}.lock", timeout=1):
                kept = self._on_disk()
                kept.pop(name, None)
                kept[name] = self._known[name]
                newest = dict([*kept.items()][-MOST_KEPT:])
                write_private(self._kept_in, json.dumps(newest).encode())


def _identity(found: os.stat_result) -> _Identity:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _checked(identity: object) -> _Identity:
    if not isinstance(identity, list) or [*map(type, identity)] != [int] * 5:
        raise ValueError("no identity of a file")
    device, inode, size, changed, status_changed = identity
    return (device, inode, size, changed, status_changed)
