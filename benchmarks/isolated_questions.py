"""What isolation costs a question: the same ones, answered by the model in either kind of kernel.

Asks questions of a DABench folder alternately with an isolated kernel and with one that is not,
and prints the ratio of the seconds, question by question. Greedy decoding gives the same replies
to the same prompts, so what differs is the kernel. Nothing else may run beside it.

    python benchmarks/isolated_questions.py DABENCH [IDS] [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from analyst.evals.results import QuestionResult, read_results

KINDS = ("auto", "none")
SHORT = "5,6,8,58,64,66,69,71"
"""Questions that the embedded model answers in one step, ten seconds each."""


def evaluate(folder: Path, ids: str, isolation: str) -> dict[int, QuestionResult]:
    """Return the results of some questions by their ids."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "results"
        subprocess.run(
            [
                *(sys.executable, "-m", "analyst", "eval", "dabench", "--path", str(folder)),
                *("--ids", ids, "--set", f"isolation={isolation}"),
                *("--output", str(output)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return read_results(output)


def main() -> None:
    folder = Path(sys.argv[1])
    ids = sys.argv[2] if len(sys.argv) > 2 else SHORT
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    found: dict[str, list[dict[int, QuestionResult]]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind in KINDS if number % 2 else reversed(KINDS):
            found[kind].append(evaluate(folder, ids, kind))
    ratios = []
    for question in sorted(found["auto"][0]):
        seconds, right = (
            {kind: pick([one[question] for one in found[kind]]) for kind in KINDS}
            for pick in (
                lambda results: statistics.median(one.seconds for one in results),
                lambda results: [one.good for one in results],
            )
        )
        ratios.append(seconds["auto"] / seconds["none"])
        print(
            f"question {question}: isolated {seconds['auto']:.2f} s, not {seconds['none']:.2f} s; "
            f"right {right['auto']}, {right['none']}"
        )
    total = {kind: sum(r.seconds for one in found[kind] for r in one.values()) for kind in KINDS}
    print(f"median of the ratios {statistics.median(ratios):.3f}, ratio of all seconds "
          f"{total['auto'] / total['none']:.3f} (target 1.05)")  # fmt: skip


if __name__ == "__main__":
    main()
