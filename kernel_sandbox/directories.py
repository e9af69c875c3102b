"""Private directories of sessions: made, and removed when nobody lives that owns them.

A directory is owned as long as a lock on its ``owner`` file is held, so one that was left by a
machine that lost power, or by an owner killed together with its supervisor, can be told from
one in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kernel_sandbox.launcher.removal import empty_tree, remove_tree

PREFIX = "ks-"
_OWNER = "owner"
_YOUNG_SECONDS = 60.0
_SHARED = "/tmp"  # noqa: S108 - only compared with
_ON_DISK = "/var/tmp"  # noqa: S108 - what is made there is private
_LONGEST_PLACE = 75
"""Bytes; the paths of the sockets below are 20 longer, and 103 is the most a socket's may have."""
_USERS = "user:x:{uid}:{gid}:user:{home}:/bin/sh\n"
_GROUP = "user:x:{gid}:\n"
_HOSTS = "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n"
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


@dataclass(frozen=True, slots=True)
class Layout:
    """What is where in a private directory, and who may do what with it.

    The kernel changes what is :attr:`writable`, makes sockets in :attr:`sockets`, and reads
    the rest.
    """

    root: Path

    @property
    def connections(self) -> Path:
        """Connection files: the addresses of the kernel's sockets, and the key."""
        return self.root / "conn"

    @property
    def sockets(self) -> Path:
        """The kernel's sockets."""
        return self.root / "ipc"

    @property
    def inbox(self) -> Path:
        """Where the host puts files for the kernel."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Where the kernel puts data for the host."""
        return self.root / "outbox"

    @property
    def workspace(self) -> Path:
        """Where the kernel works: its files, and those of the code it runs."""
        return self.root / "ws"

    @property
    def home(self) -> Path:
        """The kernel's home."""
        return self.root / "home"

    @property
    def ipython(self) -> Path:
        """IPython's own files."""
        return self.root / "ipython"

    @property
    def temporary(self) -> Path:
        """Temporary files too large for memory."""
        return self.root / "tmp"

    @property
    def settings(self) -> Path:
        """What stands for the host's ``/etc``."""
        return self.root / "etc"

    @property
    def network(self) -> Path:
        """The socket of the proxy."""
        return self.root / "net"

    @property
    def proxy_socket(self) -> Path:
        """The address of the proxy that lets chosen hosts through."""
        return self.network / "proxy"

    @property
    def writable(self) -> tuple[Path, ...]:
        """What the kernel may change."""
        return (self.workspace, self.outbox, self.temporary, self.home, self.ipython)

    def make(self) -> None:
        """Make what is not there."""
        readable = (self.connections, self.sockets, self.inbox, self.settings, self.network)
        for folder in (*readable, *self.writable):
            folder.mkdir(mode=0o700, exist_ok=True)
        uid, gid = os.getuid(), os.getgid()
        texts = {
            "passwd": _USERS.format(uid=uid, gid=gid, home=self.home),
            "group": _GROUP.format(gid=gid),
            "hosts": _HOSTS,
            "nsswitch.conf": _NSSWITCH,
        }
        for name, text in texts.items():
            (self.settings / name).write_text(text, encoding="utf-8")

    def refresh(self, *, workspace_too: bool) -> None:
        """Remove what one kernel left that would be in the way of the next.

        Its files in the workspace stay, unless they are the trouble.
        """
        kept = (self.workspace,) if not workspace_too else ()
        for folder in (*self.writable, self.sockets):
            if folder not in kept:
                empty_tree(str(folder))
        self.make()


class PrivateDirectory:
    """A directory only this user can enter, laid out as :class:`Layout` says."""

    def __init__(self) -> None:
        # Resolved, since what is granted inside a sandbox is granted by the real path.
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place())).resolve()
        self._lock = os.open(self.path / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.layout = Layout(self.path)
        self.layout.make()

    def remove(self) -> None:
        """Delete it with all it holds. Does nothing the second time."""
        if self._lock >= 0:
            remove_tree(str(self.path))
            os.close(self._lock)
            self._lock = -1


def place() -> str:
    """Return where private directories are made.

    Where the user wants temporary files, unless that is ``/tmp``, which often is memory and
    which a sandbox has one of its own of, or has so long a name that sockets would not fit.
    """
    wanted = tempfile.gettempdir()
    unfit = wanted == _SHARED or len(os.fsencode(wanted)) > _LONGEST_PLACE
    return _ON_DISK if unfit and os.access(_ON_DISK, os.W_OK) else wanted


def remove_abandoned(parent: Path | None = None) -> list[Path]:
    """Remove private directories whose owner is gone; return those that went."""
    removed = []
    for path in (parent or Path(place())).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            young = time.time() - status.st_mtime < _YOUNG_SECONDS
            if young or status.st_uid != os.getuid() or path.is_symlink():
                continue
            try:
                lock = os.open(path / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                # An owner was killed as it began or ended; what is not empty is not ours.
                path.rmdir()
                removed.append(path)
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(str(path))
                removed.append(path)
            finally:
                os.close(lock)
    return removed
