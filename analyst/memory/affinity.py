"""How near two questions are, and whether they may ask for the same.

Nearness: each word meets its best match in the other question, as in ColBERT (Khattab and
Zaharia, 2020), with static word embeddings. Of the known question the columns that its code uses
count too. Similar is not the same: "mean fare of women" is near "mean fare of men" in every
embedding. So a value is offered only where questions agree in operations, numbers, quoted words
and columns; and surely holds only where nothing else is left over either.
"""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Iterable

import numpy as np

from analyst.memory.embedding import Embedder, Vectors
from analyst.memory.wording import Wording, words_of_name

_MOST_WORDS, _MOST_KNOWN = 50_000, 5_000
_NUMBERS_WEIGHT = 0.2
_COLUMNS_WEIGHT = 0.2
_OPERATIONS_WEIGHT = 0.05
_UNDECIDED = 0.5


class Affinity:
    """Compares questions by their words; safe in any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, ...], Vectors] = {}
        self._of_word: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    def of(self, asked: Wording, known: Wording, code_columns: Iterable[str] = ()) -> float:
        """Return how near a known question is, about 0 to 1.4; ``code_columns``: of its code.

        Raises :class:`~analyst.memory.errors.EmbeddingError`.
        """
        code = frozenset(code_columns)
        words = asked.words()
        near = self._alike(words, known.words())
        more = [word for name in sorted(code - known.columns) for word in words_of_name(name)]
        if more:
            near = max(near, self._alike(words, (*known.words(), *more)))
        numbers = _UNDECIDED
        if asked.numbers or known.numbers:
            numbers = float(asked.numbers == known.numbers)
            if not (asked.numbers and known.numbers):
                numbers = _UNDECIDED
        columns = _UNDECIDED
        if asked.columns:
            columns = len(asked.columns & (known.columns | code)) / len(asked.columns)
        operations = _UNDECIDED
        if either := asked.operations | known.operations:
            operations = len(asked.operations & known.operations) / len(either)
        return (
            near
            + _NUMBERS_WEIGHT * numbers
            + _COLUMNS_WEIGHT * columns
            + _OPERATIONS_WEIGHT * operations
        )

    def _alike(self, first: tuple[str, ...], second: tuple[str, ...]) -> float:
        if not first or not second:
            return 0.0
        likeness = self._vectors(first) @ self._vectors(second).T
        mean = likeness.max(axis=1).sum() / len(first) + likeness.max(axis=0).sum() / len(second)
        return float(mean / 2)

    def _vectors(self, words: tuple[str, ...]) -> Vectors:
        with self._lock:
            found = self._known.get(words)
            if found is None:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                found = self._known[words] = np.stack([self._vector(word) for word in words])
            return found

    def _vector(self, word: str) -> Vectors:
        found = self._of_word.get(word)
        if found is None:
            if len(self._of_word) >= _MOST_WORDS:
                self._of_word.clear()
            found = self._of_word[word] = self._embedder.embed([word])[0]
        return found


def ask_the_same(asked: Wording, known: Wording) -> bool:
    """Tell whether two questions surely ask for the same: nothing in one is not in the other."""
    return asked == known


def may_ask_the_same(asked: Wording, known: Wording, code_columns: Iterable[str]) -> bool:
    """Tell whether they differ in nothing that is known to change a value."""
    return (
        asked.operations == known.operations
        and asked.numbers == known.numbers
        and asked.quoted == known.quoted
        and asked.columns <= known.columns | frozenset(code_columns)
        and known.columns <= asked.columns
    )


@functools.lru_cache(maxsize=20_000)
def columns_in(code: str, columns: tuple[str, ...]) -> frozenset[str]:
    """Return which columns some code names, as an attribute or a text."""
    names = frozenset(columns)
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return names & found
