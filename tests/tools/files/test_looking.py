"""Looking at files: what is told of them, in how much room, and how fast at worst."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.files import looking, walking
from analyst.tools.files.globs import Glob, Ignored, is_ignored
from analyst.tools.files.paths import PathError
from analyst.tools.files.texts import decoded
from analyst.tools.permissions import Permissions, Rule

from .calling import caller, git


async def test_lines_come_with_their_numbers(root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\nthree\n")
    call = caller(root)
    assert (await call.read("a.txt")).result.observation == (
        "a.txt, lines 1 to 3 of 3:\n1\tone\n2\ttwo\n3\tthree"
    )
    assert (await call.read("./a.txt", 2, 2)).result.observation == (
        "a.txt, lines 2 to 2 of 3:\n2\ttwo"
    )


async def test_a_long_file_is_read_in_parts(root: Path) -> None:
    (root / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 2001)))
    call = caller(root)
    first = (await call.read("long.txt")).result.observation
    assert first.startswith("long.txt, lines 1 to 300 of 2000:\n1\tline 1\n")
    assert first.endswith("300\tline 300\n… go on with first_line=301.")
    second = (await call.read("long.txt", 1999)).result.observation
    assert second == "long.txt, lines 1999 to 2000 of 2000:\n1999\tline 1999\n2000\tline 2000"
    assert "2000 lines only" in (await call.read("long.txt", 2001)).result.observation


async def test_what_is_read_is_never_more_than_fits(root: Path) -> None:
    (root / "wide.txt").write_text(("x" * 3000 + "\n") * 400)
    text = (await caller(root).read("wide.txt")).result.observation
    assert len(text) < looking.MOST_CHARACTERS + 1000
    assert "(2500 characters more)" in text


async def test_characters_that_would_not_be_seen_are_written_out(root: Path) -> None:
    (root / "a.txt").write_text("see\u202e this\x1b[31m\n", encoding="utf-8")
    text = (await caller(root).read("a.txt")).result.observation
    assert "see\\u202e this\\u001b[31m" in text


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("grün\n".encode(), "1\tgrün"),
        ("\ufeffgrün\n".encode(), "1\tgrün"),
        ("grün\r\nblau\r\n".encode("cp1252"), "cp1252:\n1\tgrün\n2\tblau"),
        ("\ufeffgrün\n".encode("utf-16-le"), "utf-16-le:\n1\tgrün"),
        (b"", "is empty."),
    ],
)
async def test_encodings_are_found_out(root: Path, data: bytes, shown: str) -> None:
    (root / "a.txt").write_bytes(data)
    assert (await caller(root).read("a.txt")).result.observation.endswith(shown)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0", b"a\0b", bytes(range(1, 256)) * 4, b"\xff\xfe\0\0a\0\0\0"]
)
async def test_binary_data_is_refused_in_a_sentence(root: Path, data: bytes) -> None:
    (root / "a.bin").write_bytes(data)
    result = (await caller(root).read("a.bin")).result
    assert result.status == "error"
    assert "is no text" in result.observation


async def test_a_huge_file_is_not_read(root: Path) -> None:
    with (root / "huge.txt").open("wb") as file:
        file.truncate(50 * 1024**3)
    began = time.monotonic()
    result = (await caller(root).read("huge.txt")).result
    assert "too large: 51200.0 MiB, 5 at most" in result.observation
    assert await caller(root).found("x") == "Nothing was found."
    assert time.monotonic() - began < 5


async def test_a_search_tells_where(root: Path) -> None:
    (root / "src" / "other.py").write_text("import os\n\nHELLO = 'Hello'\nhello = HELLO\n")
    call = caller(root)
    assert (
        await call.found("hello") == "src/main.py:1: print('hello')\nsrc/other.py:4: hello = HELLO"
    )
    assert await call.found("^HELLO", kind="regex") == "src/other.py:3: HELLO = 'Hello'"
    assert await call.found("hello", ignore_case=True, path="src/other.py") == (
        "src/other.py:3: HELLO = 'Hello'\nsrc/other.py:4: hello = HELLO"
    )
    assert await call.found("(", glob="main.*") == "src/main.py:1: print('hello')"
    assert "no regular expression" in await call.found("(", kind="regex")
    assert await call.found("h", glob="*.txt") == "Nothing was found."


async def test_a_search_that_would_never_end_is_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_SEARCH_SECONDS", 0.3)
    (root / "a.txt").write_text("a" * 5000 + "b")
    began = time.monotonic()
    text = await caller(root).found(r"(?:a|aa|a*)+$", kind="regex")
    assert "too long" in text or text == "Nothing was found."
    assert time.monotonic() - began < 5


async def test_a_search_finds_no_more_than_fits(root: Path) -> None:
    for number in range(30):
        (root / f"{number}.txt").write_text("word\n" * 1000)
    lines = (await caller(root).found("word")).split("\n")
    assert len(lines) == 101
    assert lines[-1] == "… and more; search more narrowly."
    assert lines[20] == "0.txt: … and more in this file"


async def test_environments_and_caches_are_not_listed(root: Path) -> None:
    for name in ("env/pyvenv.cfg", "node_modules/x.js", "src/__pycache__/a.pyc", ".venv/a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    assert await caller(root).listed() == "src/main.py  15 bytes"


async def test_a_walk_without_end_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_SEEN", 10)
    for number in range(20):
        (root / f"{number}.txt").write_text("x")
    assert "too many files" in await caller(root).listed(glob="1*")
    deep = root / "deep"
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "x.txt").write_text("x")
    monkeypatch.setattr(walking, "MOST_SEEN", 1000)
    assert "deep" not in await caller(root).listed()


_GITIGNORE = """\
# a comment
*.log
!keep.log
/top.txt
out/
docs/*.html
**/cache
a/**/z.txt
\\#odd
sp\\ ace.txt
[ab].tmp
build/**
  spaced.txt
!src/important.log
"""
_IGNORED = [
    "x.log", "keep.log", "sub/x.log", "top.txt", "sub/top.txt", "out/x", "sub/out/x", "docs/a.html",
    "docs/sub/a.html", "cache/x", "deep/er/cache/x", "a/z.txt", "a/b/z.txt", "a/b/c/z.txt",
    "b/z.txt", "#odd", "sp ace.txt", "a.tmp", "c.tmp", "build/x", "  spaced.txt", "spaced.txt",
    "src/important.log", "src/only.txt", "src/deeper/only.txt", "src/all/x.py", "src/all/y.txt",
]  # fmt: skip


async def test_gitignore_means_what_git_says(root: Path) -> None:
    (root / ".gitignore").write_text(_GITIGNORE)
    (root / "src" / ".gitignore").write_text("/only.txt\nall/*\n!all/x.py\n")
    for name in _IGNORED:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    git(root, "init", "-q")
    known = git(root, "ls-files", "-z", "--others", "--exclude-standard")
    listed = [line.rpartition("  ")[0] for line in (await caller(root).listed()).split("\n")]
    assert sorted(listed) == sorted(filter(None, known.split("\0")))
    assert "src/all/y.txt" not in await caller(root).listed("src/all")


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    glob = Glob("/".join(["**", "*a*a*a*a*a*b"] * 20))
    assert not glob.matches(("a" * 200,) * 40)
    ignored = Ignored("**/**/**/x\n" * 2000)
    assert not is_ignored([((), ignored)], ("a",) * 40, is_folder=False)
    assert time.monotonic() - began < 3


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=8), max_size=5).map(tuple))
def test_any_pattern_can_be_asked(pattern: str, parts: tuple[str, ...]) -> None:
    Glob(pattern).matches(parts)
    Ignored(pattern).says(parts, is_folder=False)


