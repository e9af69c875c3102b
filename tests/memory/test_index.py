"""The index follows the store, whoever writes, and is made anew whenever it is in doubt."""

from __future__ import annotations

import builtins
import json
import os

import numpy as np
import pytest

from analyst.memory.embedding import Embedder, WordLlamaEmbedder, make_embedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.index import FindingIndex
from analyst.memory.store import FindingStore

QUESTIONS = (
    "What is the mean price?",
    "How many orders came from Spain?",
    "Which month had the least rain?",
    "Is age related to income?",
)


class CountingEmbedder(WordLlamaEmbedder):
    def __init__(self):
        super().__init__()
        self.embedded = 0

    def embed(self, texts):
        self.embedded += len(texts)
        return super().embed(texts)


@pytest.fixture
def filled(store, finding):
    for question in QUESTIONS:
        store.save(finding(question))
    return store


def make_index(store, tmp_path, embedder: Embedder | None = None) -> FindingIndex:
    return FindingIndex(store, embedder or WordLlamaEmbedder(), tmp_path / "index")


def best(index, question="average price"):
    found = index.search(question, 2)
    return found[0][0] if found else None


def test_the_nearest_comes_first(filled, tmp_path):
    index = make_index(filled, tmp_path)
    assert best(index) == 1
    assert best(index, "rainfall by month") == 3
    assert best(index, "link between income and age") == 4
    number, likeness = index.search(QUESTIONS[1], 1)[0]
    assert number == 2
    assert likeness == pytest.approx(1, abs=1e-2)


def test_an_empty_store_has_nothing_near(store, tmp_path):
    assert make_index(store, tmp_path).search("anything", 3) == []


def test_what_others_save_and_delete_is_taken_in(filled, finding, tmp_path):
    index = make_index(filled, tmp_path)
    assert best(index) == 1
    other = FindingStore.in_directory(tmp_path)
    new = other.save(finding("What is the average price?"), supersedes=[1])
    assert best(index) == new.number
    assert len(index) == 4
    other.delete([new.number])
    assert best(index) == 1
    other.close()


def test_a_snapshot_is_read_and_only_what_is_new_is_embedded(filled, finding, tmp_path):
    first = make_index(filled, tmp_path, CountingEmbedder())
    first.search("x", 1)
    first.write()
    filled.save(finding("What is the sum of the prices?"))
    embedder = CountingEmbedder()
    again = make_index(filled, tmp_path, embedder)
    again.catch_up()
    assert len(again) == 5
    assert embedder.embedded == 1
    assert best(again, "sum of prices") == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(os.urandom(path.stat().st_size)),
        lambda path: path.write_bytes(b""),
    ],
    ids=["missing", "torn", "random", "empty"],
)
@pytest.mark.parametrize("which", ["*.vectors", "snapshot.json"])
def test_a_damaged_index_is_made_anew(filled, tmp_path, damage, which):
    make_index(filled, tmp_path).rebuild()
    (path,) = (tmp_path / "index").rglob(which)
    damage(path)
    index = make_index(filled, tmp_path)
    assert best(index) == 1
    assert len(index) == 4


def test_a_header_that_lies_is_not_believed(filled, tmp_path):
    make_index(filled, tmp_path).rebuild()
    (path,) = (tmp_path / "index").rglob("snapshot.json")
    header = json.loads(path.read_bytes())
    for change in (
        {"file": "../../findings.sqlite"},
        {"revision": 10**9},
        {"count": 3},
        {"embedding": "another"},
        {"format": 99},
        {"library": "pickle"},
        {"more": 1},
    ):
        path.write_text(json.dumps(header | change))
        index = make_index(filled, tmp_path)
        assert best(index) == 1
        assert len(index) == 4


def test_what_is_deleted_is_in_no_file_of_the_index(filled, tmp_path):
    index = make_index(filled, tmp_path)
    index.rebuild()
    (tmp_path / "index" / "of another embedding").mkdir()
    vector = np.asarray(WordLlamaEmbedder().embed([QUESTIONS[0]])[0], np.float16).tobytes()
    (path,) = (tmp_path / "index").rglob("*.vectors")
    assert vector in path.read_bytes()
    filled.delete([1])
    index.forget([1])
    files = [*(tmp_path / "index").rglob("*.vectors")]
    assert len(files) == 1
    assert vector not in files[0].read_bytes()
    assert best(index) != 1
    assert len([*(tmp_path / "index").iterdir()]) == 1


def test_what_is_deleted_goes_even_if_nothing_can_be_embedded(filled, finding, tmp_path):
    class FailingEmbedder(WordLlamaEmbedder):
        def embed(self, texts):
            raise EmbeddingError("nobody answers")

    make_index(filled, tmp_path).rebuild()
    vector = np.asarray(WordLlamaEmbedder().embed([QUESTIONS[0]])[0], np.float16).tobytes()
    filled.save(finding("What nobody can embed?"))
    filled.delete([1])
    failing = make_index(filled, tmp_path, FailingEmbedder())
    failing.forget([1])
    (path,) = (tmp_path / "index").rglob("*.vectors")
    assert vector not in path.read_bytes()
    assert len(make_index(filled, tmp_path)) == 0
    path.write_bytes(path.read_bytes()[:-20] + vector)
    make_index(filled, tmp_path, FailingEmbedder()).forget([1])
    assert not [*(tmp_path / "index").rglob("*.vectors")]


def test_how_many_are_not_embedded_yet(filled, finding, tmp_path):
    index = make_index(filled, tmp_path)
    assert (index.lacking(100), index.lacking(3)) == (4, 3)
    index.rebuild()
    filled.save(finding("What is the sum of the prices?"))
    again = make_index(filled, tmp_path)
    assert again.lacking(100) == 1
    again.catch_up()
    assert again.lacking(100) == 0


def test_without_faiss_the_search_is_exact_and_said_so(filled, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "faiss":
            raise ImportError("No module named 'faiss'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    index = make_index(filled, tmp_path)
    assert best(index) == 1
    assert "pip install faiss-cpu" in index.notice
    index.write()
    filled.delete([1])
    again = make_index(filled, tmp_path)
    assert best(again) != 1
    assert len(again) == 3
    monkeypatch.undo()
    assert best(make_index(filled, tmp_path)) != 1


def test_another_embedding_has_an_index_of_its_own(filled, tmp_path):
    class Reversed(WordLlamaEmbedder):
        name = "reversed"

        def embed(self, texts):
            return np.ascontiguousarray(super().embed(texts)[:, ::-1])

    assert best(make_index(filled, tmp_path)) == 1
    other = make_index(filled, tmp_path, Reversed())
    assert best(other) == 1
    other.write()
    make_index(filled, tmp_path).rebuild()
    assert len([*(tmp_path / "index").rglob("snapshot.json")]) == 2


def test_an_embedding_that_fails_is_a_sentence(filled, tmp_path):
    embedder = make_embedder("endpoint:some-model", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(EmbeddingError, match="embedding=wordllama"):
        make_index(filled, tmp_path, embedder).search("x", 1)
    for wrong in ("word2vec", "endpoint", "endpoint:"):
        with pytest.raises(EmbeddingError, match="it can be wordllama"):
            make_embedder(wrong)


def test_wordllama_leaves_logging_alone():
    import logging

    before = [*logging.getLogger().handlers], logging.getLogger().level
    assert WordLlamaEmbedder().embed(["a", ""]).shape == (2, 256)
    assert ([*logging.getLogger().handlers], logging.getLogger().level) == before
