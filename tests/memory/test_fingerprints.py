"""Fingerprints of files: equal for equal content, new for every change, computed once."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from analyst.memory import fingerprints
from analyst.memory.fingerprints import FileFingerprints

NOW = time.time_ns


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """Return the names of the files that are hashed, as it happens."""
    names: list[str] = []
    real = hashlib.file_digest

    def counting(file, kind):
        names.append(os.path.basename(file.name))  # noqa: PTH119 - a name, not a path
        return real(file, kind)

    monkeypatch.setattr(fingerprints.hashlib, "file_digest", counting)
    return names


@pytest.fixture
def old_file(tmp_path):
    """Return a file whose last change is long ago for the code under test."""
    path = tmp_path / "data.csv"
    path.write_text("a\n1\n")
    return path


@pytest.fixture(autouse=True)
def later(monkeypatch):
    """Let hashing happen a minute after anything was written, and keep small files too."""
    monkeypatch.setattr(fingerprints.time, "time_ns", lambda: NOW() + 60_000_000_000)
    monkeypatch.setattr(fingerprints, "WORTH_KEEPING_BYTES", 1)


def test_a_file_that_is_the_same_is_hashed_once(old_file, hashed):
    known = FileFingerprints()
    assert known.of(old_file) == known.of(old_file)
    assert hashed == ["data.csv"]


def test_equal_content_has_an_equal_fingerprint_wherever_it_is(old_file, tmp_path):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(old_file.read_bytes())
    assert FileFingerprints().of(old_file) == FileFingerprints().of(copy)


def test_a_change_that_keeps_size_and_time_is_noticed(old_file):
    known = FileFingerprints()
    before, was = known.of(old_file), old_file.stat()
    old_file.write_text("a\n2\n")
    os.utime(old_file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert old_file.stat().st_mtime_ns == was.st_mtime_ns
    assert known.of(old_file) != before


def test_another_file_moved_to_its_place_is_noticed(old_file, tmp_path):
    known = FileFingerprints()
    before = known.of(old_file)
    other = tmp_path / "other.csv"
    other.write_text("a\n3\n")
    other.replace(old_file)
    assert known.of(old_file) != before


def test_a_file_that_changed_just_now_is_hashed_again(old_file, hashed, monkeypatch):
    monkeypatch.setattr(fingerprints.time, "time_ns", NOW)
    known = FileFingerprints()
    known.of(old_file)
    known.of(old_file)
    assert hashed == ["data.csv"] * 2


def test_other_sessions_find_what_was_hashed(old_file, tmp_path, hashed):
    kept = tmp_path / "kept" / "fingerprints.json"
    first = FileFingerprints(kept).of(old_file)
    assert FileFingerprints(kept).of(old_file) == first
    assert hashed == ["data.csv"]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_private_run_writes_no_path_down(old_file, tmp_path):
    kept = tmp_path / "kept" / "fingerprints.json"
    FileFingerprints(kept).of(old_file, keep=False)
    assert not kept.exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"x": 1}', '{"x": [["a"], "b"]}', '{"x": [[1, 2, 3, 4], "b"]}']
)
def test_what_is_kept_can_be_damaged(old_file, tmp_path, content):
    kept = tmp_path / "fingerprints.json"
    kept.write_text(content)
    assert FileFingerprints(kept).of(old_file) == FileFingerprints().of(old_file)
