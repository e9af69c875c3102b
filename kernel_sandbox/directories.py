"""Private directories of sessions: made, and removed when nobody lives that owns them.

A directory is owned as long as a lock on its ``owner`` file is held, so one that was left by a
machine that lost power, or by an owner killed together with its supervisor, can be told from
one in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "ks-"
_OWNER = "owner"
_YOUNG_SECONDS = 60.0

INBOX = "inbox"
OUTBOX = "outbox"


class PrivateDirectory:
    """A directory only this user can enter, with ``inbox``, ``outbox``, ``tmp``, ``ipython``."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self.path / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in (INBOX, OUTBOX, "tmp", "ipython"):
            (self.path / name).mkdir(mode=0o700)

    @property
    def inbox(self) -> Path:
        """Where the host puts files for the kernel."""
        return self.path / INBOX

    @property
    def outbox(self) -> Path:
        """Where the kernel puts files for the host."""
        return self.path / OUTBOX

    def remove(self) -> None:
        """Delete it with all it holds. Does nothing the second time."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def remove_abandoned(parent: Path | None = None) -> list[Path]:
    """Remove private directories whose owner is gone; return those that went."""
    removed = []
    for path in (parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            young = time.time() - status.st_mtime < _YOUNG_SECONDS
            if young or status.st_uid != os.getuid() or path.is_symlink():
                continue
            lock = os.open(path / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
            finally:
                os.close(lock)
    return removed
