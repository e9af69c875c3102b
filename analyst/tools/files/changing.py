"""Changing files of the workspace: first the diff, then the user's word, then that and no other.

Here: the tools write_file and edit_file. Preparing a call reads the file and makes the diff; what
runs holds the digest of what was read, and a file that is another by then is left as it is.
Deleting is not offered.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from analyst.tools.files.diffs import Diff, diff_of
from analyst.tools.files.folder import NOTHING, ChangedError, Folder, MissingError
from analyst.tools.files.paths import Parts, PathError, check_writable, parts_of, plainly, shown
from analyst.tools.files.texts import Text, decoded
from analyst.tools.registry import Prepared, Tool, ToolDefaults, ToolError, ToolItem
from analyst.tools.registry import ToolOutput as Output
from analyst.tools.registry import ToolResult as Result
from analyst.tools.risk import Risk

MOST_CHANGED = 1024 * 1024
"""Bytes of a file that is changed, before and after."""

BASE = "base"
"""Among the arguments that run: the digest of what the file held when its diff was made."""

_PATH = {"type": "string", "description": "The file, inside the workspace."}
_AGAIN = "The file could not be read when the change was prepared. Try again."
_RUN_BY_OTHERS = (
    "conftest.py", "setup.py", "setup.cfg", "pyproject.toml", "tox.ini", "noxfile.py", "*.pth",
    "sitecustomize.py", "usercustomize.py", "makefile", "justfile", "dockerfile*", "*.sh",
    "package.json", ".pre-commit-config.yaml", "*.yml", "*.yaml", ".vscode", ".idea", ".github",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A change to one file: ``base`` tells what it holds now, ``data`` is what it will hold."""

    parts: Parts
    base: str
    data: bytes
    diff: Diff


class _Changing(ToolDefaults):
    """What both tools have in common: all but how the new text comes from the old one."""

    pure = False

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @abstractmethod
    def _text_after(self, before: Text | None, arguments: Mapping[str, Any]) -> str:
        """Return the file's text after the change; raises :class:`ToolError`."""

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Make the diff; a call that cannot change anything is left to say so when it runs."""
        given = plainly(arguments)
        given.pop(BASE, None)
        try:
            change = await asyncio.to_thread(self._change, given)
        except ToolError:
            return Prepared(arguments=given)
        return Prepared(arguments={**given, BASE: change.base}, preview=change.diff.text)

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """See :class:`analyst.tools.registry.Tool`."""
        base = arguments.get(BASE)
        if base is None:
            return Risk("safe", "It cannot change anything and will be refused.")
        path = str(arguments.get("path", ""))
        does = "makes the new file" if base == NOTHING else "changes"
        words = f"It {does} {shown(path)} in {self._folder.root.name}; the diff shows how."
        names = [name.lower() for name in path.split("/")]
        if any(fnmatchcase(name, pattern) for name in names for pattern in _RUN_BY_OTHERS):
            words += " Other programs may run or obey what stands there."
        return Risk("risky", words)

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Make the change that was prepared; see :class:`analyst.tools.registry.Tool`."""
        try:
            change = await asyncio.to_thread(self._make_change, arguments)
        except ChangedError as error:
            yield Result(status="error", observation=str(error), computed=False)
            return
        except PathError as error:
            yield Result(status="refused", observation=str(error), computed=False)
            return
        except ToolError as error:
            yield Result(status="error", observation=str(error), computed=False)
            return
        data = {"text/plain": change.diff.text, "text/x-diff": change.diff.text}
        yield Output(output={"output_type": "display_data", "data": data, "metadata": {}})
        did = "Made" if change.base == NOTHING else "Changed"
        path = "/".join(change.parts)
        text = f"{did} {path} ({change.diff.figures})."
        yield Result(status="ok", observation=text, computed=False)

    def _make_change(self, arguments: Mapping[str, Any]) -> Change:
        change = self._change(arguments)
        base = arguments.get(BASE)
        if base is None:
            raise ToolError(_AGAIN)
        # Looked at here too, though replacing looks as well: the diff told must be this one.
        if change.base != base:
            raise ChangedError(
                f"{shown('/'.join(change.parts))} was changed by something else in the meantime, "
                "so it was left as it is. Read it again."
            )
        self._folder.replace(change.parts, change.data, base=base, most=MOST_CHANGED)
        return change

    def _change(self, arguments: Mapping[str, Any]) -> Change:
        path = str(arguments["path"])
        parts = parts_of(path)
        check_writable(parts)
        before: Text | None = None
        base = NOTHING
        try:
            content = self._folder.content(parts, most=MOST_CHANGED)
        except MissingError:
            self._check_can_be_made(parts)
        else:
            before, base = decoded(content.data, shown(path)), content.digest
        after = self._text_after(before, arguments)
        data = (before or Text("")).encoded(after)
        if len(data) > MOST_CHANGED:
            raise ToolError(f"That is too much for one file: {MOST_CHANGED // 1024} KiB at most.")
        if before is not None and after == before.text:
            raise ToolError(f"That changes nothing in {shown(path)}.")
        diff = diff_of("/".join(parts), None if before is None else before.text, after)
        return Change(parts, base, data, diff)

    def _check_can_be_made(self, parts: Parts) -> None:
        """Raise :class:`PathError` where a folder on the way is none, before anybody is asked."""
        for depth in range(1, len(parts)):
            try:
                with self._folder.opened(parts[:depth]):
                    pass
            except MissingError:
                return


