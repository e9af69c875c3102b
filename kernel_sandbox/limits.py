"""How much a kernel may use, and how long it is waited for.

Here: the figures and their defaults. Not here: their enforcement (launcher, connection, session).
The defaults are judgements upon measurements of what analyses take.
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
_SPARED_SHARE = 50


def machine_memory() -> int:
    """Return the memory this machine, or the container we run in, has, in bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            total = min(total, int(path.read_text()))
        except (OSError, ValueError):
            continue
    return total


def spared_memory() -> int:
    """Return the memory, in bytes, below which a machine is out of it and kernels are ended."""
    return min(256 * MIB, machine_memory() // _SPARED_SHARE)


def _default_memory() -> int:
    return min(4 * GIB, machine_memory() // 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of one kernel. Sizes in bytes, times in seconds; ``None``: no limit.

    ``memory``: of one process, memory it writes (RLIMIT_DATA: heap and private maps; not files
    mapped to read). Over it the code gets :class:`MemoryError`. All processes together may take
    a quarter more; then the kernel is ended.
    ``processes``: of the whole tree; then the kernel is ended.
    ``open_files``: of one process.
    ``file_bytes``: one file.
    ``disk_bytes``: all files the kernel wrote; then it is ended, and its files are removed.
    ``temporary_bytes``: each of ``/tmp`` and ``/dev/shm``, which are memory (bubblewrap only).
    ``cpu_seconds``: processor time of one process.
    ``cell_seconds``: a cell's time where its caller gives none.
    ``output_bytes``: outputs of one cell, as they come over the wire.
    ``message_bytes``: one message; a larger one never enters the host's memory.
    ``frame_bytes``: a frame or file fetched from the kernel.
    ``start_seconds``: from the start of the process to its first reply.
    ``grace_seconds``: from an interrupt to the kill.
    """

    memory: int | None = field(default_factory=_default_memory)
    processes: int | None = 256
    open_files: int | None = 4096
    file_bytes: int | None = 2 * GIB
    disk_bytes: int | None = 5 * GIB
    temporary_bytes: int = 512 * MIB
    cpu_seconds: int | None = 3600
    cell_seconds: float | None = 120.0
    output_bytes: int = 10 * MIB
    message_bytes: int = 32 * MIB
    frame_bytes: int = 1 * GIB
    start_seconds: float = 60.0
    grace_seconds: float = 3.0

    @property
    def tree_memory(self) -> int | None:
        """The bytes that all processes of a kernel may take together."""
        return None if self.memory is None else self.memory + self.memory // 4
