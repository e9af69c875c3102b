"""Landlock: which rights to files a kernel gets, as numbers the launcher hands to Linux.

Rights and their versions are those of ``linux/landlock.h``. Here: the rules. Not here: the
system calls that put them in force (:mod:`kernel_sandbox.launcher.confine`).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FALLBACK_ABI = 6
"""From this version it also keeps signals and abstract sockets in; less is no wall of its own."""

_CREATE_RULESET = 444
_VERSION_FLAG = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR = 1 << 4, 1 << 5, 1 << 6, 1 << 7
_MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK = 1 << 8, 1 << 9, 1 << 10, 1 << 11
_MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEV = 1 << 12, 1 << 13, 1 << 14, 1 << 15

_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
_WRITE = (
    _READ
    | _WRITE_FILE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SOCK
    | _MAKE_FIFO
    | _MAKE_SYM
    | _REFER
    | _TRUNCATE
)
_FILE_RIGHTS_SINCE = {1: (1 << 13) - 1, 2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_NET_SINCE = 4
_BIND_TCP_CONNECT_TCP = 0b11
_SCOPE_SINCE = 6
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2

Access = Literal["read", "write", "device", "sockets"]
"""Reading and running; also changing; a device file; making sockets and nothing else."""

_RIGHTS: dict[Access, int] = {
    "read": _READ,
    "write": _WRITE,
    "device": _DEVICE,
    "sockets": _MAKE_SOCK | _READ_DIR,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A right to a path and all below it."""

    path: Path
    access: Access


def abi() -> int:
    """Return the version of Landlock that this machine's Linux has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    version: int = ctypes.CDLL(None, use_errno=True).syscall(
        _CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG
    )
    return max(0, version)


def ruleset(grants: Sequence[Grant], *, version: int, deny_tcp: bool) -> dict[str, object] | None:
    """Return the rules as the launcher takes them; ``None`` where there is no Landlock.

    ``handled`` are the rights nobody has but by a rule: of files, of TCP, and what is kept in.
    """
    if version < 1:
        return None
    handled = 0
    for since, rights in _FILE_RIGHTS_SINCE.items():
        if version >= since:
            handled |= rights
    rules = []
    for grant in grants:
        rights = _RIGHTS[grant.access] & handled
        if not os.path.isdir(grant.path):  # noqa: PTH112 - follows links, as the launcher does
            rights &= _FILE_RIGHTS
        rules.append([str(grant.path), rights])
    handled_net = _BIND_TCP_CONNECT_TCP if deny_tcp and version >= _NET_SINCE else 0
    scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if version >= _SCOPE_SINCE else 0
    # The structure grew with the versions, and an old Linux refuses a long one.
    fields = 3 if version >= _SCOPE_SINCE else 2 if version >= _NET_SINCE else 1
    return {"handled": [handled, handled_net, scoped][:fields], "rules": rules}
