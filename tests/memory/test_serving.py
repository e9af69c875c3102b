"""Another embedding is made ready in the background, and something serves all the while."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from .embedders import (
    COUNT,
    WORDS,
    CountingEmbedder,
    SlowEmbedder,
    best,
    embedded,
    embedding_threads,
    until,
)

pytestmark = pytest.mark.usefixtures("few")


def test_wordllama_serves_until_the_new_embedding_is_ready(many, opened):
    slow = SlowEmbedder()
    index = opened(many, slow)
    assert best(index) == 7
    assert index.embedding == WORDS.name
    assert index.notice == (
        "Findings are being embedded anew with slow; until then wordllama-256 serves."
    )
    slow.let.release()
    until(lambda: embedded(many, "slow"))
    assert embedded(many, "slow") < COUNT
    assert index.embedding == WORDS.name
    assert best(index, 8) == 8
    slow.let.release(10)
    until(lambda: index.embedding == "slow")
    assert index.notice is None
    calls = slow.calls
    assert best(index) == 7
    assert slow.calls == calls + 1
    assert slow.embedded == COUNT


def test_what_is_saved_and_deleted_meanwhile_is_known_to_both(many, finding, opened, tmp_path):
    slow = SlowEmbedder()
    index = opened(many, slow)
    index.search("x", 1)
    slow.let.release()
    until(lambda: embedded(many, "slow"))
    new = many.save(finding("Which harbour is the busiest?"))
    assert index.search("busiest harbour", 1)[0][0] == new.number
    many.delete([1, COUNT])
    index.forget([1, COUNT])
    slow.let.release(10)
    until(lambda: index.embedding == "slow")
    assert index.search("busiest harbour", 1)[0][0] == new.number
    assert {number for number, _ in index.search("column", 200)} == {*range(2, COUNT), COUNT + 1}


def test_what_is_deleted_while_embedding_is_in_no_file(many, opened, tmp_path, monkeypatch):
    slow = SlowEmbedder()
    index = opened(many, slow)
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
    many.delete([1])
    index.forget([1])
    assert not in_files()
    go_on.set()
    until(lambda: index.embedding == "slow")
    index._wanted.write()
    assert not in_files()
    assert [*(tmp_path / "index").rglob("*.vectors")]


def test_after_a_close_it_goes_on_where_it_was(many, opened):
    slow = SlowEmbedder()
    index = opened(many, slow)
    index.search("x", 1)
    slow.let.release()
    until(lambda: embedded(many, "slow"))
    slow.let.release()
    index.close()
    known = embedded(many, "slow")
    assert 0 < known < COUNT
    again = CountingEmbedder("slow")
    index = opened(many, again)
    index.search("x", 1)
    until(lambda: index.embedding == "slow")
    assert again.embedded == COUNT - known


def test_closing_while_it_embeds_leaves_no_thread(many, opened):
    slow = SlowEmbedder()
    index = opened(many, slow)
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


def test_wordllama_itself_is_made_ready_at_once_where_nothing_else_can_serve(many, opened):
    index = opened(many, WORDS)
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
