"""Stores in directories of their own, and short forms of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analyst.memory import serving
from analyst.memory.errors import EmbeddingError
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.serving import ServingIndex
from analyst.memory.store import FindingStore

from .embedders import COUNT, WORDS, embedding_threads

COLUMNS = (("region", "str"), ("price", "float64"), ("quantity", "int64"))


def make_data(name: str = "sales", content: str = "c1", **fields: Any) -> DataFingerprint:
    return DataFingerprint(
        **{"name": name, "kind": "frame", "content": content, "columns": COLUMNS} | fields
    )


def make_finding(
    question: str = "What is the mean price?", answer: str = "4.5", **fields: Any
) -> Finding:
    known: dict[str, Any] = {"code": "print(sales.price.mean())", "data": (make_data(),)}
    return Finding(question=question, answer=answer, **known | fields)


@pytest.fixture
def finding() -> Callable[..., Finding]:
    return make_finding


@pytest.fixture
def data() -> Callable[..., DataFingerprint]:
    return make_data


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FindingStore]:
    store = FindingStore.in_directory(tmp_path)
    yield store
    store.close()


@pytest.fixture
def few(monkeypatch):
    """Let more than twenty be many."""
    monkeypatch.setattr(serving, "AT_ONCE", 20)


@pytest.fixture
def many(store):
    for number in range(COUNT):
        store.save(make_finding(f"What is the mean of column {number}?"))
    return store


@pytest.fixture
def opened(tmp_path):
    """Return what opens an index of an embedder, after others or not, and closes it."""
    all_opened = []

    def open_index(store, embedder, *others, retry_seconds=60.0):
        known = {one.name: one for one in (embedder, *others)} | {"wordllama": WORDS}

        def make(setting):
            if setting not in known:
                raise EmbeddingError(f"{setting} is not known")
            return known[setting]

        setting = "wordllama" if embedder is WORDS else embedder.name
        index = ServingIndex(
            store, setting, tmp_path / "index", make=make, retry_seconds=retry_seconds
        )
        all_opened.append(index)
        return index

    yield open_index
    for index in all_opened:
        index.close()
    assert not embedding_threads()
