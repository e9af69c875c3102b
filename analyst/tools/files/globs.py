"""Patterns of file names, as in .gitignore, matched in time that no pattern can stretch.

``*`` and ``?`` stay within a name, ``**`` is any number of folders, and a pattern without a slash
fits a name at any depth. Here: one pattern, and the rules of .gitignore files.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyst.tools.files.paths import Parts

_LONGEST = 400
_MOST_RULES = 1000
_ANY_FOLDERS = None


class Glob:
    """A pattern; see the module."""

    def __init__(self, pattern: str) -> None:
        pattern = pattern[:_LONGEST]
        names = [name for name in pattern.split("/") if name not in ("", ".")]
        if "/" not in pattern.rstrip("/") and names != ["**"]:
            names.insert(0, "**")
        self._names = [_compiled(name) for name in names]

    def matches(self, parts: Parts) -> bool:
        """Tell whether the whole of a path fits."""
        # The places in the pattern that may have been reached: linear, whatever the pattern.
        places = self._onward({0})
        for part in parts:
            reached = set()
            for place in places:
                if place < len(self._names):
                    name = self._names[place]
                    if name is _ANY_FOLDERS:
                        reached.add(place)
                    elif name.match(part):
                        reached.add(place + 1)
            places = self._onward(reached)
        return len(self._names) in places

    def _onward(self, places: set[int]) -> set[int]:
        """Add what is reached where ``**`` stands for no folder at all."""
        found = set(places)
        for place in sorted(places):
            while place < len(self._names) and self._names[place] is _ANY_FOLDERS:
                place += 1  # noqa: PLW2901
                found.add(place)
        return found


@dataclass(frozen=True, slots=True)
class _Rule:
    glob: Glob
    folders_only: bool
    again: bool


class Ignored:
    """The rules of one .gitignore file; paths are those from its folder."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()[:_MOST_RULES]
        self._rules = [rule for line in lines if (rule := _rule(line)) is not None]

    def says(self, parts: Parts, *, is_folder: bool) -> bool | None:
        """Return whether a path is ignored, and None where no rule speaks of it."""
        for rule in reversed(self._rules):
            if (is_folder or not rule.folders_only) and rule.glob.matches(parts):
                return not rule.again
        return None


def is_ignored(rules: Iterable[tuple[Parts, Ignored]], parts: Parts, *, is_folder: bool) -> bool:
    """Tell whether files that lie in folders above ignore a path; the nearest is asked first.

    ``rules`` are ordered from the top.
    """
    for folder, ignored in reversed([*rules]):
        said = ignored.says(parts[len(folder) :], is_folder=is_folder)
        if said is not None:
            return said
    return False


def _rule(line: str) -> _Rule | None:
    line = line.rstrip("\r\n")
    stripped = line.rstrip(" ")
    line = f"{stripped} " if stripped.endswith("\\") and stripped != line else stripped
    if not line or line.startswith("#"):
        return None
    again = line.startswith("!")
    line = line.removeprefix("!")
    if not line.strip("/"):
        return None
    return _Rule(Glob(line), line.endswith("/"), again)


def _compiled(name: str) -> re.Pattern[str] | None:
    if name == "**":
        return _ANY_FOLDERS
    # A backslash takes the meaning from what follows; a class in brackets does so for fnmatch.
    plain = re.sub(r"\\(.)", r"[\1]", name)
    try:
        return re.compile(fnmatch.translate(plain))
    except re.error:
        return re.compile(re.escape(name) + r"\Z")
