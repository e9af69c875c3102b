"""Embedders that count, wait or fail, and short forms of what their tests ask."""

from __future__ import annotations

import threading
import time

import numpy as np

from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.errors import EmbeddingError

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
