"""Offering what is known, so that a question that was answered before needs no code.

Here: the message with which the model is asked, and the reading of its reply. The model only
says which finding answers; the answer is the finding's own text, so that no number can change
on its way. Not here: what is recalled (:mod:`analyst.memory.recall`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyst.boundaries import as_data
from analyst.memory.finding import Finding
from analyst.memory.telling import MOST_CHARACTERS, brief

REPLY_TOKENS = 24

_NAMED = re.compile(r"\bF\s?(\d{1,12})\b")
_FINDING_NAME = re.compile(r"\[F(\d{1,12})\]")


def offer(question: str, findings: Sequence[Finding]) -> str:
    """Return the message that offers findings; what they say is marked as data."""
    room = MOST_CHARACTERS // max(1, len(findings))
    lines = []
    for finding in findings:
        lines.append(f"{finding.citation} asked: {brief(finding.question, room // 2)}")
        lines.append(f"answer: {brief(finding.answer, room // 2)}")
    closing = (
        "If one of them asks for exactly the same as the question, reply FINAL: and its name, as "
        f"in FINAL: {findings[0].citation}. If none does, reply FINAL: NO. Write no code."
    )
    told = as_data("Computed before, by code, on exactly the data at hand.", lines)
    return "\n".join([told, "", f"Question: {question.strip()}", "", closing])


def earlier_code(finding: Finding) -> str:
    """Return the code of a finding for the model, marked as data; "" when it is too long."""
    if len(finding.code) > MOST_CHARACTERS:
        return ""
    opening = "This code answered the question before, on an older version of the data."
    return as_data(opening, [finding.code.strip()])


def chosen(reply: str, findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that a reply names; ``None`` when it names none, or several."""
    named = {int(number) for number in _NAMED.findall(reply)}
    found = [finding for finding in findings if finding.number in named]
    return found[0] if len(named) == 1 and found else None


def quote(finding: Finding) -> str:
    """Return a finding's answer as an answer now, with its citation."""
    day = finding.created_at[:10]
    source = f"Known from {day}, computed on this very data {finding.citation}."
    return f"{finding.answer.strip()}\n\n{source}"


def cites(text: str) -> bool:
    """Whether a text cites a finding, so that it is not all new."""
    return bool(cited(text))


def cited(text: str) -> set[int]:
    """Return the numbers of the findings that a text cites."""
    return {int(number) for number in _FINDING_NAME.findall(text)}


def without_citations(text: str) -> str:
    """Return a text without its citations, whose numbers are none of data."""
    return _FINDING_NAME.sub("", text)
