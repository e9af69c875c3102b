"""Another embedding is made ready in the background, and something serves all the while."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from analyst.memory import serving
from analyst.memory.embedding import EndpointEmbedder, WordLlamaEmbedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.memory import Memory, MemoryPlace, OpenMemory
from analyst.memory.serving import ServingIndex
from analyst.memory.store import FindingStore

COUNT = 100
WORDS = WordLlamaEmbedder()


class CountingEmbedder(WordLlamaEmbedder):
    """Counts what it embeds, apart from single questions."""

    def __init__(self, name="counting"):
        super().__init__()
        self.name = name
        self.embedded = 0
        self.calls = 0

    def embed(self, texts):
        self.calls += 1
        if len(texts) > 1:
            self.embedded += len(texts)
        return np.ascontiguousarray(WORDS.embed(texts)[:, ::-1])


class SlowEmbedder(CountingEmbedder):
    """Embeds a piece whenever it is let to."""

    def __init__(self, name="slow"):
        super().__init__(name)
        self.let = threading.Semaphore(0)

    def embed(self, texts):
        if len(texts) > 1:
            assert self.let.acquire(timeout=20)
        return super().embed(texts)


class FailingEmbedder(CountingEmbedder):
    """Fails while it is down."""

    down = True

    def embed(self, texts):
        found = super().embed(texts)
        if self.down:
            raise EmbeddingError(f"Nobody answers, call {self.calls}. Start it.")
        return found


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(serving, "AT_ONCE", 20)


@pytest.fixture
def filled(store, finding):
    for number in range(COUNT):
        store.save(finding(f"What is the mean of column {number}?"))
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


def embedding_threads():
    return [one for one in threading.enumerate() if one.name == "analyst-embed"]


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def best(index, number=7):
    return index.search(f"mean of column {number}", 1)[0][0] - 1


def embedded(store, name):
    return COUNT - len(store.vectors.missing(name))


def test_wordllama_serves_until_the_new_embedding_is_ready(filled, opened):
    slow = SlowEmbedder()
    index = opened(filled, slow)
    assert best(index) == 7
    assert index.embedding == WORDS.name
    assert index.notice == (
        "Findings are being embedded anew with slow; until then wordllama-256 serves."
    )
    slow.let.release()
    until(lambda: embedded(filled, "slow"))
    assert embedded(filled, "slow") < COUNT
    assert index.embedding == WORDS.name
    assert best(index, 8) == 8
    slow.let.release(10)
    until(lambda: index.embedding == "slow")
    assert index.notice is None
    calls = slow.calls
    assert best(index) == 7
    assert slow.calls == calls + 1
    assert slow.embedded == COUNT


def test_what_is_saved_and_deleted_meanwhile_is_known_to_both(filled, finding, opened, tmp_path):
    slow = SlowEmbedder()
    index = opened(filled, slow)
    index.search("x", 1)
    slow.let.release()
    until(lambda: embedded(filled, "slow"))
    new = filled.save(finding("Which harbour is the busiest?"))
    assert index.search("busiest harbour", 1)[0][0] == new.number
    filled.delete([1, COUNT])
    index.forget([1, COUNT])
    slow.let.release(10)
    until(lambda: index.embedding == "slow")
    assert index.search("busiest harbour", 1)[0][0] == new.number
    assert {number for number, _ in index.search("column", 200)} == {*range(2, COUNT), COUNT + 1}


def test_what_is_deleted_while_embedding_is_in_no_file(filled, opened, tmp_path, monkeypatch):
    slow = SlowEmbedder()
    index = opened(filled, slow)
    index.search("x", 1)
    slow.let.release(10)
    at_switch, go_on = threading.Event(), threading.Event()
    real = index._wanted.search

    def held(question, count):
        found = real(question, count)
        at_switch.set()
        assert go_on.wait(20)
        return found

    # The new index is made and written, and does not serve yet.
    monkeypatch.setattr(index._wanted, "search", held)
    assert at_switch.wait(20)
    asked = "What is the mean of column 0?"
    gone = [np.asarray(one.embed([asked])[0], "<f2").tobytes() for one in (WORDS, slow)]

    def in_files():
        files = [*(tmp_path / "index").rglob("*.vectors")]
        return any(vector in file.read_bytes() for file in files for vector in gone)

    assert in_files()
    filled.delete([1])
    index.forget([1])
    assert not in_files()
    go_on.set()
    until(lambda: index.embedding == "slow")
    index._wanted.write()
    assert not in_files()
    assert [*(tmp_path / "index").rglob("*.vectors")]


def test_after_a_close_it_goes_on_where_it_was(filled, opened):
    slow = SlowEmbedder()
    index = opened(filled, slow)
    index.search("x", 1)
    slow.let.release()
    until(lambda: embedded(filled, "slow"))
    slow.let.release()
    index.close()
    known = embedded(filled, "slow")
    assert 0 < known < COUNT
    again = CountingEmbedder("slow")
    index = opened(filled, again)
    index.search("x", 1)
    until(lambda: index.embedding == "slow")
    assert again.embedded == COUNT - known


def test_closing_while_it_embeds_leaves_no_thread(filled, opened):
    slow = SlowEmbedder()
    index = opened(filled, slow)
    index.search("x", 1)
    assert embedding_threads()
    threading.Timer(0.2, slow.let.release).start()
    began = time.monotonic()
    index.close()
    assert time.monotonic() - began < 4
    assert not embedding_threads()
    assert index.embedding == WORDS.name
    index.search("x", 1)
    assert not embedding_threads()


def test_a_wait_for_the_next_try_ends_at_close(filled, opened):
    index = opened(filled, FailingEmbedder())
    index.search("x", 1)
    until(lambda: "Nobody answers" in (index.notice or ""))
    began = time.monotonic()
    index.close()
    assert time.monotonic() - began < 2
    assert not embedding_threads()


def test_an_embedding_that_fails_is_told_once_and_tried_again_later(filled, opened):
    failing = FailingEmbedder()
    index = opened(filled, failing, retry_seconds=0.3)
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


def test_the_time_between_tries_grows(filled, opened):
    failing = FailingEmbedder()
    index = opened(filled, failing, retry_seconds=0.1)
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


def test_the_embedding_of_before_serves_unless_it_fails(filled, opened):
    before = FailingEmbedder("before")
    before.down = False
    index = opened(filled, before)
    index.search("x", 1)
    until(lambda: index.embedding == "before")
    assert best(index) == 7
    index.close()
    index = opened(filled, SlowEmbedder(), before)
    assert best(index) == 7
    assert index.embedding == "before"
    index._embedder.let.release()
    before.down = True
    assert best(index) == 7
    assert index.embedding == WORDS.name
    index._embedder.let.release(10)


def test_an_embedding_of_the_same_setting_elsewhere_does_not_serve(filled, opened):
    before = CountingEmbedder("before")
    index = opened(filled, before)
    index.search("x", 1)
    until(lambda: index.embedding == "before")
    index.search("x", 1)
    index.close()
    known = {"before": CountingEmbedder("before at another address"), "wordllama": WORDS}
    slow = SlowEmbedder()
    index = ServingIndex(filled, "slow", index._directory, make=(known | {"slow": slow}).get)
    assert best(index) == 7
    assert index.embedding == WORDS.name
    assert known["before"].calls == 0
    slow.let.release(10)
    index.close()


def test_wordllama_itself_is_made_ready_at_once_where_nothing_else_can_serve(filled, opened):
    index = opened(filled, WORDS)
    assert best(index) == 7
    assert (index.embedding, index.notice) == (WORDS.name, None)
    assert not embedding_threads()


def test_many_that_come_at_once_do_not_hold_up_an_answer(store, finding, opened):
    store.save(finding("What is the mean of column 0?"))
    slow = SlowEmbedder()
    index = opened(store, slow)
    assert best(index, 0) == 0
    assert index.embedding == "slow"
    for number in range(1, 50):
        store.save(finding(f"What is the mean of column {number}?"))
    assert best(index) == 7
    assert index.embedding == WORDS.name
    slow.let.release(10)
    until(lambda: index.embedding == "slow")
    assert best(index) == 7


def test_two_at_once_do_the_work_once_and_both_end(filled, opened, tmp_path):
    first, second = SlowEmbedder(), SlowEmbedder()
    other = FindingStore.in_directory(tmp_path)
    indexes = [opened(filled, first), opened(other, second)]
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


def test_two_without_locks_do_no_harm(filled, opened, tmp_path, monkeypatch):
    def no_locks(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(serving, "FileLock", no_locks)
    other = FindingStore.in_directory(tmp_path)
    embedders = [CountingEmbedder("same"), CountingEmbedder("same")]
    indexes = [
        opened(store, embedder) for store, embedder in zip((filled, other), embedders, strict=True)
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
