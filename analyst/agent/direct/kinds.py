"""Which questions need no code: definitions, and what the conversation already holds.

Deterministic, by whole forms of words that are known, and rather too few than too many: whatever
is not surely one of them goes through the loop, for nothing about data may be answered from thin
air. Here: the decision, and whether a reply keeps to what was said. Not here: the forms
(:mod:`analyst.agent.direct.forms`), and asking (:mod:`analyst.agent.direct.answering`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from analyst.agent.context import Exchange
from analyst.agent.direct.forms import (
    AFTER,
    BEFORE,
    COMPARISON,
    COURTESY,
    FOLLOW_UP,
    POLITE,
    asks_for_definition,
)
from analyst.agent.partial import NO_ANSWER
from analyst.memory.numbers import numbers_in, read_number, rounds_to

Kind = Literal["definition", "follow_up", "courtesy"]
"""What such a question asks for: what a word means; what was said, or that in other words; or
nothing at all."""

LONGEST = 160
"""Characters; a longer question has conditions."""


_RATIO = re.compile(
    r"\b(?:twice|thrice|double|triple|half|third|quarter|times|percent|per cent|%)", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W_]+")
_OWN_WORDS = frozenset(
    """
    a an and are as at do does for how i in is it me mean of on or say so that the this to use was
    we were what when which who why with word words you your
    """.split()  # noqa: SIM905 - a list of words
)
"""Words of the forms themselves, which mean no column even where one is called so."""


def kind_of(question: str, *, names: Iterable[str], exchanges: Sequence[Exchange]) -> Kind | None:
    """Return what a question without need of code asks for; ``None``: it is for the loop.

    ``names``: of frames, files and columns. A question that holds one of them is about data.
    """
    text = _plain(question)
    if not text or len(text) > LONGEST or _names_data(text, names):
        return None
    bare = BEFORE.sub("", POLITE.sub("", text))
    forms = {text, bare, AFTER.sub("", bare)}
    if any(asks_for_definition(form) for form in forms):
        return "definition"
    if any(COURTESY.fullmatch(form) for form in forms):
        return "courtesy"
    if not exchanges or exchanges[-1].answer.startswith(NO_ANSWER):
        return None
    if any(FOLLOW_UP.fullmatch(form) for form in forms):
        return "follow_up"
    if any(COMPARISON.fullmatch(form) for form in forms):
        # With one number there is nothing to compare; with many the question is of more.
        compared = {read_number(one) for one in numbers_in(exchanges[-1].answer)}
        return "follow_up" if len(compared) == 2 else None
    return None


def keeps_to(reply: str, said: Sequence[str]) -> bool:
    """Whether a reply holds no number, and no ratio, that was not said before.

    Unlike in an answer that was computed, small numbers count too.
    """
    before = "\n".join(said)
    known = [abs(read_number(one)) for one in numbers_in(before)]
    new = [
        one
        for one in numbers_in(reply)
        if not any(rounds_to(value, one.lstrip("-")) for value in known)
    ]
    ratios = {found.lower() for found in _RATIO.findall(reply)}
    return not new and ratios <= {found.lower() for found in _RATIO.findall(before)}


def _plain(question: str) -> str:
    text = " ".join(question.split()).lower().replace("\u2019", "'").replace("\u2011", "-")
    return text.strip(" ?!.\"'")


def _names_data(text: str, names: Iterable[str]) -> bool:
    asked = [_stem(word) for word in _WORDS.findall(text)]
    spoken = f" {' '.join(asked)} "
    for name in names:
        words = [_stem(word) for word in _WORDS.findall(name.lower())]
        if not words or (len(words) == 1 and (words[0] in _OWN_WORDS or len(words[0]) == 1)):
            continue
        if f" {' '.join(words)} " in spoken:
            return True
    return False


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
