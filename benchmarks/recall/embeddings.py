"""The three embeddings side by side, with and without full text, on the questions of recall.py.

    pip install -e '.[fastembed]'
    python benchmarks/recall/embeddings.py [--minilm FOLDER]

FOLDER holds all-MiniLM-L6-v2 for ONNX; ``minilm.py`` beside this makes it. Without it, fastembed
fetches its own, and the endpoint, which serves the same model on loopback (``loopback.py``),
is left out.

Recall looks at all findings on the data at hand whatever the search finds, and compares words
(``analyst/memory/affinity.py``, always wordllama): so its figures hardly depend on the embedding.
What an embedding is worth itself is in the last two columns: hit@3 of the search alone, among the
findings on the data at hand, and among all. Wrong reuse: a value is offered, as known or likely,
for other data, or is known for another question. Milliseconds: the median recall.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from material import Asked, Material, load
from recall import WORDS, is_of

from analyst.memory.affinity import Affinity
from analyst.memory.embedding import Embedder, EndpointEmbedder, make_embedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.finding import Finding
from analyst.memory.index import FindingIndex
from analyst.memory.recall import CANDIDATES, SAME_DATA, Outcome, Recall
from analyst.memory.store import FindingStore


def measure(material: Material, name: str, embedder: Embedder | None, *, full_text: bool) -> str:
    """Return a row of the table; raises :class:`EmbeddingError`."""
    if embedder is not None:
        # Recall itself would go on without it.
        embedder.embed(["warm up"])
    with tempfile.TemporaryDirectory() as folder:
        store = FindingStore.in_directory(Path(folder))
        for finding in material.findings:
            store.save(finding)
        index = None if embedder is None else FindingIndex(store, embedder, Path(folder) / "index")
        recall = Recall(store, index, Affinity(WORDS), full_text=full_text)
        recall.recall("warm up", [])
        hits = wrong = on_data = anywhere = 0
        seconds = []
        for asked in material.paraphrases:
            data = material.data[asked.dataset]
            began = time.perf_counter()
            found = recall.recall(asked.question, [data])
            seconds.append(time.perf_counter() - began)
            hits += any(is_of(one, asked) for one in found)
            wrong += any(one.outcome is Outcome.KNOWN and not is_of(one, asked) for one in found)
            wrong += sum(
                one.outcome in SAME_DATA and one.finding.data != (other,)
                for other in material.data.values()
                for one in recall.recall(asked.question, [other])
            )
            candidates = [one for one, _ in recall.search(asked.question, count=2 * CANDIDATES)]
            on_data += answers([one for one in candidates if one.data == (data,)], asked)
            anywhere += answers(candidates, asked)
        abstained = sum(
            not recall.recall(asked.question, [material.data[asked.dataset]])
            for asked in material.unanswered
        )
        store.close()
    count = len(material.paraphrases)
    return (
        f"| {name} | {'yes' if full_text else 'no'} | {hits / count:.3f} | "
        f"{abstained / len(material.unanswered):.2f} | {wrong} | "
        f"{1000 * sorted(seconds)[count // 2]:.1f} | {on_data / count:.3f} | "
        f"{anywhere / count:.3f} |"
    )


def answers(candidates: list[Finding], asked: Asked) -> bool:
    return any(one.question == asked.answered_by for one in candidates[:3])


@contextlib.contextmanager
def endpoint(folder: str | None) -> Iterator[Embedder]:
    """Serve the model in a folder; raises :class:`EmbeddingError` where there is none."""
    if folder is None:
        raise EmbeddingError("there is no model to serve; name its folder by --minilm.")
    program = [sys.executable, str(Path(__file__).with_name("loopback.py")), folder]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if not address:
                raise EmbeddingError("loopback.py did not start; its error stands above.")
            yield EndpointEmbedder(base_url=address, api_key=None, model="all-MiniLM-L6-v2")
        finally:
            server.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the embeddings of findings.")
    parser.add_argument("--minilm", metavar="FOLDER", help="all-MiniLM-L6-v2 for ONNX")
    folder = parser.parse_args().minilm
    material = load()
    print(
        f"{len(material.findings)} findings, {len(material.paraphrases)} paraphrases, "
        f"{len(material.unanswered)} unanswered\n\n"
        "| embedding | full text | hit@3 | abstention | wrong reuse | ms | search alone: hit@3 "
        "on the data | of all |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    local = f"fastembed:{Path(folder).absolute()}" if folder else "fastembed"
    for name, opened in (
        ("wordllama", contextlib.nullcontext(make_embedder("wordllama"))),
        ("endpoint", endpoint(folder)),
        ("fastembed", contextlib.nullcontext(make_embedder(local))),
    ):
        try:
            with opened as embedder:
                for full_text in (True, False):
                    print(measure(material, name, embedder, full_text=full_text), flush=True)
        except EmbeddingError as error:
            print(f"| {name} | not measured: {error} |", flush=True)
    print(measure(material, "none", None, full_text=True))


if __name__ == "__main__":
    main()
