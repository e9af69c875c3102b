"""Paths that come from outside: always below the server's root directory, or refused.

A path is written with slashes and relative to the root, as in the rest of Jupyter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyst.frontends.server.errors import NotThereError, RefusedError

MOST_LISTED = 200
MOST_LOOKED_AT = 20_000
"""Directory entries that a listing goes through."""

_LONGEST = 1000


class Root:
    """The server's root directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()

    def inside(self, path: object) -> Path:
        """Return the place of ``path``, which need not exist; raises :class:`RefusedError`.

        Links are followed: what they lead to must be below the root too.
        """
        if not isinstance(path, str) or len(path) > _LONGEST or "\0" in path:
            raise RefusedError("A path is a text of at most 1000 characters.")
        try:
            place = (self.directory / path.strip("/")).resolve()
        except (OSError, RuntimeError, ValueError):
            raise RefusedError("There can be no file at that path; choose another.") from None
        if not place.is_relative_to(self.directory):
            raise RefusedError("The path leads out of the server's root directory; choose another.")
        return place

    def file(self, path: object) -> Path:
        """Return an existing file; raises :class:`RefusedError`."""
        place = self.inside(path)
        try:
            if place.is_file():
                return place
        except OSError:
            pass
        raise NotThereError(f"There is no file {path} any more; choose another.")

    def folder(self, path: object) -> Path:
        """Return an existing directory; raises :class:`RefusedError`."""
        place = self.inside(path)
        try:
            if place.is_dir():
                return place
        except OSError:
            pass
        raise NotThereError(f"There is no directory {path or '/'} any more; choose another.")

    def told(self, place: Path) -> str:
        """Return the path of a place as the front end knows it."""
        return place.relative_to(self.directory).as_posix()

    def data_files(self, prefix: str, endings: tuple[str, ...]) -> list[dict[str, Any]]:
        """List data files whose path or name begins with ``prefix``, shortest paths first."""
        prefix = prefix.strip().lstrip("/").lower()
        found = []
        for path, entry in self._entries():
            name = entry.name.lower()
            if not name.endswith(endings):
                continue
            if not (path.lower().startswith(prefix) or name.startswith(prefix)):
                continue
            try:
                status = entry.stat()
            except OSError:
                continue
            changed = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(
                {
                    "path": path,
                    "bytes": status.st_size,
                    "changed_at": changed.isoformat(timespec="seconds"),
                }
            )
            if len(found) == MOST_LISTED:
                break
        return found

    def _entries(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield files, those of a directory before those further down; hidden ones left out."""
        folders, looked_at = [""], 0
        while folders:
            folder = folders.pop(0)
            try:
                with os.scandir(self.directory / folder) as entries:
                    ordered = sorted(entries, key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in ordered:
                looked_at += 1
                if looked_at > MOST_LOOKED_AT:
                    return
                if entry.name.startswith(".") or entry.name in _NOT_LOOKED_INTO:
                    continue
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path, entry
                except OSError:
                    continue


_NOT_LOOKED_INTO = {"node_modules", "__pycache__", "site-packages"}


def free_place(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    """Yield names in a folder until one is free: ``stem``, then ``stem_2``, and so on.

    Whoever takes one creates it exclusively, and asks for the next where that fails.
    """
    yield folder / f"{stem}{ending}"
    for number in range(2, 10_000):
        yield folder / f"{stem}_{number}{ending}"
    raise RefusedError(f"There are too many files called {stem} in {folder.name}; delete some.")
