"""Findings told to a model: short, and marked as data.

Here: the text. Not here: which findings are told, and when.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyst.boundaries import as_data
from analyst.memory.recall import SAME_DATA, Outcome, Recalled

MOST_CHARACTERS = 1_800
"""Of all findings that are told at once; about 600 tokens."""

_MEANING = {
    Outcome.KNOWN: "on exactly the data at hand",
    Outcome.LIKELY: "on exactly the data at hand",
    Outcome.RELATED: "on exactly the data at hand",
    Outcome.STALE: "on an older version of the data: compute it again",
    Outcome.RECIPE: "on other data: only the way to compute it matters",
}


def described_attached(recalled: Sequence[Recalled], *, has_data: bool) -> str:
    """Return findings that the user added to a question, for a model; "" for none.

    ``has_data``: the question is of data, and a finding's value is told only if it is of that
    very data. Without data its value is told with what it was computed on, and when.
    """
    if not recalled:
        return ""
    room = MOST_CHARACTERS // len(recalled)
    lines = []
    for one in recalled:
        finding = one.finding
        lines.append(f"{finding.citation} asked: {brief(finding.question, room // 3)}")
        if one.outcome in SAME_DATA or not has_data:
            of = ", ".join(brief(data.name, 40) for data in finding.data) or "no data"
            day = finding.created_at[:10]
            lines.append(f"computed on {of} as it was on {day}: {brief(finding.answer, room // 2)}")
        else:
            lines.append(f"{_MEANING[one.outcome]}.")
            if len(finding.code) <= room // 2:
                lines.append(f"code:\n{finding.code.strip()}")
    return as_data("The user added what was computed before, to be named as in [F1].", lines)


def described(recalled: Sequence[Recalled]) -> str:
    """Return findings for a model; the value of a finding only if it is of the data at hand."""
    if not recalled:
        return "Nothing like it was computed before."
    room = MOST_CHARACTERS // len(recalled)
    lines = []
    for one in recalled:
        finding = one.finding
        asked = brief(finding.question, room // 3)
        lines.append(f"{finding.citation} asked, {_MEANING[one.outcome]}: {asked}")
        if one.outcome in SAME_DATA:
            lines.append(f"answer: {brief(finding.answer, room // 2)}")
        elif len(finding.code) <= room // 2:
            lines.append(f"code:\n{finding.code.strip()}")
    return as_data(
        "Computed before. Name a finding, as in [F1], where the answer rests on it.", lines
    )


def brief(text: str, limit: int) -> str:
    """Return a text in one line of at most ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
