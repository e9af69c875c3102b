"""Whether the documents that an answer cites are as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.session.cited_documents import hold

GIVEN = "2026-01-02T00:00:00+00:00"
BEFORE, AFTER = 1_767_200_000, 1_767_400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, time in (("old.md", BEFORE), ("new.md", AFTER), ("a, b.pdf", BEFORE)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time, time))
    return tmp_path


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ("Nothing is cited, but [F3].", True),
        ("It rose [K1: old.md, Asia].", True),
        ("It rose [K1: old.md].", True),
        ("It rose [K1: a, b.pdf, p. 3].", True),
        ("It rose [K1: old.md, Asia] [K2: new.md, p. 1].", False),
        ("It rose [K1: gone.md, p. 1].", False),
        ("It rose [K1: ../old.md, p. 1].", False),
        ("It rose [K1: \0, p. 1].", False),
    ],
)
def test_documents_hold_while_they_are_there_and_no_newer(
    folder: Path, answer: str, *, holds: bool
) -> None:
    assert hold(answer, GIVEN, [folder / "nowhere", folder]) is holds


def test_without_a_time_nothing_holds(folder: Path) -> None:
    assert not hold("[K1: old.md, Asia]", "yesterday", [folder])


@given(st.text(), st.text())
def test_no_text_breaks_it(source: str, created_at: str) -> None:
    assert hold(f"[K1: {source}]", created_at, [Path("/nowhere")]) in (True, False)
    assert hold(f"[K1: {source}]", GIVEN, [Path("/nowhere")]) in (True, False)
