"""Eight processes write a thousand findings each into one store at once; nothing may be lost.

Each saves as a run does, superseding what asked the same, and says the number it was given; then
the store and an index made of it are compared with what was said.

    python benchmarks/recall/writers.py [PROCESSES [FINDINGS]]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.index import FindingIndex
from analyst.memory.memory import MemoryPlace, OpenMemory

WRITER = textwrap.dedent("""
    import hashlib
    import sys
    from pathlib import Path
    from analyst.memory.finding import DataFingerprint, Finding, Output
    from analyst.memory.memory import MemoryPlace, OpenMemory
    memory = OpenMemory(MemoryPlace(directory=Path(sys.argv[1])))
    who, count = sys.argv[2], int(sys.argv[3])
    for number in range(count):
        body = f"chart {number} of {who}".encode()
        output = Output(mime="text/plain", digest=hashlib.sha256(body).hexdigest())
        data = DataFingerprint(name="df", kind="frame", content=f"{who} {number // 20}")
        question = f"What is item{who}x{number} of writer {who}?"
        finding = Finding(question=question, answer=str(number), code="print(1)", data=(data,),
                          outputs=(output,))
        saved = memory.save(finding, {output.digest: body})
        print(saved.number, question, flush=True)
""")


def main() -> None:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        place = MemoryPlace(directory=Path(folder))
        began = time.perf_counter()
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, folder, str(who), str(count)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for who in range(processes)
        ]
        said = dict(
            line.split(" ", 1)
            for writer in writers
            for line in writer.communicate()[0].splitlines()
        )
        seconds = time.perf_counter() - began
        failed = sum(writer.returncode != 0 for writer in writers)
        memory = OpenMemory(place)
        there = {str(one.number): one for one in memory.store.all()}
        lost = sum(number not in there or there[number].question != q for number, q in said.items())
        torn = sum(
            memory.store.output(one.outputs[0].digest) is None
            or not memory.store.search_text(one.question, limit=count * processes)
            for one in [*there.values()][:: max(1, len(there) // 500)]
        )
        near = FindingIndex(memory.store, WordLlamaEmbedder(), Path(folder) / "other")
        near.catch_up()
        print(
            f"{processes} processes, {len(said):,} findings said to be saved in {seconds:.0f} s "
            f"({1000 * seconds / max(1, len(said)):.1f} ms each): {lost} lost, {torn} by half, "
            f"{failed} writers failed, {len(there) - len(said)} not said; {len(near):,} "
            f"in the index, {memory.store.count():,} current (targets: 0 lost, by half, failed)"
        )
        memory.close()


if __name__ == "__main__":
    main()
