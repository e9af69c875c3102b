"""Killed at any moment: nothing that was saved is lost, nothing is there by half.

A process saves findings, follows with an index, rebuilds it, or makes the database, and is killed
by SIGKILL after a random time. After each kill the store is opened and compared with what the
process had said.

    python benchmarks/recall/faults.py [KILLS]
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.index import FindingIndex
from analyst.memory.store import FindingStore

WORDS = WordLlamaEmbedder()
_HEAD = """
    import sys
    from pathlib import Path
    from analyst.memory import index
    from analyst.memory.embedding import WordLlamaEmbedder
    from analyst.memory.finding import DataFingerprint, Finding, Output
    from analyst.memory.store import FindingStore
    index.SNAPSHOT_EVERY = 3
    folder = Path(sys.argv[1])
    def finding(number):
        output = Output(mime="text/plain", digest=f"{number:064}")
        data = DataFingerprint(name="df", kind="frame", content=str(number))
        return Finding(question=f"Question {number}?", answer="1", code="1", outputs=(output,),
                       data=(data,))
"""
PROGRAMS = {
    "save": """
        store = FindingStore.in_directory(folder)
        print("ready", flush=True)
        for number in range(100_000):
            saved = store.save(finding(number), outputs={f"{number:064}": b"x" * 1000})
            print("saved", saved.number, flush=True)
    """,
    "add": """
        store = FindingStore.in_directory(folder)
        near = index.FindingIndex(store, WordLlamaEmbedder(), folder / "index")
        near.catch_up()
        print("ready", flush=True)
        for number in range(100_000):
            saved = store.save(finding(number), outputs={f"{number:064}": b"x" * 1000})
            print("saved", saved.number, flush=True)
            near.catch_up()
    """,
    "rebuild": """
        store = FindingStore.in_directory(folder)
        near = index.FindingIndex(store, WordLlamaEmbedder(), folder / "index")
        print("ready", flush=True)
        while True:
            near.rebuild()
    """,
    "migrate": """
        print("ready", flush=True)
        store = FindingStore.in_directory(folder)
        saved = store.save(finding(0), outputs={"0" * 64: b"x"})
        print("saved", saved.number, flush=True)
        while True:
            pass
    """,
}


def kill_one(kind: str, folder: Path, seconds: float) -> set[int]:
    """Play a program, kill it, and return the numbers it had saved."""
    program = textwrap.dedent(_HEAD) + textwrap.dedent(PROGRAMS[kind])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines(keepends=True)
    told = [line.split() for line in lines if line.endswith("\n")]
    return {int(words[1]) for words in told if words[0] == "saved"}


def check(folder: Path, told: set[int]) -> str | None:
    """Return what is wrong with a store that was left, if anything is."""
    store = FindingStore.in_directory(folder)
    try:
        there = {one.number: one for one in store.all()}
        if lost := told - set(there):
            return f"lost {sorted(lost)}"
        for one in there.values():
            if any(store.output(output.digest) is None for output in one.outputs):
                return f"F{one.number} has no output"
            if not store.search_text(one.question, limit=10_000):
                return f"F{one.number} is not found by words"
        near = FindingIndex(store, WORDS, folder / "index")
        near.catch_up()
        if len(near) != len(there):
            return f"{len(near)} of {len(there)} in the index"
        return None
    finally:
        store.close()


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    wrong = 0
    random.seed(1)
    for kind in PROGRAMS:
        with tempfile.TemporaryDirectory() as place:
            folder, told = Path(place) / "store", set[int]()
            folder.mkdir()
            for number in range(kills // len(PROGRAMS)):
                if kind == "migrate":
                    folder, told = Path(place) / str(number), set()
                    folder.mkdir()
                told |= kill_one(kind, folder, random.uniform(0, 0.4))
                problem = check(folder, told)
                if problem is not None:
                    wrong += 1
                    print(f"{kind}, kill {number}: {problem}")
        print(f"{kind}: {kills // len(PROGRAMS)} kills, {len(told)} findings said to be saved")
    print(f"{wrong} of {kills} kills left something wrong (target 0)")


if __name__ == "__main__":
    main()
