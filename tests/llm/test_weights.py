from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyst.llm import weights
from analyst.llm.catalogue import CATALOGUE, DEFAULT_MODEL, find_model
from analyst.llm.weights import PullProgress, list_models, locate, model_path, remove, verify
from analyst.llm.weights_errors import (
    UnknownModelError,
    WeightsMissingError,
    WrongWeightsError,
)
from analyst.llm.weights_pull import pull

from .weights_kit import CONTENT, ENTRY, FakeSource


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pulled() -> Path:
    return pull(ENTRY, sources=[FakeSource()]).path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed."""
    files: list[Path] = []
    original = weights.digest_of

    def counting(path, report):  # type: ignore[no-untyped-def]
        files.append(path)
        return original(path, report)

    monkeypatch.setattr(weights, "digest_of", counting)
    return files


def test_the_parts_of_each_catalogued_model_are_its_size() -> None:
    for entry in CATALOGUE:
        assert sum(part.bytes for part in entry.parts) == entry.bytes
        assert len({part.sha256 for part in entry.parts}) == len(entry.parts)


def test_models_are_found_by_name_and_title_and_others_are_told_the_names() -> None:
    assert find_model("Qwen2.5-Coder-1.5B-Instruct") is DEFAULT_MODEL
    with pytest.raises(UnknownModelError, match=DEFAULT_MODEL.name):
        find_model("gpt-7")


def test_a_model_that_was_not_pulled_is_said_with_the_command() -> None:
    for look in (locate, verify):
        with pytest.raises(WeightsMissingError, match="analyst model pull"):
            look(ENTRY)


def test_looking_a_checked_file_up_hashes_nothing(pulled: Path, hashed: list[Path]) -> None:
    assert locate(ENTRY) == pulled
    assert hashed == []


def test_verify_hashes_even_a_checked_file(pulled: Path, hashed: list[Path]) -> None:
    seen: list[PullProgress] = []
    assert verify(ENTRY, on_progress=seen.append) == pulled
    assert hashed == [pulled]
    assert seen[-1].stage == "checking"
    assert seen[-1].done == ENTRY.bytes


@pytest.mark.parametrize("change", ["content", "time", "replaced", "stamp"])
def test_a_file_that_changed_is_hashed_again(
    pulled: Path, hashed: list[Path], cache: Path, change: str
) -> None:
    if change == "content":
        pulled.write_bytes(CONTENT)
    elif change == "time":
        os.utime(pulled, (1, 1))
    elif change == "replaced":
        other = pulled.with_name("other")
        other.write_bytes(CONTENT)
        os.utime(other, ns=(pulled.stat().st_atime_ns, pulled.stat().st_mtime_ns))
        other.replace(pulled)
    else:
        (cache / "models" / ".tiny.gguf.verified").write_text("{")
    assert locate(ENTRY) == pulled
    assert hashed == [pulled]
    assert locate(ENTRY) == pulled
    assert hashed == [pulled]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!"], ids=["cut", "flipped"])
def test_a_damaged_file_is_refused_every_time(pulled: Path, content: bytes) -> None:
    pulled.write_bytes(content)
    for _ in range(2):
        with pytest.raises(WrongWeightsError, match="analyst model pull"):
            locate(ENTRY)
        with pytest.raises(WrongWeightsError, match="analyst model pull"):
            verify(ENTRY)


def test_a_cache_that_can_only_be_read_works(
    pulled: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    weights.stamp_path(ENTRY).unlink()
    monkeypatch.setattr(weights, "write_stamp", refuse)
    assert locate(ENTRY) == pulled
    assert hashed == [pulled]


def test_remove_deletes_all_that_a_pull_leaves(pulled: Path, cache: Path) -> None:
    weights.partial_path(ENTRY).write_bytes(b"left")
    assert remove(ENTRY) >= ENTRY.bytes
    assert [path.name for path in (cache / "models").iterdir()] == [".tiny.gguf.lock"]
    assert remove(ENTRY) == 0


def test_remove_without_a_cache_is_no_error() -> None:
    assert remove(ENTRY) == 0


def test_the_list_says_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CATALOGUE", (ENTRY,))

    def state() -> tuple[str, int]:
        (model,) = list_models()
        return model.state, model.bytes

    assert state() == ("absent", 0)
    partial = weights.partial_path(ENTRY)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"123")
    assert state() == ("partial", 3)
    model_path(ENTRY).write_bytes(b"1234")
    assert state() == ("wrong size", 4)
    model_path(ENTRY).write_bytes(CONTENT)
    assert state() == ("unverified", len(CONTENT))
    locate(ENTRY)
    assert state() == ("verified", len(CONTENT))
