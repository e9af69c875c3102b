"""Looking at the files of the workspace: what there is, and what stands in them.

Here: the tools list_files, read_file and search_files, which change nothing. Not here: how files
are found and opened (:mod:`.walking`, :mod:`.folder`).
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import regex

from analyst.tools.files.folder import Folder
from analyst.tools.files.globs import Glob
from analyst.tools.files.paths import PathError, parts_of, plainly, shown, visible
from analyst.tools.files.texts import NotTextError, decoded
from analyst.tools.files.walking import File, Walk
from analyst.tools.function_tool import FunctionTool
from analyst.tools.registry import Prepared, Tool, ToolError
from analyst.tools.risk import Risk

MOST_READ = 5 * 1024 * 1024
"""Bytes of a file that is read, or searched."""

MOST_LINES = 300
MOST_CHARACTERS = 12_000
"""What one call of read_file returns at most."""

_MOST_LISTED = 200
_MOST_FOUND = 100
_MOST_FOUND_IN_FILE = 20
_LONGEST_LINE = 500
_LONGEST_FOUND = 200
_LONGEST_PATTERN = 400
_SEARCH_SECONDS = 15.0

_LOOKS = Risk("safe", "It looks at files of the workspace and changes nothing.")


class LookingTool(FunctionTool):
    """A function that takes a path, which is put plainly before anybody judges the call."""

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """See :class:`analyst.tools.registry.Tool`."""
        return Prepared(arguments=plainly(arguments))


class WalkingTool(LookingTool):
    """One that looks at all that is below a path, if that is a folder.

    Such a path ends in a slash when the call is judged, since rules speak of what lies below.
    """

    def __init__(self, root: Path, function: Callable[..., Any], **more: Any) -> None:
        super().__init__(function, **more)
        self._root = root

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """See :class:`analyst.tools.registry.Tool`."""
        prepared = await super().prepare(arguments)
        path = prepared.arguments.get("path")
        if not isinstance(path, str) or not path or path.endswith("/"):
            return prepared
        # What is not there may be a folder by the time the call runs.
        if await asyncio.to_thread(_is_file, self._root / path):
            return prepared
        return Prepared(arguments={**prepared.arguments, "path": f"{path}/"})


class Looking:
    """Reads files of one folder. Every method raises :class:`ToolError`."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def list_files(self, path: str = "", glob: str | None = None) -> str:
        """List the files of the workspace, with their sizes.

        What .gitignore names is left out, and so are environments and caches.

        Args:
            path: A folder inside the workspace; empty for all of it.
            glob: Only files that fit, as *.py or src/**/*.csv.

        """
        walk = Walk(self._folder)
        found = list(islice(self._files(walk, path, glob), _MOST_LISTED + 1))
        lines = [f"{one.path}  {_size(one.size)}" for one in found[:_MOST_LISTED]]
        if len(found) > _MOST_LISTED:
            lines.append("… and more; name a folder or a glob.")
        elif not walk.complete:
            lines.append("There are too many files to look at all; name a folder.")
        return "\n".join(lines) or "There are no such files."

    def read_file(
        self,
        path: str,
        first_line: int = 1,
        last_line: int | None = None,
    ) -> str:
        """Read a text file of the workspace; each line comes after its number and a tab.

        Args:
            path: The file, inside the workspace.
            first_line: The line to begin with.
            last_line: The line to end with; as many as fit, if there is none.

        """
        content = self._folder.content(parts_of(path), most=MOST_READ)
        text = decoded(content.data, shown(path))
        lines = text.lines
        if not lines:
            return f"{path} is empty."
        first_line = max(1, first_line)
        if first_line > len(lines):
            raise ToolError(f"{shown(path)} has {len(lines)} lines only.")
        wanted = min(max(last_line or len(lines), first_line), len(lines))
        last = min(wanted, first_line + MOST_LINES - 1)
        shown_lines: list[str] = []
        room = MOST_CHARACTERS
        for number, line in enumerate(lines[first_line - 1 : last], first_line):
            numbered = f"{number}\t{_cut(line, _LONGEST_LINE)}"
            room -= len(numbered) + 1
            if room < 0 and shown_lines:
                break
            shown_lines.append(numbered)
        end = first_line + len(shown_lines) - 1
        head = f"{path}, lines {first_line} to {end} of {len(lines)}"
        if text.encoding != "utf-8":
            head += f", {text.encoding}"
        if end < wanted:
            shown_lines.append(f"… go on with first_line={end + 1}.")
        return "\n".join([f"{head}:", *shown_lines])

    def search_files(
        self,
        pattern: str,
        path: str = "",
        glob: str | None = None,
        kind: Literal["text", "regex"] = "text",
        ignore_case: bool = False,  # noqa: FBT001, FBT002 - a model names its arguments
    ) -> str:
        """Search the text files of the workspace; give path, number and text of lines that fit.

        Args:
            pattern: What to search for.
            path: A folder or file inside the workspace; empty for all of it.
            glob: Only in files that fit, as *.py or src/**/*.csv.
            kind: Whether the pattern is plain text or a regular expression.
            ignore_case: Whether capitals make no difference.

        """
        if not 0 < len(pattern) <= _LONGEST_PATTERN:
            raise ToolError(f"A pattern has 1 to {_LONGEST_PATTERN} characters.")
        try:
            searched = regex.compile(
                pattern if kind == "regex" else regex.escape(pattern),
                regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0),
            )
        except (regex.error, RecursionError, OverflowError, MemoryError) as error:
            raise ToolError(f"That is no regular expression: {error}.") from None
        walk = Walk(self._folder)
        ends = monotonic() + _SEARCH_SECONDS
        lines: list[str] = []
        more = False
        try:
            for file in self._files(walk, path, glob):
                found = self._found(file, searched, ends)
                lines += found
                more = len(lines) > _MOST_FOUND
                if more:
                    break
        except TimeoutError:
            lines = lines[:_MOST_FOUND]
            lines.append("The search took too long and was ended; search less, or more simply.")
        if more:
            lines[_MOST_FOUND:] = ["… and more; search more narrowly."]
        elif not walk.complete:
            lines.append("There are too many files to search all; name a folder.")
        return "\n".join(lines) or "Nothing was found."

    def _files(self, walk: Walk, path: str, glob: str | None) -> Iterator[File]:
        parts = parts_of(path)
        fits = Glob(glob) if glob else None
        try:
            files = walk.files(parts)
            for file in files:
                if fits is None or fits.matches(file.parts):
                    yield file
        except PathError:
            if not parts:
                raise
            # Perhaps it is one file; if not, this says what it is.
            content = self._folder.content(parts, most=MOST_READ)
            yield File(parts, len(content.data), content.mode)

    def _found(self, file: File, searched: regex.Pattern[str], ends: float) -> list[str]:
        if monotonic() > ends:
            raise TimeoutError
        try:
            text = decoded(self._folder.content(file.parts, most=MOST_READ).data, "").text
        except (PathError, NotTextError):
            return []
        lines: list[str] = []
        number, counted, last = 1, 0, 0
        matches = searched.finditer(text, timeout=max(0.01, ends - monotonic()), concurrent=True)
        for match in matches:
            number += text.count("\n", counted, match.start())
            counted = match.start()
            if number == last or (match.start() == len(text) and text.endswith("\n")):
                continue
            last = number
            start = text.rfind("\n", 0, counted) + 1
            end = text.find("\n", counted)
            line = text[start : end if end >= 0 else len(text)]
            lines.append(f"{file.path}:{number}: {_around(line, counted - start)}")
            if len(lines) > _MOST_FOUND_IN_FILE:
                lines[-1] = f"{file.path}: … and more in this file"
                break
        return lines


def looking_tools(folder: Folder) -> list[Tool]:
    """Return the tools that look at the files of a folder."""
    looking = Looking(folder)
    about: dict[str, Any] = {"pure": True, "cacheable": False, "judge": lambda _: _LOOKS}
    return [
        WalkingTool(folder.root, looking.list_files, **about),
        LookingTool(looking.read_file, **about),
        WalkingTool(folder.root, looking.search_files, **about),
    ]


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _cut(line: str, most: int) -> str:
    line = visible(line)
    return line if len(line) <= most else f"{line[:most]}… ({len(line) - most} characters more)"


def _around(line: str, place: int) -> str:
    """Return what of a line is around a place in it."""
    start = 0 if len(line) <= _LONGEST_FOUND else max(0, place - _LONGEST_FOUND // 4)
    return ("…" if start else "") + _cut(line[start:], _LONGEST_FOUND).strip()


def _size(size: int) -> str:
    if size < 10_000:
        return f"{size} bytes"
    return f"{size / 1024:.0f} KiB" if size < 10 * 1024 * 1024 else f"{size / 1024 / 1024:.0f} MiB"
