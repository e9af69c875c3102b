"""All files of the workspace that its owner would call theirs.

Left out are what .gitignore files name, environments and caches, and names that are not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyst.tools.files.folder import Entry, Folder
from analyst.tools.files.globs import Ignored, is_ignored
from analyst.tools.files.paths import MOST_PARTS, SKIPPED, Parts, PathError

MOST_SEEN = 50_000
"""Files and folders that are looked at; the walk ends there."""

_GITIGNORE = ".gitignore"
_ENVIRONMENT = "pyvenv.cfg"
_MOST_RULES_BYTES = 64 * 1024

_Rules = tuple[tuple[Parts, Ignored], ...]


@dataclass(frozen=True, slots=True)
class File:
    """A plain file; ``size`` in bytes."""

    parts: Parts
    size: int
    mode: int

    @property
    def path(self) -> str:
        """The path inside the workspace."""
        return "/".join(self.parts)


@dataclass
class Walk:
    """A walk from a folder down; ``complete`` tells afterwards whether all was seen.

    ``heeds_gitignore``: whether what .gitignore files name is left out.
    """

    folder: Folder
    heeds_gitignore: bool = True
    complete: bool = True
    _seen: int = 0

    def files(self, start: Parts = ()) -> Iterator[File]:
        """Yield the files below a folder, by name; raises :class:`PathError` for no folder."""
        entries = self.folder.entries(start)
        rules: _Rules = ()
        for depth in range(len(start)):
            rules = self._with_rules(start[:depth], rules)
        yield from self._below(start, entries, rules)

    def _below(self, at: Parts, entries: list[Entry], rules: _Rules) -> Iterator[File]:
        rules = self._with_rules(at, rules)
        for entry in entries:
            self._seen += 1
            if self._seen > MOST_SEEN:
                self.complete = False
                return
            parts = (*at, entry.name)
            if not entry.is_folder and not entry.is_file:
                continue
            if self.heeds_gitignore and is_ignored(rules, parts, is_folder=entry.is_folder):
                continue
            if entry.is_file:
                yield File(parts, entry.size, entry.mode)
            elif entry.name not in SKIPPED and len(parts) < MOST_PARTS:
                try:
                    inner = self.folder.entries(parts)
                except PathError:
                    # Gone, or closed to us.
                    continue
                if not any(one.name == _ENVIRONMENT for one in inner):
                    yield from self._below(parts, inner, rules)

    def _with_rules(self, at: Parts, rules: _Rules) -> _Rules:
        if not self.heeds_gitignore:
            return rules
        try:
            content = self.folder.content((*at, _GITIGNORE), most=_MOST_RULES_BYTES)
        except PathError:
            return rules
        return (*rules, (at, Ignored(content.data.decode("utf-8", errors="replace"))))
