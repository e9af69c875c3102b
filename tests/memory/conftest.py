"""Stores in directories of their own, and short forms of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.store import FindingStore

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
