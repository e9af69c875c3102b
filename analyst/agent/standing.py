"""What of a conversation holds on: the user's standing instructions, and decisions on the data.

A compaction drops the words of earlier questions; these sentences it must not. They are found by
their words alone, and rather one too many than one too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_SENTENCES = 12
MOST_CHARACTERS = 240

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|\n+")
_INSTRUCTION = re.compile(
    r"\b(?:always|never|from now on|for all|throughout|only|except|exclude|excluding|ignore"
    r"|ignoring|without|leave out|assume|assuming|treat|consider|count .{1,40} as|means"
    r"|stands? for|refers? to|do not|don't|must|should|make sure|round(?:ed)? to"
    r"|in (?:percent|euros?|dollars?|thousands|millions)|use|prefer|keep)\b",
    re.IGNORECASE,
)
_DECISION = re.compile(
    r"\b(?:exclud(?:ed|ing)|dropp(?:ed|ing)|remov(?:ed|ing)|ignor(?:ed|ing)|fill(?:ed|ing)"
    r"|imput(?:ed|ing)|assum(?:ed|ing)|treat(?:ed|ing)|convert(?:ed|ing)|replac(?:ed|ing)|merg(?:ed"
    r"|ing)|renam(?:ed|ing)|interpolat(?:ed|ing)|clipp(?:ed|ing)|filter(?:ed|ing)|instead of"
    r"|outliers?)\b",
    re.IGNORECASE,
)


def standing_instructions(questions: Iterable[str]) -> list[str]:
    """Return the sentences of a user that may hold for later questions too, oldest first."""
    return _sentences(questions, _INSTRUCTION)


def decisions(answers: Iterable[str]) -> list[str]:
    """Return the sentences of answers that say what was done to the data, oldest first."""
    return _sentences(answers, _DECISION)


def _sentences(texts: Iterable[str], wanted: re.Pattern[str]) -> list[str]:
    found: dict[str, None] = {}
    for text in texts:
        for sentence in _SENTENCE.split(text):
            line = " ".join(sentence.split())
            if line and wanted.search(line):
                shown = line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
                # Said again, it counts as said last.
                found.pop(shown, None)
                found[shown] = None
    return [*found][-MOST_SENTENCES:]