class WriteFile(_Changing):
    """Makes a file, or writes one anew."""

    name = "write_file"
    description = (
        "Make a text file of the workspace, or replace all that stands in one; the user sees the "
        "diff and decides. To change a part of a file use edit_file."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "path": _PATH,
            "content": {
                "type": "string",
                "description": "All that the file shall hold.",
            },
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    }
    editable = "content"

    def _text_after(self, before: Text | None, arguments: Mapping[str, Any]) -> str:
        text = str(arguments["content"])
        if before is not None and before.newline is not None:
            text = text.replace("\r\n", "\n")
        return text


class EditFile(_Changing):
    """Replaces one piece of a file by another."""

    name = "edit_file"
    description = (
        "Replace a piece of a text file of the workspace by another; the user sees the diff and "
        "decides. The piece must stand in the file exactly once: give whole lines, and enough of "
        "them, without the numbers that read_file shows."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "path": _PATH,
            "old": {
                "type": "string",
                "description": "What stands there now; empty to make a file that is not there.",
            },
            "new": {
                "type": "string",
                "description": "What shall stand there.",
            },
        },
        "required": ["path", "old", "new"],
        "additionalProperties": False,
    }
    editable = "new"

    def _text_after(self, before: Text | None, arguments: Mapping[str, Any]) -> str:
        path, old, new = (str(arguments[name]) for name in ("path", "old", "new"))
        if before is None:
            if old:
                raise ToolError(f"There is no {shown(path)} in the workspace.")
            return new
        if before.newline is not None:
            old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
        if not old and before.text:
            raise ToolError(f"{shown(path)} is there already; give the piece of it to replace.")
        if not old:
            return new
        found = _places(before.text, old)
        if not found:
            raise ToolError(_not_found(before.text, old, path))
        if len(found) > 1:
            lines = ", ".join(str(before.text.count("\n", 0, one) + 1) for one in found[:5])
            raise ToolError(
                f"That piece stands in {shown(path)} more than once (lines {lines}); give more of "
                "the lines around the one that is meant."
            )
        start = found[0]
        return before.text[:start] + new + before.text[start + len(old) :]


def changing_tools(folder: Folder) -> list[Tool]:
    """Return the tools that change the files of a folder."""
    return [WriteFile(folder), EditFile(folder)]


def _places(text: str, piece: str) -> list[int]:
    """Return where a piece stands, overlapping places too."""
    found: list[int] = []
    place = text.find(piece)
    while place >= 0 and len(found) <= 5:
        found.append(place)
        place = text.find(piece, place + 1)
    return found


def _not_found(text: str, old: str, path: str) -> str:
    said = f"That piece does not stand in {shown(path)}"
    loose = [" ".join(line.split()) for line in old.strip().split("\n")]
    lines = [" ".join(line.split()) for line in text.split("\n")]
    for number in range(len(lines) - len(loose) + 1):
        if lines[number : number + len(loose)] == loose:
            return f"{said}, but does from line {number + 1} with other spaces. Read it again."
    return f"{said}. Read it again, and give it exactly, without line numbers."
