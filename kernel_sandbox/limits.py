"""How much a kernel may use, and how long it is waited for.

Here: the figures and their defaults. Not here: their enforcement (launcher, connection, session).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_memory() -> int:
    """Return the memory this machine, or the container we run in, has, in bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            total = min(total, int(path.read_text()))
        except (OSError, ValueError):
            continue
    return total


def _default_memory() -> int:
    return min(4 * GIB, machine_memory() // 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of one kernel. Sizes in bytes, times in seconds.

    ``memory``: of one process, memory it writes (RLIMIT_DATA: heap and private maps; not files
    mapped to read), ``None`` for no limit. Over it the code gets :class:`MemoryError`.
    ``output_bytes``: outputs of one cell, as they come over the wire.
    ``message_bytes``: one message; a larger one never enters the host's memory.
    ``frame_bytes``: a frame fetched from the kernel.
    ``start_seconds``: from the start of the process to its first reply.
    ``grace_seconds``: from an interrupt to the kill.
    """

    memory: int | None = field(default_factory=_default_memory)
    output_bytes: int = 10 * MIB
    message_bytes: int = 32 * MIB
    frame_bytes: int = 1 * GIB
    start_seconds: float = 60.0
    grace_seconds: float = 3.0
