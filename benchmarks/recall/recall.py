"""How well findings are recalled: hit rate, wrong reuse, abstention; by embedding and full text.

Over 200 findings on 14 data sets that installed packages ship, 150 of their questions in other
words and 50 that none of them answers (questions.txt, unanswered.txt).

    python benchmarks/recall/recall.py [EMBEDDING ...] [--misses]

Hit@3: the finding is among the three recalled. Held out: the same for questions that nothing was
tuned on (heldout.txt). Known: its value is the answer; likely: it is offered to the model as one.
Wrong reuse: a value of other data is offered; wrong question: a value of the same data is known
for another question. Abstention: nothing is recalled where nothing answers.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from material import Asked, Material, load

from analyst.memory.affinity import Affinity
from analyst.memory.embedding import Embedder, make_embedder
from analyst.memory.errors import EmbeddingError
from analyst.memory.index import FindingIndex
from analyst.memory.recall import SAME_DATA, Outcome, Recall, Recalled
from analyst.memory.store import FindingStore

MISSES = "--misses" in sys.argv
WORDS = make_embedder("wordllama")


def measure(material: Material, embedder: Embedder | None, *, full_text: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        store = FindingStore.in_directory(Path(folder))
        for finding in material.findings:
            store.save(finding)
        index = None if embedder is None else FindingIndex(store, embedder, Path(folder) / "index")
        recall = Recall(store, index, Affinity(WORDS), full_text=full_text)
        recall.recall("warm up", [])
        hits = known = likely = wrong_data = wrong_question = unlikely = 0
        seconds = []
        for asked in material.paraphrases:
            began = time.perf_counter()
            found = recall.recall(asked.question, [material.data[asked.dataset]])
            seconds.append(time.perf_counter() - began)
            hit = any(is_of(one, asked) for one in found)
            hits += hit
            if MISSES and not hit:
                told = [one.finding.question for one in found]
                print(f"  miss: {asked.question} ({asked.answered_by}): {told}")
            if found and found[0].outcome is Outcome.LIKELY:
                likely += is_of(found[0], asked)
                unlikely += not is_of(found[0], asked)
            for one in found:
                if one.outcome is Outcome.KNOWN:
                    known += is_of(one, asked)
                    wrong_data += one.finding.data != (material.data[asked.dataset],)
                    wrong_question += not is_of(one, asked)
                    if not is_of(one, asked):
                        print(f"  WRONG: {asked.question!r} answered by {one.finding.question!r}")
        again = sum(
            any(
                one.outcome is Outcome.KNOWN and one.finding.question == finding.question
                for one in recall.recall(finding.question, list(finding.data))
            )
            for finding in material.findings
        )
        abstained = 0
        for asked in material.unanswered:
            found = recall.recall(asked.question, [material.data[asked.dataset]])
            abstained += not found
            if MISSES and found:
                print(f"  not abstained: {asked.question}: {found[0].finding.question}")
        everywhere = sum(
            bool(
                [
                    one
                    for other, data in material.data.items()
                    if other != asked.dataset
                    for one in recall.recall(asked.question, [data])
                    if one.outcome in SAME_DATA and one.finding.data != (data,)
                ]
            )
            for asked in material.paraphrases
        )
        held = sum(
            any(
                is_of(one, asked)
                for one in recall.recall(asked.question, [material.data[asked.dataset]])
            )
            for asked in material.heldout
        )
        store.close()
    count = len(material.paraphrases)
    name = embedder.name if embedder is not None else "none"
    return (
        f"| {name} | {'yes' if full_text else 'no'} | {hits / count:.3f} | "
        f"{held / len(material.heldout):.3f} | {known / count:.3f} | "
        f"{likely / count:.3f} ({unlikely} wrong) | "
        f"{again / len(material.findings):.3f} | {wrong_data + everywhere} | {wrong_question} | "
        f"{abstained / len(material.unanswered):.2f} | {1000 * sorted(seconds)[count // 2]:.1f} |"
    )


def is_of(recalled: Recalled, asked: Asked) -> bool:
    finding = recalled.finding
    return finding.question == asked.answered_by


def main() -> None:
    material = load()
    print(
        f"{len(material.findings)} findings on {len(material.data)} data sets, "
        f"{len(material.paraphrases)} paraphrases, {len(material.unanswered)} unanswered\n"
    )
    print(
        "| embedding | full text | hit@3 | held out | known | likely | known word for word "
        "| wrong reuse | wrong question | abstention | ms |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    wanted = [one for one in sys.argv[1:] if not one.startswith("--")] or ["wordllama"]
    for setting in wanted:
        for full_text in (True, False):
            try:
                print(measure(material, make_embedder(setting), full_text=full_text), flush=True)
            except EmbeddingError as error:
                print(f"{setting}: {error}")
    print(measure(material, None, full_text=True))


if __name__ == "__main__":
    main()
