"""What serves while an embedding fails, is another's, or is made ready by several at once."""

from __future__ import annotations

import time

import pytest

from analyst.memory import serving
from analyst.memory.embedding import EndpointEmbedder
from analyst.memory.memory import Memory, MemoryPlace, OpenMemory
from analyst.memory.serving import ServingIndex
from analyst.memory.store import FindingStore

from .embedders import (
    COUNT,
    WORDS,
    CountingEmbedder,
    FailingEmbedder,
    SlowEmbedder,
    best,
    embedding_threads,
    until,
)

pytestmark = pytest.mark.usefixtures("few")


def test_a_wait_for_the_next_try_ends_at_close(many, opened):
    index = opened(many, FailingEmbedder())
    index.search("x", 1)
    until(lambda: "Nobody answers" in (index.notice or ""))
    began = time.monotonic()
    index.close()
    assert time.monotonic() - began < 2
    assert not embedding_threads()


def test_an_embedding_that_fails_is_told_once_and_tried_again_later(many, opened):
    failing = FailingEmbedder()
    index = opened(many, failing, retry_seconds=0.3)
    assert best(index) == 7
    until(lambda: "Nobody answers" in (index.notice or ""))
    told = index.notice
    assert told == ("Nobody answers, call 1. Start it. Until that works, wordllama-256 serves.")
    until(lambda: failing.calls >= 2)
    calls = failing.calls
    for _ in range(10):
        assert best(index) == 7
    assert failing.calls <= calls + 1
    assert index.notice == told
    failing.down = False
    until(lambda: index.embedding == "counting")
    assert index.notice is None
    assert best(index) == 7


def test_the_time_between_tries_grows(many, opened):
    failing = FailingEmbedder()
    index = opened(many, failing, retry_seconds=0.1)
    index.search("x", 1)
    time.sleep(1.2)
    # At 0, 0.1, 0.3, 0.7 s; not every tenth of a second.
    assert 2 <= failing.calls <= 5


def test_few_are_embedded_at_once_and_failing_that_wordllama_serves(store, finding, opened):
    for number in range(10):
        store.save(finding(f"What is the mean of column {number}?"))
    index = opened(store, CountingEmbedder())
    assert best(index) == 7
    assert (index.embedding, index.notice) == ("counting", None)
    assert not embedding_threads()
    failing = FailingEmbedder("failing")
    index = opened(store, failing, retry_seconds=0.3)
    assert best(index) == 7
    assert failing.calls == 1
    assert index.embedding == WORDS.name
    assert "Nobody answers" in index.notice
    failing.down = False
    until(lambda: index.embedding == "failing")
    failing.down = True
    assert best(index) == 7
    assert index.embedding == WORDS.name
    assert "Nobody answers" in index.notice


def test_the_embedding_of_before_serves_unless_it_fails(many, opened):
    before = FailingEmbedder("before")
    before.down = False
    index = opened(many, before)
    index.search("x", 1)
    until(lambda: index.embedding == "before")
    assert best(index) == 7
    index.close()
    index = opened(many, SlowEmbedder(), before)
    assert best(index) == 7
    assert index.embedding == "before"
    index._embedder.let.release()
    before.down = True
    assert best(index) == 7
    assert index.embedding == WORDS.name
    index._embedder.let.release(10)


def test_an_embedding_of_the_same_setting_elsewhere_does_not_serve(many, opened):
    before = CountingEmbedder("before")
    index = opened(many, before)
    index.search("x", 1)
    until(lambda: index.embedding == "before")
    index.search("x", 1)
    index.close()
    known = {"before": CountingEmbedder("before at another address"), "wordllama": WORDS}
    slow = SlowEmbedder()
    index = ServingIndex(many, "slow", index._directory, make=(known | {"slow": slow}).get)
    assert best(index) == 7
    assert index.embedding == WORDS.name
    assert known["before"].calls == 0
    slow.let.release(10)
    index.close()


def test_two_at_once_do_the_work_once_and_both_end(many, opened, tmp_path):
    first, second = SlowEmbedder(), SlowEmbedder()
    other = FindingStore.in_directory(tmp_path)
    indexes = [opened(many, first), opened(other, second)]
    for index in indexes:
        index.search("x", 1)
    for embedder in (first, second):
        embedder.let.release(10)
    until(lambda: all(index.embedding == "slow" for index in indexes))
    assert first.embedded + second.embedded == COUNT
    assert [best(index) for index in indexes] == [7, 7]
    for index in indexes:
        index.close()
    other.close()


def test_two_without_locks_do_no_harm(many, opened, tmp_path, monkeypatch):
    def no_locks(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(serving, "FileLock", no_locks)
    other = FindingStore.in_directory(tmp_path)
    embedders = [CountingEmbedder("same"), CountingEmbedder("same")]
    indexes = [
        opened(store, embedder) for store, embedder in zip((many, other), embedders, strict=True)
    ]
    for index in indexes:
        index.search("x", 1)
    until(lambda: all(index.embedding == "same" for index in indexes))
    for index in indexes:
        assert len(index.search("column", 200)) == COUNT
        index.close()
    assert all(len(index._wanted) == COUNT for index in indexes)
    other.close()


async def test_a_session_is_told_once(tmp_path, finding, data, monkeypatch):
    slow = SlowEmbedder()
    monkeypatch.setattr("analyst.memory.memory.make_embedder", lambda *_, **__: slow)
    place = MemoryPlace(directory=tmp_path, embedding="fastembed")
    store = FindingStore.in_directory(tmp_path / "findings")
    for number in range(30):
        store.save(finding(f"What is the mean of column {number}?"))
    store.close()
    memory = Memory(place)
    told = []
    for _ in range(3):
        found = await memory.recall(
            "What is the mean of column 7?", [data()], project=None, tell=told.append
        )
        assert found[0].finding.number == 8
    assert told == ["Findings are being embedded anew with slow; until then wordllama-256 serves."]
    slow.let.release(10)
    await memory.aclose()
    assert not embedding_threads()


def test_a_memory_can_be_opened_with_an_endpoint_that_is_down(tmp_path, finding, data):
    memory = OpenMemory(
        MemoryPlace(directory=tmp_path, embedding="endpoint:m", base_url="http://127.0.0.1:9/v1")
    )
    memory.save(finding(), {})
    assert memory.recall.search("average price")[0][0].number == 1
    assert memory.index.embedding == WORDS.name
    assert "Until that works, wordllama-256 serves" in memory.recall.notice
    assert isinstance(memory.index._embedder, EndpointEmbedder)
    memory.close()
    assert not embedding_threads()
