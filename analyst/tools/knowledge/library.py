"""One set of folders, opened: kept up to date, and searched.

Here: store, index, and search put together, and made anew when damaged. Methods block. Not here:
the event loop (:mod:`analyst.tools.knowledge.desk`).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from analyst.memory import full_text
from analyst.memory.embedding import Embedder, WordLlamaEmbedder, make_embedder
from analyst.memory.errors import EmbeddingError, StoreDamagedError
from analyst.memory.recall import CANDIDATES, FUSION_CONSTANT, fused
from analyst.memory.serving import ServingIndex
from analyst.record.files import private_directory
from analyst.tools.knowledge.folders import shown
from analyst.tools.knowledge.relevance import ENOUGH, Relevance
from analyst.tools.knowledge.store import KnowledgeStore, KnownFile, StoredPassage
from analyst.tools.knowledge.updating import Progress, Updated, update

T = TypeVar("T")

_PATIENCE_SECONDS = 30
_OF_RANK = FUSION_CONSTANT / 2


@dataclass(frozen=True, slots=True)
class Embedding:
    """How passages are compared: the setting ``embedding``, and its endpoint."""

    setting: str = "wordllama"
    base_url: str | None = None
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that speaks of what was asked; ``relevance``: how much of it, 0 to 1."""

    number: int
    file: str
    place: str
    heading: str
    text: str
    relevance: float

    @property
    def citation(self) -> str:
        """How an answer names it: ``[K3: report.pdf, p. 12]``."""
        return f"[K{self.number}: {self.file}, {shown(self.place)}]"


class Library:
    """The documents of some folders. Safe in any thread, and for several processes at once.

    ``directory``: where its index is kept; other sets of folders have others. Raises
    :class:`~analyst.memory.errors.FindingsError`.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        directory: Path,
        embedding: Embedding | None = None,
        *,
        enough: float = ENOUGH,
    ) -> None:
        self.folders = tuple(dict.fromkeys(folder.expanduser().absolute() for folder in folders))
        key = "\n".join(sorted(map(str, self.folders)))
        self._place = directory / hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
        self._embedding = embedding or Embedding()
        self._enough = enough
        self._words = WordLlamaEmbedder()
        self._relevance = Relevance(self._words)
        self._lock = threading.RLock()
        self._opened: tuple[KnowledgeStore, ServingIndex] | None = None
        self.notice: str | None = None
        """A sentence for the user, while there is something to say."""

    def update(
        self,
        *,
        progress: Progress = lambda _done, _all: None,
        stopped: threading.Event | None = None,
        wait_seconds: float = 0,
    ) -> Updated | None:
        """Read what changed; ``None`` if another process is at it after ``wait_seconds``."""

        def work(store: KnowledgeStore, index: ServingIndex) -> Updated:
            done = update(store, self.folders, progress=progress, stopped=stopped)
            if done.changed:
                # Now, not while somebody waits for an answer.
                with contextlib.suppress(EmbeddingError):
                    index.search("warm up", 1)
            return done

        try:
            with self._alone("updating", wait_seconds):
                return self._with(work, renew=False)
        except Timeout:
            return None

    def search(self, query: str, limit: int = 5) -> list[Found]:
        """Return passages that speak of what is asked, best first; none if none does."""
        return self._with(lambda store, index: self._search(store, index, query, limit))

    def files(self) -> list[KnownFile]:
        """Return the files that were read, with what is wrong with them."""
        return self._with(lambda store, _index: [*store.files().values()])

    def count(self) -> int:
        """Return how many passages there are."""
        return self._with(lambda store, _index: store.count())

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._opened is not None:
                store, index = self._opened
                index.close()
                store.close()
                self._opened = None

    def _search(
        self, store: KnowledgeStore, index: ServingIndex, query: str, limit: int
    ) -> list[Found]:
        self.notice = None
        near: list[tuple[int, float]] = []
        try:
            near = index.search(query, CANDIDATES)
            self.notice = index.notice
        except EmbeddingError as error:
            self.notice = f"{error} Documents are searched by their words only."
        by_words = store.search_text(query, CANDIDATES)
        ranked = [*fused([number for number, _ in near], by_words)]
        passages = store.passages(ranked)
        judged = self._judged(store, query, passages)
        return [
            Found(
                one.number,
                one.file,
                one.passage.place,
                one.passage.heading,
                one.passage.text,
                relevance,
            )
            for one, relevance in judged
            if relevance >= self._enough
        ][:limit]

    def _judged(
        self, store: KnowledgeStore, query: str, passages: Sequence[StoredPassage]
    ) -> list[tuple[StoredPassage, float]]:
        """Return passages, given in the order of the fusion, best first with their relevance."""
        words = full_text.words_of(query)
        texts = [
            f"{one.file} {one.title} {one.passage.heading} {one.passage.text}" for one in passages
        ]
        relevance = self._relevance.of(words, texts, store.having(words), max(1, store.count()))
        # Passages come in the order of the fusion, which counts as much as half of the words.
        ranked = sorted(
            enumerate(zip(passages, relevance, strict=True)),
            key=lambda item: -(item[1][1] + _OF_RANK / (FUSION_CONSTANT + item[0])),
        )
        return [one for _, one in ranked]

    def _with(self, work: Callable[[KnowledgeStore, ServingIndex], T], *, renew: bool = True) -> T:
        """Do something with what is open; what is damaged is made anew, once."""
        try:
            return work(*self._open())
        except StoreDamagedError as error:
            self._start_anew(error)
            if renew:
                self.update(wait_seconds=_PATIENCE_SECONDS)
            return work(*self._open())

    def _open(self) -> tuple[KnowledgeStore, ServingIndex]:
        with self._lock:
            if self._opened is None:
                private_directory(self._place)
                store = KnowledgeStore(self._file)
                index = ServingIndex(
                    store,
                    self._embedding.setting,
                    self._place / "index",
                    make=self._make,
                    what="Documents",
                )
                self._opened = (store, index)
            return self._opened

    def _make(self, setting: str) -> Embedder:
        if setting == "wordllama":
            return self._words
        return make_embedder(
            setting, base_url=self._embedding.base_url, api_key=self._embedding.api_key
        )

    def _start_anew(self, error: StoreDamagedError) -> None:
        """Throw a damaged index away; the documents are read again by the next update."""
        self.close()
        try:
            with self._alone("damaged", _PATIENCE_SECONDS):
                with contextlib.suppress(StoreDamagedError):
                    store = KnowledgeStore(self._file)
                    sound = store.sound()
                    store.close()
                    if sound:
                        # Another process was quicker.
                        return
                for ending in ("", "-wal", "-shm"):
                    Path(f"{self._file}{ending}").unlink(missing_ok=True)
                # Its revisions begin anew, so what was indexed at some of the old would mislead.
                shutil.rmtree(self._place / "index", ignore_errors=True)
        except (Timeout, OSError):
            raise error from None

    @property
    def _file(self) -> Path:
        return self._place / "documents.sqlite"

    @contextlib.contextmanager
    def _alone(self, purpose: str, wait_seconds: float) -> Iterator[None]:
        private_directory(self._place)
        with FileLock(self._place / f"{purpose}.lock", timeout=wait_seconds):
            yield
