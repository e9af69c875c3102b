"""The findings and questions of the recall benchmark, from the files beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from datasets import DATASETS

from analyst.memory.finding import DataFingerprint, Finding, KeyValue
from kernel_sandbox.codec.frames import encode
from kernel_sandbox.fingerprint import fingerprint

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Asked:
    """A question with the data at hand, and the question of the finding that answers it."""

    dataset: str
    question: str
    answered_by: str | None


@dataclass(frozen=True)
class Material:
    """All that the benchmark asks and knows."""

    findings: list[Finding]
    data: dict[str, DataFingerprint]
    paraphrases: list[Asked]
    heldout: list[Asked]
    unanswered: list[Asked]


def fingerprint_of(frame: pd.DataFrame) -> DataFingerprint:
    return DataFingerprint(
        name="df",
        kind="frame",
        content=fingerprint(encode(frame)),
        rows=len(frame),
        columns=tuple((str(column), str(kind)) for column, kind in frame.dtypes.items()),
    )


def load() -> Material:
    findings, paraphrases = [], []
    data: dict[str, DataFingerprint] = {}
    frame, dataset = pd.DataFrame(), ""
    for line in (HERE / "questions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            dataset = line.removeprefix("= ").strip()
            frame = DATASETS[dataset]()
            data[dataset] = fingerprint_of(frame)
        elif line and not line.startswith("#"):
            question, expression, *other = [part.strip() for part in line.split(" | ")]
            value = eval(expression, {"df": frame})
            findings.append(
                Finding(
                    question=question,
                    answer=str(value),
                    values=(KeyValue(name="result", value=str(value)[:200]),),
                    code=f"result = {expression}",
                    data=(data[dataset],),
                )
            )
            if other and other[-1]:
                paraphrases.append(Asked(dataset, other[-1], question))
    heldout = []
    for line in (HERE / "heldout.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            dataset, _, rest = line.partition(": ")
            question, _, answered_by = rest.partition(" | ")
            assert any(finding.question == answered_by for finding in findings), answered_by
            heldout.append(Asked(dataset, question, answered_by))
    unanswered = []
    for line in (HERE / "unanswered.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            dataset, _, question = line.partition(": ")
            unanswered.append(Asked(dataset, question, None))
    return Material(findings, data, paraphrases, heldout, unanswered)
