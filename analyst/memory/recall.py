"""Recall: which findings matter for a question, and what may be done with each.

Nearest by embedding and by words, fused by reciprocal rank (Cormack, Clarke and Büttcher, 2009),
then gated by the data: a value is only ever offered as known for the very data it was computed on.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analyst.memory.affinity import Affinity, ask_the_same, columns_in, may_ask_the_same
from analyst.memory.errors import EmbeddingError
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.store import FindingStore
from analyst.memory.wording import wording

FUSION_CONSTANT = 60
"""The k of reciprocal rank fusion; its authors' value."""

CANDIDATES = 50
"""How many are looked at by each way of search."""

ON_DATA, ON_SOURCE = 200, 50
"""How many of the newest on the data at hand, and on what it was before, are looked at too."""


class Outcome(enum.Enum):
    """What a recalled finding is good for."""

    KNOWN = "known"
    """Surely the same question, on the same data: its values hold."""

    LIKELY = "likely"
    """Perhaps the same question, on the same data; who reads both can tell."""

    RELATED = "related"
    """Another question on the same data: its values hold, for that question."""

    STALE = "stale"
    """The data changed since: its values must be computed again."""

    RECIPE = "recipe"
    """Other data: its code shows how, its values mean nothing here."""


SAME_DATA = frozenset({Outcome.KNOWN, Outcome.LIKELY, Outcome.RELATED})


@dataclass(frozen=True, slots=True)
class Recalled:
    """A finding that matters for a question; ``nearness``: of the questions, about 0 to 1.4."""

    finding: Finding
    outcome: Outcome
    nearness: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The nearness from which a finding is recalled; measured in ``benchmarks/recall``."""

    same_data: float = 0.67
    other_data: float = 0.92


class Nearest(Protocol):
    """An index: that of one embedding, or whichever serves."""

    @property
    def notice(self) -> str | None:
        """A sentence for the user, once there is something to say."""

    def search(self, question: str, count: int) -> list[tuple[int, float]]:
        """Return numbers of findings with their cosine; raises :class:`EmbeddingError`."""


class Recall:
    """Finds what is known. Methods block and raise what the store raises.

    ``index``: where similar questions are found, ``None`` for by words only. ``affinity``
    compares words; ``None`` leaves the order to the fusion, and recalls the surely same only.
    """

    def __init__(
        self,
        store: FindingStore,
        index: Nearest | None,
        affinity: Affinity | None,
        *,
        thresholds: Thresholds | None = None,
        full_text: bool = True,
    ) -> None:
        self._store = store
        self._index = index
        self._affinity = affinity
        self._thresholds = thresholds or Thresholds()
        self._full_text = full_text
        self._trouble: str | None = None

    @property
    def notice(self) -> str | None:
        """A sentence for the user, while there is something to say."""
        return self._trouble or (None if self._index is None else self._index.notice)

    def recall(
        self,
        question: str,
        data: Sequence[DataFingerprint],
        *,
        project: str | None = None,
        count: int = 3,
    ) -> list[Recalled]:
        """Return up to ``count`` findings that matter, best first; none where nothing does."""
        self._trouble = None
        numbers = dict.fromkeys(
            [
                *self._fused(question, project),
                *self._store.on_data(data, limit=ON_DATA),
                *self._store.on_source(data, limit=ON_SOURCE),
            ]
        )
        found = []
        for finding in self._store.get_many([*numbers]):
            if finding.superseded_by is not None or project not in (None, finding.project):
                continue
            judged = self._judge(finding, question, data)
            if judged is not None:
                found.append(judged)
        found.sort(key=lambda one: (_ORDER[one.outcome], -one.nearness, -(one.finding.number or 0)))
        return found[:count]

    def _judge(
        self, finding: Finding, question: str, data: Sequence[DataFingerprint]
    ) -> Recalled | None:
        """Say what a finding is good for, ``None`` if for nothing."""
        columns = tuple(name for one in finding.data for name, _ in one.columns)
        asked, known = wording(question, columns), wording(finding.question, columns)
        used = columns_in(finding.code, columns)
        relation = _relation(finding, data)
        limit = self._thresholds.same_data
        if relation is _Relation.SAME and not finding.builds_on_more:
            if ask_the_same(asked, known):
                return Recalled(finding, Outcome.KNOWN, _SURE)
            outcome = Outcome.RELATED
            if may_ask_the_same(asked, known, used):
                outcome = Outcome.LIKELY
        elif relation is _Relation.CHANGED:
            outcome = Outcome.STALE
            if ask_the_same(asked, known):
                return Recalled(finding, outcome, _SURE)
        else:
            outcome, limit = Outcome.RECIPE, self._thresholds.other_data
        if self._affinity is None:
            return None
        try:
            nearness = self._affinity.of(asked, known, used)
        except EmbeddingError as error:
            self._trouble = str(error)
            return None
        return Recalled(finding, outcome, nearness) if nearness >= limit else None

    def attached(self, numbers: Sequence[int], data: Sequence[DataFingerprint]) -> list[Recalled]:
        """Return findings that the user named, with what each is good for; unknown ones not."""
        outcomes = {_Relation.SAME: Outcome.RELATED, _Relation.CHANGED: Outcome.STALE}
        return [
            Recalled(one, outcomes.get(_relation(one, data), Outcome.RECIPE), 0.0)
            for one in self._store.get_many(numbers)
        ]

    def search(
        self, question: str, *, project: str | None = None, count: int = 20
    ) -> list[tuple[Finding, float]]:
        """Return findings like some words, best first, whatever data they are of."""
        ranked = self._fused(question, project)
        found = self._store.get_many([*ranked])
        return [(one, ranked[one.number or 0]) for one in found][:count]

    def _fused(self, question: str, project: str | None) -> dict[int, float]:
        """Return scores by number, best first."""
        near: list[tuple[int, float]] = []
        if self._index is not None:
            try:
                near = self._index.search(question, CANDIDATES)
            except EmbeddingError as error:
                self._trouble = str(error)
        by_words: list[int] = []
        if self._full_text:
            by_words = self._store.search_text(question, project=project, limit=CANDIDATES)
        return fused([number for number, _ in near], by_words)


def fused(*rankings: Sequence[int]) -> dict[int, float]:
    """Return scores by number, best first, of rankings of numbers that begin with the best."""
    scores: dict[int, float] = {}
    for numbers in rankings:
        for rank, number in enumerate(numbers, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION_CONSTANT + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


_SURE = 2.0
_ORDER = {
    Outcome.KNOWN: 0,
    Outcome.LIKELY: 1,
    Outcome.STALE: 1,
    Outcome.RELATED: 1,
    Outcome.RECIPE: 2,
}


class _Relation(enum.Enum):
    SAME = enum.auto()
    CHANGED = enum.auto()
    OTHER = enum.auto()


def _relation(finding: Finding, data: Sequence[DataFingerprint]) -> _Relation:
    """Say how the data at hand relates to that of a finding."""
    contents = {one.content for one in data}
    if finding.data and all(one.content in contents for one in finding.data):
        return _Relation.SAME
    if finding.data and all(
        one.content in contents or any(one.is_source_of(other) for other in data)
        for one in finding.data
    ):
        return _Relation.CHANGED
    return _Relation.OTHER
