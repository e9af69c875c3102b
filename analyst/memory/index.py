"""The index of one embedding: derived from the store, kept on disk, thrown away when in doubt.

A snapshot on disk says up to which revision of the store it goes; what changed since is read
from the store. So any process may write it, and none needs to. Not here: what a match means
(:mod:`analyst.memory.recall`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from analyst.memory.database import Database
from analyst.memory.embedding import Embedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.stored_vectors import StoredVectors
from analyst.memory.vectors import ExactVectors, FaissVectors, Matrix, VectorSet
from analyst.record.files import private_directory, write_private

SNAPSHOT_EVERY = 2_000
"""Changes after which a new snapshot is worth its writing."""

_PATIENCE_SECONDS = 10
_PIECE = 1 << 20
_REVISIONS_AT_ONCE = 5_000
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Header:
    """What stands in the file that names the snapshot."""

    format: int
    embedding: str
    database: str
    library: str
    revision: int
    count: int
    dimensions: int
    file: str
    checksum: int


class IndexedStore(Protocol):
    """What an index is derived from: the store of findings, or another with such numbers."""

    @property
    def database(self) -> Database:
        """Where all is kept."""

    @property
    def vectors(self) -> StoredVectors:
        """The embeddings that were computed."""

    def revision(self) -> int:
        """Return how many changes there were."""

    def changes(self, after: int, until: int) -> dict[int, bool]:
        """Return for what changed in some revisions whether it is current now."""


class FindingIndex:
    """Nearest findings by one embedding. Safe in any thread; methods block."""

    def __init__(self, store: IndexedStore, embedder: Embedder, directory: Path) -> None:
        self._store = store
        self._embedder = embedder
        self._directory = directory
        self._lock = threading.RLock()
        self._vectors: VectorSet | None = None
        self._there: set[int] = set()
        self._revision = 0
        self._loaded = False
        self._unwritten = 0
        self.notice: str | None = None
        """A sentence for the user, once there is something to say."""

    @property
    def embedding(self) -> str:
        """The name of the embedding."""
        return self._embedder.name

    def __len__(self) -> int:
        """Return how many findings can be found."""
        with self._lock:
            return len(self._there)

    def search(self, question: str, count: int) -> list[tuple[int, float]]:
        """Return numbers of current findings like ``question`` with their cosine, best first.

        Raises what the store raises, and :class:`~analyst.memory.errors.EmbeddingError`.
        """
        vector = self._embedder.embed([question])[0]
        with self._lock:
            self.catch_up()
            if self._vectors is None or not len(self._vectors):
                return []
            return self._vectors.search(vector, min(count, len(self._vectors)))

    def lacking(self, limit: int) -> int:
        """Return about how many findings :meth:`catch_up` has to embed, up to ``limit``."""
        with self._lock:
            self._loaded = self._loaded or self._read()
            behind = self._store.revision() - self._revision
            if self._loaded and behind < limit:
                return behind
            return len(self._store.vectors.missing(self.embedding, limit=limit))

    def catch_up(self) -> None:
        """Take in what changed in the store since, embedding what nobody embedded yet."""
        with self._lock:
            if not (self._loaded or self._read()):
                self.rebuild()
            self._loaded = True
            newest = self._store.revision()
            while self._revision < newest:
                until = min(newest, self._revision + _REVISIONS_AT_ONCE)
                current = self._store.changes(self._revision, until)
                self._take_out([number for number in current if number in self._there])
                self._put_in([number for number, is_current in current.items() if is_current])
                self._revision = until
                self._unwritten += len(current)
            if self._unwritten >= SNAPSHOT_EVERY:
                self.write()

    def rebuild(self) -> None:
        """Make it anew from the store, and write it."""
        with self._lock:
            self._vectors, self._there = None, set()
            revision = self._store.revision()
            self._embed_missing()
            numbers, vectors = self._everything()
            if len(numbers):
                self._vectors = self._made(numbers, vectors)
                self._there = {*numbers.tolist()}
            self._revision = revision
            self.write()

    def forget(self, numbers: Sequence[int]) -> None:
        """Take deleted findings out of memory and out of the file, for good.

        Indexes of other embeddings, which nobody may use for long, go as a whole.
        """
        with self._lock:
            # What is new can wait until it can be embedded; what is deleted cannot.
            with contextlib.suppress(EmbeddingError):
                self.catch_up()
            self.take_out(numbers)
            for other in self._directory.glob("*"):
                if other != self._place or self._vectors is None:
                    shutil.rmtree(other, ignore_errors=True)

    def take_out(self, numbers: Sequence[int]) -> None:
        """Take findings out of what is in memory, and write that; raises nothing."""
        with self._lock:
            self._take_out([number for number in numbers if number in self._there])
            if self._vectors is not None:
                with contextlib.suppress(OSError, Timeout):
                    self._write(_PATIENCE_SECONDS)

    def write(self) -> None:
        """Write a snapshot, unless another process is about to; raises nothing."""
        with self._lock, contextlib.suppress(OSError, Timeout):
            self._write(0)

    def _put_in(self, numbers: Sequence[int]) -> None:
        found, vectors = self._store.vectors.get(self.embedding, numbers)
        if missing := [*{*numbers} - {*found}]:
            # Saved by somebody who embeds otherwise.
            self._embed(self._store.vectors.texts(missing))
            found, vectors = self._store.vectors.get(self.embedding, numbers)
        if not found:
            return
        if self._vectors is None:
            self._vectors = self._made(np.empty(0, np.int64), vectors[:0])
        self._vectors.add(np.asarray(found, np.int64), vectors)
        self._there.update(found)

    def _take_out(self, numbers: Sequence[int]) -> None:
        if numbers and self._vectors is not None:
            self._vectors.remove(numbers)
            self._there.difference_update(numbers)

    def _embed_missing(self) -> None:
        while missing := self._store.vectors.missing(self.embedding):
            self._embed(missing)

    def _embed(self, questions: Sequence[tuple[int, str]]) -> None:
        if questions:
            vectors = self._embedder.embed([question for _, question in questions])
            numbers = [number for number, _ in questions]
            self._store.vectors.put(self.embedding, numbers, vectors)

    def _everything(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Matrix]:
        pieces = [*self._store.vectors.current(self.embedding)]
        if not pieces:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        numbers = np.concatenate([np.asarray(piece[0], np.int64) for piece in pieces])
        return numbers, np.concatenate([piece[1] for piece in pieces])

    def _made(
        self, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], vectors: Matrix
    ) -> VectorSet:
        if self._has_faiss():
            return FaissVectors.trained(numbers, vectors)
        exact = ExactVectors(vectors.shape[1])
        exact.add(numbers, vectors)
        return exact

    def _has_faiss(self) -> bool:
        try:
            import faiss  # noqa: F401, PLC0415 - slow to import
        except ImportError as error:
            self.notice = (
                f"faiss cannot be imported ({error}), so findings are searched without it, more "
                "slowly; pip install faiss-cpu mends that."
            )
            return False
        return True

    @property
    def _place(self) -> Path:
        key = f"{self.embedding}\n{self._store.database.name}"
        return self._directory / hashlib.sha256(key.encode()).hexdigest()[:16]

    def _read(self) -> bool:
        """Read the snapshot; ``False`` without a sound one."""
        header = None
        try:
            header = _Header(**json.loads((self._place / "snapshot.json").read_bytes()))
            path = self._place / header.file
            sound = (
                (header.format, header.embedding) == (_FORMAT, self.embedding)
                and header.database == self._store.database.name
                and header.revision <= self._store.revision()
                and path.parent == self._place
                and _checksum(path) == header.checksum
            )
            if sound and header.library == "faiss" and self._has_faiss():
                self._vectors = FaissVectors.read(path)
            elif sound and header.library == "numpy":
                self._vectors = ExactVectors.read(path)
        except (OSError, ValueError, TypeError, KeyError):
            self._vectors = None
        if self._vectors is None or header is None or len(self._vectors) != header.count:
            self._vectors = None
            return False
        self._there = {*self._vectors.numbers()}
        self._revision = header.revision
        return True

    def _write(self, patience_seconds: float) -> None:
        place = private_directory(private_directory(self._directory) and self._place)
        with FileLock(place / "writing", timeout=patience_seconds):
            header_path = place / "snapshot.json"
            for stale in place.glob("*.vectors"):
                if not _is_current(header_path, stale.name):
                    stale.unlink(missing_ok=True)
            library = "faiss" if isinstance(self._vectors, FaissVectors) else "numpy"
            name = f"{self._revision}-{os.urandom(4).hex()}.vectors"
            if self._vectors is None:
                header_path.unlink(missing_ok=True)
                self._unwritten = 0
                return
            self._vectors.write(place / name)
            with (place / name).open("rb") as file:
                os.fsync(file.fileno())
            header = _Header(
                _FORMAT, self.embedding, self._store.database.name, library, self._revision,
                len(self._vectors), self._vectors.dimensions, name, _checksum(place / name),
            )  # fmt: skip
            write_private(header_path, json.dumps(asdict(header)).encode())
            self._unwritten = 0
            for stale in place.glob("*.vectors"):
                if stale.name != name:
                    stale.unlink(missing_ok=True)


def _is_current(header: Path, name: str) -> bool:
    try:
        return bool(json.loads(header.read_bytes())["file"] == name)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            value = zlib.crc32(piece, value)
    return value
