"""How much of a question a passage speaks of: whether it is told at all.

Similarity alone always finds something. Here each word of the question counts by how rare it is
in the documents, and by the nearest word of the passage; a word that no document has counts most.
Not here: where candidates come from (:mod:`analyst.tools.knowledge.library`).
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping, Sequence

import numpy as np

from analyst.memory.embedding import Embedder, Vectors

ENOUGH = 0.42
"""The share of a question that a passage must speak of; measured by ``benchmarks/knowledge.py``."""

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MOST_WORDS = 50_000
_NEAR = 0.45


class Relevance:
    """Compares questions and passages by their words; safe in any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    def of(
        self, words: Sequence[str], passages: Sequence[str], having: Mapping[str, int], count: int
    ) -> list[float]:
        """Return for each passage how much of the question it speaks of, 0 to 1.

        ``words``: those of the question that matter. ``having``: how many of all ``count``
        passages have them. Raises :class:`~analyst.memory.errors.EmbeddingError`.
        """
        if not words or not passages:
            return [0.0] * len(passages)
        texts = [sorted({word.lower() for word in _WORD.findall(text)}) for text in passages]
        with self._lock:
            self._learn({*words, *(word for text in texts for word in text)})
            asked = np.stack([self._known[word] for word in words])
            weights = np.asarray(
                [math.log(1 + count / (1 + having.get(word, 0))) for word in words], np.float32
            )
            return [self._spoken_of(words, asked, weights, text) for text in texts]

    def _spoken_of(
        self, words: Sequence[str], asked: Vectors, weights: Vectors, text: Sequence[str]
    ) -> float:
        if not text:
            return 0.0
        likeness = (asked @ np.stack([self._known[word] for word in text]).T).max(axis=1)
        there = frozenset(text)
        same = np.asarray([word in there for word in words])
        near = np.where(same, 1.0, np.where(likeness >= _NEAR, likeness, 0.0))
        return float((near * weights).sum() / max(float(weights.sum()), 1e-9))

    def _learn(self, words: set[str]) -> None:
        if len(self._known) > _MOST_WORDS:
            self._known.clear()
        if new := sorted(words - self._known.keys()):
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
