"""The store of a team: a PostgreSQL server of this test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from analyst.memory.affinity import Affinity
from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.errors import StoreError
from analyst.memory.finding import Output
from analyst.memory.index import FindingIndex
from analyst.memory.recall import Outcome, Recall
from analyst.memory.store import FindingStore


@pytest.fixture(scope="module")
def server(start_postgresql) -> Iterator[str]:
    """Start a server and return the address of an empty database."""
    with start_postgresql() as address:
        yield address


@pytest.fixture
def team(server) -> Iterator[FindingStore]:
    store = FindingStore(server)
    yield store
    store.delete([one.number for one in store.all()])
    store.close()


def test_a_teams_store_does_what_a_users_does(team, server, finding, data, tmp_path):
    output = Output(mime="text/html", digest="d1")
    first = team.save(finding(outputs=(output,)), outputs={"d1": b"<b>4.5</b>"})
    other = FindingStore(server)
    assert other.get(first.number) == first
    assert other.output("d1") == b"<b>4.5</b>"
    words = WordLlamaEmbedder()
    index = FindingIndex(team, words, tmp_path / "index")
    recall = Recall(team, index, Affinity(words))
    found = recall.recall("Tell me the average price", [data()])
    assert [one.outcome for one in found] == [Outcome.KNOWN]
    second = other.save(finding("Which region sells most?", tags=("board",)))
    assert team.search_text("regions selling", limit=5) == [second.number]
    assert team.search_text("board", limit=5) == [second.number]
    assert {one.finding.number for one in recall.recall("Best selling region?", [data()])} == {
        second.number
    }
    third = other.save(finding(answer="5"), supersedes=[first.number])
    assert team.count() == 2
    other.pin(third.number)
    assert team.newest(1)[0].number == third.number
    other.delete([third.number])
    assert recall.recall("Average price?", [data()])[0].finding.number == first.number
    assert team.output("d1") is not None
    vectors = team.vectors.get(words.name, [first.number])[1]
    assert vectors.shape == (1, 256)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-3)
    other.close()


def test_odd_words_are_no_mistake_of_the_database(team, finding):
    team.save(finding("A question with 'quotes' & \"signs\" | ! () :* <->"))
    for odd in ("'", "a & b", "!x", "a:*", "(((", "\\", "x <-> y", "ß" * 300):
        team.search_text(odd, limit=5)


def test_a_server_that_is_not_there_is_a_sentence_without_a_password():
    with pytest.raises(StoreError, match="failed") as caught:
        FindingStore("postgresql+pg8000://someone:secret@127.0.0.1:9/findings")
    assert "secret" not in str(caught.value)


def test_two_may_put_the_same_vectors_while_some_are_deleted(team, finding):
    numbers = [team.save(finding(f"question {at}")).number for at in range(60)]
    url = team.database.url.render_as_string(hide_password=False)
    others = [FindingStore(url) for _ in range(3)]
    failed = []

    def put(store, order):
        try:
            for _ in range(5):
                store.vectors.put("some", numbers[::order], np.ones((60, 4), np.float32))
        except StoreError as error:
            failed.append(error)

    threads = [
        threading.Thread(target=put, args=(store, order))
        for store, order in zip(others, (1, -1, 1), strict=True)
    ]
    for thread in threads:
        thread.start()
    team.delete(numbers[:30])
    for thread in threads:
        thread.join()
    for store in others:
        store.close()
    assert failed == []
    assert sorted(team.vectors.get("some", numbers)[0]) == numbers[30:]
