"""Vectors in memory, searched by inner product: by FAISS, or exactly by NumPy without it.

Here: adding, removing, searching, writing and reading. Not here: what the numbers stand for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

FLAT_LIMIT = 50_000
"""Up to so many vectors all are compared; beyond, those of the nearest lists only."""

_PROBES = 48
_TRAIN_PER_LIST = 40

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Matrix = np.ndarray[Any, np.dtype[np.float32]]


class VectorSet(ABC):
    """Unit vectors of one length, each with a number of its own."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many there are."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """The length of a vector."""

    @abstractmethod
    def numbers(self) -> list[int]:
        """Return the numbers of all."""

    @abstractmethod
    def add(self, numbers: Numbers, vectors: Matrix) -> None:
        """Add vectors, shape (n, d), under numbers that are not there yet."""

    @abstractmethod
    def remove(self, numbers: Sequence[int]) -> None:
        """Remove those that are there."""

    @abstractmethod
    def search(self, vector: Matrix, count: int) -> list[tuple[int, float]]:
        """Return the numbers nearest to a vector, shape (d,), with the cosine, best first."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write all to a file; raises :class:`OSError`."""


class ExactVectors(VectorSet):
    """All vectors in one array."""

    def __init__(self, dimensions: int) -> None:
        self._numbers: Numbers = np.empty(0, np.int64)
        self._vectors: Matrix = np.empty((0, dimensions), np.float32)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._numbers)

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self._vectors.shape[1])

    def numbers(self) -> list[int]:
        """Return the numbers of all."""
        return [int(number) for number in self._numbers]

    def add(self, numbers: Numbers, vectors: Matrix) -> None:
        """Add vectors under new numbers."""
        self._numbers = np.concatenate([self._numbers, numbers])
        self._vectors = np.concatenate([self._vectors, vectors])

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove those that are there."""
        kept = ~np.isin(self._numbers, np.asarray(numbers, np.int64))
        self._numbers, self._vectors = self._numbers[kept], self._vectors[kept]

    def search(self, vector: Matrix, count: int) -> list[tuple[int, float]]:
        """Return the nearest."""
        likeness = self._vectors @ vector
        best = np.argsort(-likeness, kind="stable")[:count]
        return [(int(self._numbers[at]), float(likeness[at])) for at in best]

    def write(self, path: Path) -> None:
        """Write all to a file."""
        with path.open("wb") as file:
            np.savez(file, numbers=self._numbers, vectors=self._vectors.astype(np.float16))

    @classmethod
    def read(cls, path: Path) -> ExactVectors:
        """Read what :meth:`write` wrote; raises :class:`OSError`, :class:`ValueError`."""
        with np.load(path, allow_pickle=False) as found:
            read = cls(found["vectors"].shape[1])
            read.add(found["numbers"], found["vectors"].astype(np.float32))
        return read


class FaissVectors(VectorSet):
    """A FAISS index: flat, or by inverted lists where there are many. Halves, not singles."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def empty(cls, dimensions: int) -> FaissVectors:
        """Make a flat index."""
        faiss = _faiss()
        flat = faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        return cls(faiss.IndexIDMap2(flat))

    @classmethod
    def trained(cls, numbers: Numbers, vectors: Matrix) -> FaissVectors:
        """Make the index that fits so many vectors, and add them."""
        if len(numbers) <= FLAT_LIMIT:
            made = cls.empty(vectors.shape[1])
            made.add(numbers, vectors)
            return made
        faiss = _faiss()
        lists = int(4 * np.sqrt(len(numbers)))
        coarse = faiss.IndexFlatIP(vectors.shape[1])
        index = faiss.IndexIVFScalarQuantizer(
            coarse,
            vectors.shape[1],
            lists,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,  # noqa: FBT003 - not by residual: halves are precise enough
        )
        index.cp.niter = 8
        sample = np.random.default_rng(0).permutation(len(numbers))[: _TRAIN_PER_LIST * lists]
        index.train(np.ascontiguousarray(vectors[sample]))
        index.nprobe = _PROBES
        made = cls(index)
        made.add(numbers, vectors)
        return made

    def __len__(self) -> int:
        """Return how many there are."""
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    def numbers(self) -> list[int]:
        """Return the numbers of all."""
        faiss = _faiss()
        index = faiss.downcast_index(self._index)
        if isinstance(index, faiss.IndexIDMap):
            return [int(number) for number in faiss.vector_to_array(index.id_map)]
        lists = index.invlists
        found: list[int] = []
        for at in range(lists.nlist):
            size = lists.list_size(at)
            if size:
                found += faiss.rev_swig_ptr(lists.get_ids(at), size).tolist()
        return found

    def add(self, numbers: Numbers, vectors: Matrix) -> None:
        """Add vectors under new numbers."""
        self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), numbers)

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove those that are there."""
        self._index.remove_ids(np.asarray(numbers, np.int64))

    def search(self, vector: Matrix, count: int) -> list[tuple[int, float]]:
        """Return the nearest."""
        faiss = _faiss()
        threads = faiss.omp_get_max_threads()
        # One question is sooner found by one thread than several are brought together.
        faiss.omp_set_num_threads(1)
        try:
            likeness, numbers = self._index.search(vector.reshape(1, -1), count)
        finally:
            faiss.omp_set_num_threads(threads)
        found = zip(numbers[0], likeness[0], strict=True)
        return [(int(number), float(value)) for number, value in found if number >= 0]

    def write(self, path: Path) -> None:
        """Write all to a file."""
        try:
            _faiss().write_index(self._index, str(path))
        except RuntimeError as error:
            raise OSError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> FaissVectors:
        """Read what :meth:`write` wrote; raises :class:`OSError`."""
        try:
            index = _faiss().read_index(str(path))
        except RuntimeError as error:
            raise OSError(str(error)) from error
        return cls(index)


def _faiss() -> Any:
    import faiss  # noqa: PLC0415 - slow to import, and recall works without it

    return faiss
