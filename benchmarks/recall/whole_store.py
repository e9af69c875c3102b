"""Recall from a large store as a session does it: SQL, full text, FAISS, comparison, together.

Synthetic findings, written in bulk: questions of words that columns and operations are named by,
each on one of many tables, with the embeddings of the default backend (of a sample of questions,
moved a little, as a million would take minutes). Measured: the time to make the index from the
store, to open it from its snapshot, and of a recall.

    python benchmarks/recall/whole_store.py [COUNT]
"""

from __future__ import annotations

import gc
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sqlalchemy import insert, text, update

from analyst.memory.affinity import Affinity
from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.index import FindingIndex
from analyst.memory.recall import Recall
from analyst.memory.rows import COLUMNS, body_of
from analyst.memory.store import FindingStore
from analyst.memory.tables import COUNTERS, FINDING_DATA, FINDINGS, VECTORS

QUERIES = 300
ROWS_AT_ONCE = 20_000
FINDINGS_A_TABLE = 50
OPERATIONS = tuple(
    """
    mean median total maximum minimum variance share trend count range
    """.split()  # noqa: SIM905 - a list of words
)
NOUNS = tuple(
    """
    price fare age weight height income salary rainfall pressure speed distance revenue
    cost tax score grade length width depth volume density mass energy power
    voltage current charge rate
    """.split()  # noqa: SIM905 - a list of words
)
GROUPS = tuple(
    """
    region country year month class species station product customer city team school
    """.split()  # noqa: SIM905 - a list of words
)


def question(chance: random.Random) -> str:
    """Return a question, one of some tens of thousands."""
    return (
        f"What is the {chance.choice(OPERATIONS)} {chance.choice(NOUNS)} per "
        f"{chance.choice(GROUPS)} where {chance.choice(NOUNS)} is above {chance.randrange(40)}?"
    )


def table(number: int) -> DataFingerprint:
    columns = tuple((name, "float64") for name in [*NOUNS[:12], *GROUPS[:4]])
    return DataFingerprint(
        name=f"table{number}", kind="frame", content=f"content {number}", columns=columns
    )


def fill(store: FindingStore, count: int, embedder: WordLlamaEmbedder) -> None:
    """Write findings as :meth:`FindingStore.save` would, many in a transaction."""
    chance, noise = random.Random(1), np.random.default_rng(1)
    words = [question(chance) for _ in range(20_000)]
    known = embedder.embed(words)
    for start in range(0, count, ROWS_AT_ONCE):
        rows, data, texts, vectors = [], [], [], []
        size = min(ROWS_AT_ONCE, count - start)
        chosen = noise.integers(0, len(words), size)
        moved = known[chosen] + 0.02 * noise.standard_normal((size, known.shape[1]))
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        for at in range(size):
            number = start + at + 1
            of = table(number // FINDINGS_A_TABLE)
            finding = Finding(
                question=words[chosen[at]],
                answer=f"It is {number}.",
                code=f"print({of.name}['{NOUNS[number % 12]}'].mean())",
                data=(of,),
                number=number,
                revision=number,
            )
            rows.append({**finding.model_dump(include=COLUMNS), "body": body_of(finding)})
            data.append(
                {"number": number, "position": 0, "content": of.content, "source": of.source}
            )
            texts.append({"number": number, "text": finding.searchable()})
            vector = moved[at].astype("<f2").tobytes()
            vectors.append({"embedding": embedder.name, "number": number, "vector": vector})
        with store.database.writing() as connection:
            connection.execute(insert(FINDINGS), rows)
            connection.execute(insert(FINDING_DATA), data)
            connection.execute(insert(VECTORS), vectors)
            connection.execute(
                text("INSERT INTO findings_text (rowid, text) VALUES (:number, :text)"), texts
            )
            connection.execute(
                update(COUNTERS).where(COUNTERS.c.name == "revision").values(value=start + size)
            )


def spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"median {1000 * middle:.1f} ms, p99 {1000 * high:.1f} ms"


def measure(count: int) -> None:
    embedder = WordLlamaEmbedder()
    embedder.embed(["warm up"])
    with tempfile.TemporaryDirectory() as folder:
        store = FindingStore.in_directory(Path(folder))
        began = time.perf_counter()
        fill(store, count, embedder)
        print(f"{count} findings written in {time.perf_counter() - began:.0f} s", flush=True)
        began = time.perf_counter()
        FindingIndex(store, embedder, Path(folder) / "index").rebuild()
        print(f"index made from the store in {time.perf_counter() - began:.1f} s", flush=True)
        began = time.perf_counter()
        index = FindingIndex(store, embedder, Path(folder) / "index")
        index.catch_up()
        print(f"opened from its snapshot in {1000 * (time.perf_counter() - began):.0f} ms")
        recall = Recall(store, index, Affinity(embedder))
        recall.recall("warm up", [])
        # What this program made to fill the store is nothing a session would have in memory.
        gc.collect()
        gc.freeze()
        chance = random.Random(2)
        parts: dict[str, list[float]] = {"index": [], "full text": [], "recall": []}
        found = 0
        for _ in range(QUERIES):
            asked, of = question(chance), table(chance.randrange(count // FINDINGS_A_TABLE))
            for name, work in (
                ("index", lambda asked=asked: index.search(asked, 50)),
                ("full text", lambda asked=asked: store.search_text(asked, limit=50)),
                ("recall", lambda asked=asked, of=of: recall.recall(asked, [of])),
            ):
                began = time.perf_counter()
                result = work()
                parts[name].append(time.perf_counter() - began)
            found += bool(result)
        for name, seconds in parts.items():
            print(f"{name}: {spread(seconds)}")
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        print(f"something recalled for {found} of {QUERIES}; {size / 1e6:.0f} MB on disk")
        store.close()


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
