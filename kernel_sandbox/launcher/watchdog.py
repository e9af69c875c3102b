"""Limits that hold for a whole tree of processes and for disk, which Linux's own do not.

Looks a few times a second. Standard library only.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel_sandbox.launcher import processes, removal
else:
    import processes
    import removal

PERIOD = 0.25
"""Seconds between two looks at the processes."""

_DISK_PERIOD = 1.0
_DISK_SHARE = 20
"""Looking at the disk takes at most this part of the time."""

_DISK_SECONDS = 2.0
_ENTRIES = 200_000
_THREADS_PER_PROCESS = 16


class Watchdog:
    """Compares what the processes below this one take with the limits of ``config``.

    Keys, each of which may be missing: ``memory`` (bytes), ``processes`` (a number), ``disk``
    (bytes), ``folders`` (where disk is counted), ``spared`` (bytes the machine is left with).
    """

    def __init__(self, config: dict[str, Any], root: int) -> None:
        self._config = config
        self._root = root
        self._next_look = self._next_disk = 0.0
        self._short = 0

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch, and a way to do it."""
        return bool(self._config) and sys.platform.startswith("linux")

    def patience(self) -> float:
        """Return the milliseconds until the next look."""
        return max(0.0, 1000 * (self._next_look - time.monotonic()))

    def look(self) -> dict[str, Any] | None:
        """Return which limit was passed, or ``None``; cheap when called too early."""
        now = time.monotonic()
        if now < self._next_look:
            return None
        self._next_look = now + PERIOD
        return self._processes() or self._machine() or self._disk(now)

    def _processes(self) -> dict[str, Any] | None:
        pids = processes.descendants(self._root)
        most = self._config.get("processes")
        if most is not None and len(pids) > most:
            return {"limit": "processes", "used": len(pids), "most": most}
        memory, threads = processes.memory_and_threads(pids)
        if most is not None and threads > most * _THREADS_PER_PROCESS:
            return {"limit": "threads", "used": threads, "most": most * _THREADS_PER_PROCESS}
        limit = self._config.get("memory")
        if limit is not None and memory > limit:
            return {"limit": "memory", "used": memory, "most": limit}
        return None

    def _machine(self) -> dict[str, Any] | None:
        """Tell when the machine runs out, by whatever no limit counts: buffers, memory unmapped."""
        spared = self._config.get("spared")
        available = processes.available_memory()
        if spared is None or available is None or available >= spared:
            self._short = 0
            return None
        self._short += 1
        if self._short < 2:
            return None
        return {"limit": "machine", "used": available, "most": spared}

    def _disk(self, now: float) -> dict[str, Any] | None:
        most = self._config.get("disk")
        if most is None or now < self._next_disk:
            return None
        used, entries = removal.size_of(
            self._config["folders"], seconds=_DISK_SECONDS, entries=_ENTRIES
        )
        end = time.monotonic()
        self._next_disk = end + max(_DISK_PERIOD, _DISK_SHARE * (end - now))
        if used > most:
            return {"limit": "disk", "used": used, "most": most}
        if entries > _ENTRIES:
            return {"limit": "files", "used": entries, "most": _ENTRIES}
        return None
