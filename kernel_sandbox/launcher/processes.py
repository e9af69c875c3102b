"""Which processes descend from one, and what they take, read from /proc. Standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator


def kill(pid: int) -> None:
    """Kill a process or, by a negative number, a group; nothing happens when it is gone."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int] | None:
    """Return the children of a process at little cost; ``None`` where nobody lists them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
        except FileNotFoundError:
            # Linux may be built without it; a thread that just ended looks the same.
            if not os.path.exists("/proc/thread-self/children"):  # noqa: PTH110
                return None
        except OSError:
            continue
    return found


def descendants(root: int) -> set[int]:
    """Return all processes below ``root``; none where there is no /proc."""
    table = _ByParent()
    found: set[int] = set()
    queue = [root]
    while queue:
        pid = queue.pop()
        below = children(pid)
        for child in table.of(pid) if below is None else below:
            if child not in found:
                found.add(child)
                queue.append(child)
    return found


class _ByParent:
    """All processes of the machine by their parent, read at the first question."""

    def __init__(self) -> None:
        self._table: dict[int, list[int]] | None = None

    def of(self, pid: int) -> list[int]:
        if self._table is None:
            self._table = {}
            for child, parent in _parents():
                self._table.setdefault(parent, []).append(child)
        return self._table.get(pid, [])


def _parents() -> Iterator[tuple[int, int]]:
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The command's name is in parentheses and may itself hold any character.
                yield int(name), int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue


def kill_marked(entry: str) -> int:
    """Kill all processes that were started with ``entry`` in their environment; return how many.

    For those whose supervisor is gone. A process can hide by starting another program with
    another environment; but what runs below a supervisor cannot end it.
    """
    mark = entry.encode() + b"\0"
    killed = 0
    for pid, _ in _parents():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                found = mark in file.read()
        except OSError:
            continue
        if found and pid != os.getpid():
            kill(pid)
            killed += 1
    return killed


def memory_and_threads(pids: Iterable[int]) -> tuple[int, int]:
    """Return the bytes of memory that belong to these processes alone, and their threads.

    Shared memory counts where it is mapped; pages of files that were merely read do not count.
    """
    memory = threads = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
                for line in file:
                    if line.startswith((b"RssAnon:", b"RssShmem:", b"VmSwap:")):
                        memory += int(line.split()[1]) * 1024
                    elif line.startswith(b"Threads:"):
                        threads += int(line.split()[1])
        except (OSError, ValueError, IndexError):
            continue
    return memory, threads


def available_memory() -> int | None:
    """Return the bytes of memory this machine can still give, or ``None`` if it does not say."""
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
