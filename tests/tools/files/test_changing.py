"""Changing files: the diff tells all, what runs is what was told, and nothing is lost by half."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.files.changing import BASE
from analyst.tools.files.diffs import diff_of
from analyst.tools.files.folder import NOTHING, ChangedError, Folder

from .calling import caller, names

MAIN = "src/main.py"


async def test_a_new_file_is_made_with_its_folders(root: Path) -> None:
    called = await caller(root).write("new/deep/er/a.py", "x = 1\n")
    assert (
        called.prepared.preview == "--- /dev/null\n+++ b/new/deep/er/a.py\n@@ -0,0 +1 @@\n+x = 1\n"
    )
    assert "makes the new file" in called.risk.words
    assert called.risk.level == "risky"
    assert called.result.observation == "Made new/deep/er/a.py (+1 -0 lines)."
    made = root / "new/deep/er/a.py"
    assert made.read_text() == "x = 1\n"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(made.stat().st_mode) == 0o666 & ~umask


async def test_preparing_alone_does_nothing(root: Path) -> None:
    call = caller(root)
    await call.prepare("write_file", path="new/a.py", content="x")
    await call.prepare("edit_file", path=MAIN, old="hello", new="bye")
    assert names(root) == ["main.py", "src"]
    assert (root / MAIN).read_text() == "print('hello')\n"


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o644, 0o664])
async def test_permissions_stay(root: Path, mode: int) -> None:
    (root / MAIN).chmod(mode)
    await caller(root).edit(MAIN, "hello", "bye")
    assert (root / MAIN).read_text() == "print('bye')\n"
    assert stat.S_IMODE((root / MAIN).stat().st_mode) == mode


async def test_a_piece_must_stand_there_once(root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\none\n  three\n")
    call = caller(root)
    assert (
        "more than once (lines 1, 3)" in (await call.edit("a.txt", "one", "1")).result.observation
    )
    assert "does not stand" in (await call.edit("a.txt", "four", "4")).result.observation
    loose = (await call.edit("a.txt", "one\nthree", "3")).result.observation
    assert "from line 3 with other spaces" in loose
    assert "changes nothing" in (await call.edit("a.txt", "two", "two")).result.observation
    assert "already" in (await call.edit("a.txt", "", "x")).result.observation
    assert "There is no" in (await call.edit("b.txt", "x", "y")).result.observation
    (root / "a.txt").write_text("aaa")
    assert "more than once" in (await call.edit("a.txt", "aa", "b")).result.observation


async def test_an_edit_without_a_piece_makes_a_file(root: Path) -> None:
    assert (await caller(root).edit("b.txt", "", "made\n")).result.status == "ok"
    assert (root / "b.txt").read_text() == "made\n"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\r\nb\r\n", "a\nb", "a\nc", b"a\r\nc\r\n"),
        (b"a\r\nb\n", "b", "c", b"a\r\nc\n"),
        ("grün\n".encode("cp1252"), "grün", "blüht", "blüht\n".encode("cp1252")),
        ("\ufeffa\n".encode(), "a", "b", "\ufeffb\n".encode()),
        ("\ufeffa\n".encode("utf-16-le"), "a", "bä", "\ufeffbä\n".encode("utf-16-le")),
        (b"no end", "no", "an", b"an end"),
    ],
)
async def test_a_file_stays_in_its_own_manner(
    root: Path, before: bytes, old: str, new: str, after: bytes
) -> None:
    (root / "a.txt").write_bytes(before)
    assert (await caller(root).edit("a.txt", old, new)).result.status == "ok"
    assert (root / "a.txt").read_bytes() == after


async def test_what_cannot_be_written_in_the_encoding_is_told(root: Path) -> None:
    (root / "a.txt").write_bytes("grün\n".encode("cp1252"))
    called = await caller(root).edit("a.txt", "grün", "漢")
    assert called.result.status == "refused"
    assert "cp1252" in called.result.observation


async def test_a_lone_surrogate_is_told(root: Path) -> None:
    assert (await caller(root).write("a.txt", "\ud800")).result.status == "refused"
    assert not (root / "a.txt").exists()


async def test_a_file_that_changed_is_left_alone(root: Path) -> None:
    call = caller(root)
    prepared = await call.prepare("edit_file", path=MAIN, old="hello", new="bye")
    (root / MAIN).write_text("print('hello')\nprint('mine')\n")
    called = await call.run("edit_file", prepared)
    assert called.result.status == "error"
    assert "in the meantime" in called.result.observation
    assert (root / MAIN).read_text() == "print('hello')\nprint('mine')\n"


async def test_a_file_that_came_or_went_is_left_so(root: Path) -> None:
    call = caller(root)
    new = await call.prepare("write_file", path="new.txt", content="agent's")
    (root / "new.txt").write_text("mine")
    assert (await call.run("write_file", new)).result.status == "error"
    assert (root / "new.txt").read_text() == "mine"
    old = await call.prepare("write_file", path="new.txt", content="agent's")
    (root / "new.txt").unlink()
    assert (await call.run("write_file", old)).result.status == "error"
    assert not (root / "new.txt").exists()


async def test_what_was_not_prepared_is_not_written(root: Path) -> None:
    call = caller(root)
    tool = call.registry.get("write_file")
    arguments = {"path": "a.txt", "content": "x"}
    assert tool.judge(arguments).level == "safe"
    (result,) = [item async for item in tool.run(arguments)]
    assert result.status == "error"  # type: ignore[union-attr]
    assert not (root / "a.txt").exists()


async def test_the_models_own_word_on_the_base_is_not_heard(root: Path) -> None:
    tool = caller(root).registry.get("write_file")
    prepared = await tool.prepare({"path": MAIN, "content": "x", BASE: NOTHING})
    assert len(prepared.arguments[BASE]) == 64


async def test_two_changes_at_once_do_not_undo_each_other(root: Path) -> None:
    call = caller(root)
    (root / "a.txt").write_text("0\n")
    prepared = [
        await call.prepare("write_file", path="a.txt", content=f"{number}\n")
        for number in range(1, 9)
    ]
    called = await asyncio.gather(*(call.run("write_file", one) for one in prepared))
    assert sum(one.result.status == "ok" for one in called) == 1
    assert names(root) == ["a.txt", "main.py", "src"]


async def test_a_failed_write_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    called = await caller(root).edit(MAIN, "hello", "bye")
    assert "No space left" in called.result.observation
    assert (root / MAIN).read_text() == "print('hello')\n"
    assert names(root / "src") == ["main.py"]


def test_a_file_system_without_hard_links_takes_new_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    folder = Folder(root)
    folder.replace(("a.txt",), b"new", base=NOTHING, most=100)
    assert (root / "a.txt").read_bytes() == b"new"
    with pytest.raises(ChangedError):
        folder.replace(("a.txt",), b"newer", base=NOTHING, most=100)


async def test_too_much_is_refused(root: Path) -> None:
    assert "too much" in (await caller(root).write("a.txt", "x" * 2_000_000)).result.observation
    (root / "big.txt").write_text("x" * 2_000_000)
    assert "too large" in (await caller(root).edit("big.txt", "y", "z")).result.observation


async def test_binary_files_are_not_written_over(root: Path) -> None:
    (root / "a.png").write_bytes(b"\x89PNG\0\0")
    assert (await caller(root).write("a.png", "text")).result.status == "refused"
    assert (root / "a.png").read_bytes() == b"\x89PNG\0\0"


async def test_what_others_run_is_said(root: Path) -> None:
    called = await caller(root).write(".github/workflows/ci.yml", "on: push\n")
    assert "Other programs may run" in called.risk.words
    assert "Other programs" not in (await caller(root).write("src/b.py", "x\n")).risk.words


async def test_the_path_that_is_judged_is_written_in_one_way(root: Path) -> None:
    call = caller(root)
    for path in ("./src//main.py", "src/./main.py", "src/main.py/"):
        prepared = await call.prepare("edit_file", path=path, old="hello", new="bye")
        assert prepared.arguments["path"] == MAIN
    read = await call.prepare("read_file", path="./src//main.py", first_line=None, last_line=None)
    assert read.arguments["path"] == MAIN


async def test_the_diff_hides_nothing(root: Path) -> None:
    called = await caller(root).write("a.py", "ok = 1\u202e\u2066 # \x1b[2K\rhidden\u200b\n")
    assert "+ok = 1\\u202e\\u2066 # \\u001b[2K\\u000dhidden\\u200b\n" in called.prepared.preview


_LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d e"]), max_size=25)


@given(_LINES, _LINES, st.booleans(), st.booleans())
def test_a_diff_leads_from_one_text_to_the_other(
    old: list[str], new: list[str], old_ends: bool, new_ends: bool
) -> None:
    before = "\n".join(old) + ("\n" if old and old_ends else "")
    after = "\n".join(new) + ("\n" if new and new_ends else "")
    diff = diff_of("a", before, after)
    assert _applied(diff.text, before) == after
    added = sum(line.startswith("+") for line in diff.text.split("\n")[2:])
    assert added == diff.added


def test_a_large_diff_is_made_in_time() -> None:
    before = "".join(f"{number % 7}\n" for number in range(40_000))
    after = "".join(f"{number % 5}\n" for number in range(40_000))
    began = time.monotonic()
    diff = diff_of("a", before, after)
    assert time.monotonic() - began < 5
    assert diff.added


def _applied(diff: str, text: str) -> str:
    """Apply a unified diff, independently of what made it."""
    source = re.findall(r"[^\n]*\n|[^\n]+", text)
    result: list[str] = []
    place, before = 0, ""
    for line in diff.split("\n")[2:]:
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? \+", line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            result += source[place:start]
            place = start
        elif line.startswith("\\"):
            # It speaks of the line before, which the source has without an end already.
            if before == "+":
                result[-1] = result[-1].removesuffix("\n")
        elif line.startswith(" "):
            result.append(source[place])
            assert source[place].removesuffix("\n") == line[1:]
            place += 1
        elif line.startswith("-"):
            assert source[place].removesuffix("\n") == line[1:]
            place += 1
        elif line.startswith("+"):
            result.append(f"{line[1:]}\n")
        before = line[:1]
    return "".join(result + source[place:])