@given(st.binary(max_size=200))
def test_text_goes_back_as_it_came(data: bytes) -> None:
    try:
        text = decoded(data, "a file")
    except PathError:
        return
    assert text.encoded(text.text) == data


@given(st.text(max_size=100), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
def test_text_in_any_encoding_goes_back_as_it_came(text: str, encoding: str) -> None:
    if re.search("[\ud800-\udfff]", text):
        return
    data = f"\ufeff{text}".encode(encoding)
    try:
        found = decoded(data, "a file")
    except PathError:
        assert "\0" in text
        return
    assert found.encoded(found.text) == data


@pytest.mark.parametrize("pattern", ["private/*", "*.csv", "private"])
async def test_a_rule_holds_for_the_folders_in_which_its_files_lie(
    pattern: str, root: Path
) -> None:
    (root / "private").mkdir()
    (root / "private" / "s.csv").write_text("SECRET,1\n")
    call = caller(root)
    permissions = Permissions(
        rules=[Rule(tool="*", decision="deny", where={"path": pattern}, source="your rules")]
    )

    async def verdict(tool: str, **arguments: object) -> str:
        prepared = await call.prepare(tool, **arguments)
        risk = call.registry.get(tool).judge(prepared.arguments)
        return permissions.judge(tool, prepared.arguments, risk).verdict

    read = {"first_line": None, "last_line": None}
    search = {"pattern": "SECRET", "glob": None, "kind": None, "ignore_case": None}
    for path in ("", "private", "./private/", None, "private/s.csv"):
        assert await verdict("search_files", path=path, **search) == "deny"
        assert await verdict("list_files", path=path, glob=None) == "deny"
    assert await verdict("read_file", path="private/s.csv", **read) == "deny"
    # What cannot hold such a file is as free as before.
    assert await verdict("read_file", path="src/main.py", **read) == "allow"
    assert await verdict("search_files", path="src/main.py", **search) == "allow"
    if not pattern.startswith("*"):
        assert await verdict("search_files", path="src", **search) == "allow"


async def test_a_folder_is_walked_however_its_path_ends(root: Path) -> None:
    call = caller(root)
    assert (await call.prepare("list_files", path="src", glob=None)).arguments["path"] == "src/"
    assert await call.listed("src") == await call.listed("src/") == await call.listed("./src")
