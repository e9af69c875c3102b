"""Ways out of the workspace, and to keys in it: none is open, to read, to list or to write."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyst.tools.files.folder import NOTHING, Folder
from analyst.tools.files.paths import PathError, is_protected, parts_of, visible

from .calling import caller
from .conftest import SECRET

ESCAPES = [
    "..",
    "../outside/secret.txt",
    "src/../../outside/secret.txt",
    "./src/./../../outside/secret.txt",
    "src/../src/main.py/../../../outside/secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "link.txt",
    "relative.txt",
    "folder/secret.txt",
    "within/main.py",
    "loop",
    "loop/x",
    "process/environ",
    "process/cwd/work/src/main.py",
    "null",
    "dangling",
    "hard.txt",
    "pipe",
    "socket",
    ".git/config",
    ".GIT/config",
    ".Git/config",
    ".git /config",
    ".git./config",
    ".gi\u200ct/config",
    "\uff0egit/config",
    "git~1/config",
    "src/.git/config",
    "src/.git",
    ".ssh/config",
    ".env",
    ".ENV",
    ".env.local",
    "prod.env",
    "server.pem",
    "id_rsa",
    "credentials.json",
    "x\0y",
    "x\ny",
    "x\u202ey",
    "\ud800",
    "x" * 300,
    "x/" * 60,
    "x" * 5000,
    "",
    ".",
    "src",
    "src/main.py/more",
]


@pytest.mark.parametrize("path", ESCAPES)
async def test_no_way_out_reads(hostile: Path, path: str) -> None:
    called = await caller(hostile).read(path)
    assert called.result.status == "error"
    assert SECRET not in called.result.observation
    assert len(called.result.observation) < 600


@pytest.mark.parametrize("path", ESCAPES)
async def test_no_way_out_writes(hostile: Path, outside: Path, path: str) -> None:
    before = _everything(hostile.parent)
    call = caller(hostile)
    for called in (
        await call.write(path, "mine"),
        await call.edit(path, SECRET, "mine"),
        await call.edit(path, "", "mine"),
    ):
        assert called.result.status in ("refused", "error")
        assert not called.prepared.preview
        assert called.risk.level == "safe", "nobody is asked about what cannot be done"
    assert _everything(hostile.parent) == before
    assert (outside / "secret.txt").read_text() == SECRET


@pytest.mark.parametrize("path", [one for one in ESCAPES if one not in ("", ".", "src")])
async def test_no_way_out_is_listed_or_searched(hostile: Path, path: str) -> None:
    call = caller(hostile)
    assert (await call("list_files", path=path, glob=None)).result.status == "error"
    assert SECRET not in await call.found(SECRET, path=path)


async def test_a_search_of_all_finds_what_is_to_be_found_only(hostile: Path) -> None:
    call = caller(hostile)
    (hostile / "notes.txt").write_text(f"about {SECRET}\n")
    assert await call.found(SECRET) == f"notes.txt:1: about {SECRET}"
    assert (await call.listed()).split("\n") == ["notes.txt  22 bytes", "src/main.py  15 bytes"]


@pytest.mark.parametrize(
    "name",
    [".env.example", "environment.py", "git.py", "credentials.py", "keys.py", ".gitignore", "pem"],
)
def test_what_only_sounds_secret_is_open(name: str) -> None:
    assert not is_protected(name)


async def test_the_file_that_says_what_is_allowed_is_read_but_not_written(root: Path) -> None:
    (root / "analyst.toml").write_text("[[permissions]]\n")
    call = caller(root)
    assert "permissions" in (await call.read("analyst.toml")).result.observation
    for path in ("analyst.toml", "Analyst.TOML", "src/analyst.toml"):
        assert (await call.write(path, "")).result.status == "refused"
    with pytest.raises(PathError):
        Folder(root).replace(("analyst.toml",), b"", base=NOTHING, most=100)


_PIECES = st.sampled_from(
    ["..", ".", "", "src", "main.py", "folder", "link.txt", "secret.txt", "outside", ".git",
     "loop", "within", "hard.txt", "pipe", "~", "\\", "%2e%2e", "\uff0e\uff0e", "‥", "\0"]
)  # fmt: skip
_PATHS = st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=8).map("/".join))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=_PATHS)
def test_no_path_at_all_leads_outside(hostile: Path, path: str) -> None:
    folder = Folder(hostile)
    said = ""
    try:
        content = folder.content(parts_of(path), most=1000)
    except PathError as error:
        said = str(error)
    if said:
        assert len(said) < 800
        assert visible(said) == said
        return
    assert content.data != SECRET.encode()
    assert Path(os.path.realpath(hostile / path)).is_relative_to(hostile)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.one_of(_PIECES, st.text(max_size=10)), max_size=5).map(tuple))
def test_a_folder_does_not_trust_who_built_the_path(hostile: Path, parts: tuple[str, ...]) -> None:
    folder = Folder(hostile)
    try:
        content = folder.content(parts, most=1000)
    except (PathError, ValueError):
        return
    assert content.data != SECRET.encode()


def test_a_folder_swapped_for_a_link_leads_nowhere(root: Path, outside: Path) -> None:
    """A thread swaps what a path leads through while files are read and written."""
    folder = Folder(root)
    place, real, decoy = root / "place", root / "real", root / "decoy"
    place.mkdir()
    (place / "secret.txt").write_text("inside")
    decoy.symlink_to(outside)
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            place.rename(real)
            decoy.rename(place)
            place.rename(decoy)
            real.rename(place)

    thread = threading.Thread(target=swap)
    thread.start()
    read = written = 0
    try:
        for number in range(3000):
            try:
                content = folder.content(("place", "secret.txt"), most=100)
                assert content.data.startswith(b"inside")
                read += 1
                data = b"inside %d" % number
                folder.replace(("place", "secret.txt"), data, base=content.digest, most=100)
                written += 1
            except PathError:
                pass
    finally:
        ended.set()
        thread.join()
    assert read
    assert written
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("secret.txt", SECRET)]


def test_a_file_swapped_for_a_link_leads_nowhere(root: Path, outside: Path) -> None:
    folder = Folder(root)
    place, decoy = root / "place.txt", root / "decoy"
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            place.write_text("inside")
            decoy.unlink(missing_ok=True)
            decoy.symlink_to(outside / "secret.txt")
            decoy.replace(place)
            place.unlink()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(3000):
            try:
                content = folder.content(("place.txt",), most=100)
                assert SECRET.encode() not in content.data
                folder.replace(("place.txt",), b"mine", base=content.digest, most=100)
            except PathError:
                pass
    finally:
        ended.set()
        thread.join()
    assert (outside / "secret.txt").read_text() == SECRET


def _everything(top: Path) -> set[tuple[str, int]]:
    return {(str(path), path.lstat().st_mtime_ns) for path in top.rglob("*") if not path.is_dir()}
