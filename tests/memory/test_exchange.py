"""Findings go to a file and come from one, whole; a database that broke gives what it can."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from analyst.memory.errors import ExchangeError, StoreError
from analyst.memory.exchange import export, import_file
from analyst.memory.finding import Output
from analyst.memory.repair import repair
from analyst.memory.store import FindingStore

BODY = b"<b>4.5</b>"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def exported(store, finding, tmp_path):
    store.save(finding(outputs=(Output(mime="text/html", digest=DIGEST),)), outputs={DIGEST: BODY})
    store.save(finding("Which region sells most?", tags=("board",)))
    path = tmp_path / "findings.jsonl"
    assert export(store, [1, 2], path) == 2
    return path


def test_findings_come_back_as_they_were(store, exported, tmp_path):
    other = FindingStore.in_directory(tmp_path / "other")
    assert import_file(other, exported) == (2, 0)
    assert import_file(other, exported) == (0, 2)
    for number in (1, 2):
        assert other.get(number) == store.get(number)
    assert other.output(DIGEST) == BODY
    assert other.search_text("board", limit=3) == [2]
    other.close()


def test_nothing_is_overwritten(store, exported):
    with pytest.raises(ExchangeError, match="exists already"):
        export(store, [1], exported)
    with pytest.raises(ExchangeError, match="could not be written"):
        export(store, [1], exported / "below")


def test_a_file_that_is_none_is_refused_before_anything_is_saved(store, exported, tmp_path):
    lines = exported.read_text().splitlines()
    entry = json.loads(lines[1])
    wrong = [
        "",
        "{}",
        "not json",
        lines[1],
        f"{lines[0]}\n{lines[1]}\n[1]",
        f"{lines[0]}\n{lines[1]}\n{{}}",
        f"{lines[0]}\n{lines[1]}\n" + "[" * 100_000,
        "\n".join([lines[0], json.dumps(entry | {"outputs": {DIGEST: "AAAA"}})]),
        "\n".join([lines[0], json.dumps(entry | {"outputs": {DIGEST: "no base64!"}})]),
        "\n".join([lines[0], json.dumps(entry | {"finding": {"question": 3}})]),
    ]
    other = FindingStore.in_directory(tmp_path / "other")
    path = tmp_path / "wrong.jsonl"
    for text in wrong:
        path.write_text(text)
        with pytest.raises(ExchangeError, match=r"wrong\.jsonl"):
            import_file(other, path)
    with pytest.raises(ExchangeError, match="cannot be read"):
        import_file(other, tmp_path / "nothing.jsonl")
    assert other.count() == 0
    other.close()


def test_what_can_be_read_of_a_damaged_database_is_saved(tmp_path, finding):
    store = FindingStore.in_directory(tmp_path)
    for number in range(400):
        store.save(finding(f"Question {number} {'x' * 500}"))
    store.close()
    path = tmp_path / "findings.sqlite"
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 20_000] = os.urandom(20_000)
    path.write_bytes(damaged)
    saved, kept = repair(path)
    assert 100 < saved <= 400
    assert kept.read_bytes() == damaged
    again = FindingStore.in_directory(tmp_path)
    assert again.count() == saved
    assert all(f"Question {one.number - 1} " in one.question for one in again.all())
    assert again.search_text("question", limit=3)
    again.close()
    with pytest.raises(StoreError, match="no database"):
        repair(tmp_path / "nothing.sqlite")
