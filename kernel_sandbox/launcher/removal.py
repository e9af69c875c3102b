"""Removing directories that hostile code filled, and measuring them. Standard library only.

:func:`shutil.rmtree` recurses, so a few thousand directories in one another would defeat it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: str) -> None:
    """Remove a directory with all it holds, however deep; what resists is left.

    Nothing else may change it meanwhile. Links are removed, never followed.
    """
    try:
        root = os.open(path, _DIRECTORY)
    except OSError:
        return
    try:
        _empty(root)
    finally:
        os.close(root)
    with contextlib.suppress(OSError):
        os.rmdir(path)  # noqa: PTH106


def empty_tree(path: str) -> None:
    """Remove all that a directory holds; see :func:`remove_tree`."""
    with contextlib.suppress(OSError):
        root = os.open(path, _DIRECTORY)
        try:
            _empty(root)
        finally:
            os.close(root)


def _empty(root: int) -> None:
    """Lift every directory below to the top, so that nothing is ever deeper than two."""
    # Hostile code cannot have taken these names before.
    prefix, lifted = f".lifted-{os.urandom(8).hex()}", 0
    stuck: set[str] = set()
    while True:
        names = [name for name in _clear(root) if name not in stuck]
        if not names:
            return
        for name in names:
            try:
                folder = os.open(name, _DIRECTORY, dir_fd=root)
            except OSError:
                stuck.add(name)
                continue
            try:
                for inner in _clear(folder):
                    lifted += 1
                    try:
                        os.rename(inner, f"{prefix}-{lifted}", src_dir_fd=folder, dst_dir_fd=root)
                    except OSError:
                        stuck.add(name)
            finally:
                os.close(folder)
            try:
                os.rmdir(name, dir_fd=root)
            except OSError:
                stuck.add(name)


def _clear(folder: int) -> list[str]:
    """Remove what is no directory; return the names of those that are."""
    directories = []
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if is_directory:
            directories.append(name)
            with contextlib.suppress(OSError):
                os.chmod(name, 0o700, dir_fd=folder)
        else:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return directories


def size_of(paths: list[str], *, seconds: float, entries: int) -> tuple[int, int]:
    """Return the bytes on disk of all files below ``paths``, and how many entries there are.

    Stops counting after ``seconds``, or beyond ``entries``. Other processes may change the
    directories meanwhile, and may make paths too long to follow: these are not counted.
    """
    until = time.monotonic() + seconds
    total = count = 0
    queue = list(paths)
    while queue:
        try:
            with os.scandir(queue.pop()) as found:
                for entry in found:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        queue.append(entry.path)
                    with contextlib.suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                            total += status.st_blocks * 512
                    if count > entries or time.monotonic() > until:
                        return total, count
        except OSError:
            continue
    return total, count
