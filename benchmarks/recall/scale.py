"""A million findings: how fast they are found, how well, and what they cost.

Synthetic vectors: clusters of unit vectors, as questions are about some subjects. Measured: recall
at 10 against an exact search, the time of a search, memory and disk, the time to build, and to
open an index of 100,000.

    python benchmarks/recall/scale.py [COUNT]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from analyst.memory.vectors import FaissVectors

DIMENSIONS = 256
SUBJECTS = 5_000
QUERIES = 1_000


def vectors(count: int, seed: int, subjects: np.ndarray) -> np.ndarray:
    """Return unit vectors around subjects, float32 of shape (count, d)."""
    random = np.random.default_rng(seed)
    of = random.integers(0, len(subjects), count)
    found = subjects[of] + 0.6 / np.sqrt(DIMENSIONS) * random.standard_normal(
        (count, DIMENSIONS), np.float32
    )
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def unit_subjects() -> np.ndarray:
    random = np.random.default_rng(7)
    found = random.standard_normal((SUBJECTS, DIMENSIONS), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def exact(everything: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the ten nearest of each query, by comparing all."""
    found = np.empty((len(queries), 10), np.int64)
    for start in range(0, len(queries), 50):
        likeness = queries[start : start + 50] @ everything.T
        found[start : start + 50] = np.argpartition(-likeness, 10, axis=1)[:, :10]
    return found


def measure(count: int) -> None:
    subjects = unit_subjects()
    everything, queries = vectors(count, 1, subjects), vectors(QUERIES, 2, subjects)
    numbers = np.arange(count, dtype=np.int64)
    process = psutil.Process()
    before = process.memory_info().rss
    began = time.perf_counter()
    index = FaissVectors.trained(numbers, everything)
    built = time.perf_counter() - began
    memory = process.memory_info().rss - before
    seconds, hits = [], 0
    truth = exact(everything, queries)
    for query, right in zip(queries, truth, strict=True):
        began = time.perf_counter()
        found = index.search(query, 10)
        seconds.append(time.perf_counter() - began)
        hits += len({number for number, _ in found} & {*right.tolist()})
    began = time.perf_counter()
    index.remove([*range(1000)])
    removed = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        began = time.perf_counter()
        index.write(path)
        written = time.perf_counter() - began
        size = path.stat().st_size
        began = time.perf_counter()
        FaissVectors.read(path)
        read = time.perf_counter() - began
    seconds.sort()
    print(
        f"{count:,}: built in {built:.1f} s; search median {1000 * seconds[len(seconds) // 2]:.1f} "
        f"ms, p99 {1000 * seconds[int(0.99 * len(seconds))]:.1f} ms (target 20); recall@10 "
        f"{hits / 10 / QUERIES:.3f} (target 0.95); memory {memory / 1e6:.0f} MB, disk "
        f"{size / 1e6:.0f} MB; write {written:.1f} s, read {read:.2f} s; remove 1,000 in "
        f"{removed:.2f} s",
        flush=True,
    )


if __name__ == "__main__":
    for one in [int(sys.argv[1])] if len(sys.argv) > 1 else [10_000, 50_000, 100_000, 1_000_000]:
        measure(one)
