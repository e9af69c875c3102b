"""Which documents there are in the user's folders.

Links are not followed: in a cloned project one could lead to files that were never meant, and some
lead in circles. Not here: the reading.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analyst.tools.documents.reading import SUFFIXES

MOST_FILES = 20_000
MOST_BYTES = 50_000_000
"""Of one file."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env"})
_NOTED_LINKS = 3


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A document that may be read: its path, its name within its folder, size and time."""

    path: Path
    name: str
    size: int
    modified_ns: int

    @property
    def key(self) -> str:
        """The path as text that can be kept, also where it is none."""
        return str(self.path).encode("utf-8", "backslashreplace").decode()


@dataclass
class Survey:
    """What was found, by key; ``notes`` are sentences on what was left out."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def survey(folders: Sequence[Path]) -> Survey:
    """Look for documents; raises nothing."""
    found = Survey()
    links: list[str] = []
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            found.notes.append(f"{folder} is no folder that is there.")
            continue
        for file in _walk(folder.resolve(), found.notes, links):
            if len(found.files) >= MOST_FILES:
                found.notes.append(
                    f"There are more than {MOST_FILES} documents; the others are left out."
                )
                break
            found.files.setdefault(file.key, file)
    if links:
        named = ", ".join(links[:_NOTED_LINKS]) + (", …" if len(links) > _NOTED_LINKS else "")
        found.notes.append(
            f"Links are not followed: {named}. Configure the folder that they lead to."
        )
    return found


def _walk(folder: Path, notes: list[str], links: list[str]) -> Iterator[FoundFile]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            notes.append(f"{shown(_within(here, folder))} cannot be looked into: {error.strerror}.")
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _SKIPPED:
                continue
            path = Path(entry.path)
            is_document = path.suffix.lower() in SUFFIXES
            try:
                if entry.is_symlink():
                    if is_document or entry.is_dir():
                        links.append(shown(_within(path, folder)))
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif is_document:
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        name = shown(_within(path, folder))
                        yield FoundFile(path, name, about.st_size, about.st_mtime_ns)
            except OSError as error:
                # A circle of links, or gone a moment ago.
                notes.append(f"{shown(_within(path, folder))} is left out: {error.strerror}.")


def read_bytes(file: FoundFile) -> bytes:
    """Read a file that is still no link; raises :class:`OSError`."""
    descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(MOST_BYTES + 1)


def shown(name: str) -> str:
    """Return a name as it may stand in a citation or a sentence, whatever is in it."""
    plain = name.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() and c not in "[]" else "_" for c in plain)[:200]


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path != folder else str(folder)
