"""A value is known for its own data only; anything else is a recipe, or is not recalled."""

from __future__ import annotations

import pytest

from analyst.memory.affinity import Affinity
from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.index import FindingIndex
from analyst.memory.recall import Outcome, Recall


@pytest.fixture
def recall(store, tmp_path):
    words = WordLlamaEmbedder()
    return Recall(store, FindingIndex(store, words, tmp_path / "index"), Affinity(words))


def outcomes(found):
    return [(one.finding.number, one.outcome) for one in found]


def test_the_same_question_on_the_same_data_is_known(store, recall, finding, data):
    store.save(finding())
    found = recall.recall("Tell me the average price", [data()])
    assert outcomes(found) == [(1, Outcome.KNOWN)]


def test_the_name_of_the_data_does_not_matter_its_content_does(store, recall, finding, data):
    store.save(finding())
    assert outcomes(recall.recall("Average price?", [data("df")])) == [(1, Outcome.KNOWN)]
    assert outcomes(recall.recall("Average price?", [data(content="c2")])) == [(1, Outcome.STALE)]
    elsewhere = data("orders", "c3")
    assert outcomes(recall.recall("Average price?", [elsewhere])) == [(1, Outcome.RECIPE)]
    assert outcomes(recall.recall("Average price?", [])) == [(1, Outcome.RECIPE)]


def test_a_frame_of_the_same_name_with_other_columns_is_other_data(store, recall, finding, data):
    store.save(finding())
    other = data(content="c2", columns=(("rain", "float64"),))
    assert outcomes(recall.recall("What is the mean price?", [other])) == [(1, Outcome.RECIPE)]


def test_files_are_told_by_their_path(store, recall, finding, data):
    file = {"kind": "file", "path": "/data/sales.csv"}
    store.save(finding(data=(data(**file),)))
    moved = data(kind="file", path="/other/sales.csv", content="c2")
    changed = data(content="c2", **file)
    assert outcomes(recall.recall("Average price?", [changed])) == [(1, Outcome.STALE)]
    assert outcomes(recall.recall("Average price?", [moved])) == [(1, Outcome.RECIPE)]


def test_all_data_of_a_finding_must_be_the_same(store, recall, finding, data):
    both = (data(), data("rates", "r1"))
    store.save(finding(data=both))
    assert outcomes(recall.recall("Average price?", both)) == [(1, Outcome.KNOWN)]
    changed = (data(), data("rates", "r2"))
    assert outcomes(recall.recall("Average price?", changed)) == [(1, Outcome.STALE)]
    assert outcomes(recall.recall("Average price?", [data()])) == [(1, Outcome.RECIPE)]


@pytest.mark.parametrize(
    "more",
    [{"setup": "x = 1"}, {"changed_data": True}, {"follow_up": True}, {"unrepeatable": True}],
)
def test_what_builds_on_more_is_never_known(store, recall, finding, data, more):
    store.save(finding(**more))
    assert outcomes(recall.recall("What is the mean price?", [data()])) == [(1, Outcome.RECIPE)]


def test_other_questions_on_the_data_are_related_or_not_recalled(store, recall, finding, data):
    store.save(finding())
    assert outcomes(recall.recall("Mean price in Asia?", [data()])) == [(1, Outcome.LIKELY)]
    assert outcomes(recall.recall("What is the median price?", [data()])) == [(1, Outcome.RELATED)]
    assert recall.recall("Who wrote this report?", [data()]) == []


def test_the_newest_of_several_comes_first_and_superseded_ones_not(store, recall, finding, data):
    store.save(finding())
    store.save(finding(answer="5"), supersedes=[1])
    store.save(finding(data=(data(content="c0"),)))
    found = recall.recall("What is the mean price?", [data()])
    assert outcomes(found) == [(2, Outcome.KNOWN), (3, Outcome.STALE)]


def test_a_project_recalls_its_own_only(store, recall, finding, data):
    store.save(finding(project="/a"))
    assert recall.recall("What is the mean price?", [data()], project="/b") == []
    assert len(recall.recall("What is the mean price?", [data()], project="/a")) == 1


def test_an_embedding_that_fails_leaves_words_and_is_told(store, finding, data, tmp_path):
    class Failing(WordLlamaEmbedder):
        name = "failing"

        def embed(self, texts):
            raise EmbeddingError("nobody answers")

    store.save(finding())
    recall = Recall(store, FindingIndex(store, Failing(), tmp_path / "index"), Affinity(Failing()))
    assert outcomes(recall.recall("What is the mean price?", [data()])) == [(1, Outcome.KNOWN)]
    assert recall.notice == "nobody answers"
    assert [one.number for one, _ in recall.search("price")] == [1]


def test_search_looks_through_everything(store, recall, finding):
    for number in range(30):
        store.save(finding(f"What is the mean of column {number}?"))
    store.save(finding("Which harbour is the busiest?"))
    found = recall.search("busy port", count=5)
    assert found[0][0].number == 31
    assert len(found) == 5
