"""What a role is asked in its turn, and how its verdict is read.

Here: wording, short where the model is small, and pure functions on replies. Not here: when it is
said (:mod:`analyst.agent.team.turns`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyst.agent import salvage
from analyst.agent.checks import critic
from analyst.agent.team.blackboard import Entry
from analyst.boundaries import as_data
from analyst.memory.telling import brief
from analyst.record.events import TeamKind

SHOWN = 1500
REASON_SHOWN = 300
LETTERS = ("A", "B")

SEARCH = (
    "Look up what the question needs besides the data. Then say what you found in a few sentences, "
    "each with its source; compute nothing."
)
DISCUSS = (
    "Say in at most three sentences what the others should mind, or what is wrong or missing. "
    "Write no code. To ask one of them, name it as in @analyst."
)
DECIDE = (
    "Decide by the question's words which one follows it. Reply with the letter A or B and one "
    "short sentence that says why. Write no code."
)
PLAN = "Reply with the plan as at most six numbered lines, and nothing else. Compute nothing."

_OK = re.compile(r"^\W*ok\b", re.IGNORECASE)
_FAULT = re.compile(r"^\W*fault\b", re.IGNORECASE | re.MULTILINE)
_LETTER = re.compile(
    r"^\W*(?:(?:[Aa]nswer|[Rr]esult|[Oo]ption|[Ll]etter|[Tt]he|is|I|choose)\W+){0,4}([AB])"
    # A letter, and not the word that "A better one is" begins with.
    r"(?=\W*$|\s*[.,:;)*\n\u2013\u2014-]|\s+(?:because|since|as|is|follows|fits|uses|does|counts)\b)"
    r"[\W_]*(?P<why>.*)",
    re.DOTALL,
)


def mend(*, native: bool) -> str:
    """Ask whoever computed to mend a result, or to stand by it."""
    if native:
        return (
            "There is an objection to your result. If it is right, mend the result; if it is not, "
            "say in a sentence why. Then answer the question again, complete by itself."
        )
    return "A first try was objected to. If the objection is right, mind it."


def go_on() -> str:
    """Ask whoever computed to go on with what it asked for."""
    return "What you asked for is there. Answer the question now, complete by itself."


def in_words(result: Entry, *, native: bool) -> str:
    """Ask for the answer in words."""
    told = as_data("The result.", [shown_result(result, with_code=False)])
    if native:
        ask = (
            "Answer the question now in Markdown from this result, the answer first; use no other "
            "numbers. Call nothing, unless a number is lacking."
        )
    else:
        ask = (
            "Write no code. Reply with one line that starts with FINAL: and answers the question "
            "in one to three sentences, with the numbers of the result and no others."
        )
    return f"{told}\n\n{ask}"


def choice(one: Entry, other: Entry, objections: Sequence[Entry]) -> str:
    """Show two results and what was objected, for whoever decides."""
    lines = []
    for letter, result in zip(LETTERS, (one, other), strict=True):
        lines += [f"{letter}:", shown_result(result, with_code=True)]
    lines += [f"Objection: {brief(entry.text, REASON_SHOWN)}" for entry in objections]
    return as_data("Two results, and what was objected.", lines)


def result_told(result: Entry) -> str:
    """Show a result and its code as data."""
    return as_data("The result.", [shown_result(result, with_code=True)])


def shown_result(result: Entry, *, with_code: bool) -> str:
    """Return a result as a model is shown it."""
    parts = []
    if with_code and result.code:
        parts.append(f"```python\n{result.code.strip()[:SHOWN]}\n```")
    parts.append(result.text.strip()[:SHOWN])
    return "\n".join(parts)


def verdict_in(reply: str) -> tuple[TeamKind, str]:
    """Return what a review comes to, ``objection``, ``approval`` or ``remark``, and its words."""
    text = reply.strip()
    start = _FAULT.search(text)
    fault = critic.fault_in(text[start.start() :]) if start is not None else ""
    if fault:
        return "objection", fault
    approves = _OK.match(said(text)) or any(_OK.match(one) for one in text.splitlines()[-1:])
    return ("approval" if approves else "remark"), brief(said(text), REASON_SHOWN)


def letter_in(reply: str) -> tuple[int, str] | None:
    """Return which of two results a reply decides for (0 or 1), and why; ``None`` if for none."""
    match = _LETTER.match(said(reply))
    if match is None:
        return None
    return LETTERS.index(match[1].upper()), brief(match["why"], REASON_SHOWN)


def said(reply: str) -> str:
    """Return the words of a reply without the mark of a final answer."""
    final = salvage.final_text(reply)
    return final[1] if final is not None and final[1] else reply.strip()
