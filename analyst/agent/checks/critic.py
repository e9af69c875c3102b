"""The critic: what a reviewer is shown and asked, and how its word is read.

Not here: when one is asked (:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

import re

from analyst.llm.completion import Message

QUESTION = (
    "Review the code and the answer above. Does the code follow each condition of the question: "
    "which rows, which columns, which method, which rounding? Reply with OK and nothing else, or "
    "with FAULT: and the one thing that is wrong, in one sentence. Write no code."
)
LONGEST_FAULT = 300

_FAULT = re.compile(r"^\W*fault\W*\s*(?P<what>\S.*)", re.IGNORECASE | re.DOTALL)


def critic_message(answer: str, last: Message) -> Message:
    """Return the message that asks for the review; the answer stands in it if not before it."""
    shown = last.get("role") == "assistant" and answer.strip() in str(last.get("content"))
    text = QUESTION if shown else f"The answer:\n{answer.strip()}\n\n{QUESTION}"
    return {"role": "user", "content": text}


def fault_in(reply: str) -> str:
    """Return the fault that a review names, in one line; empty for OK and for anything else."""
    match = _FAULT.match(reply.strip())
    if match is None:
        return ""
    return " ".join(match["what"].split())[:LONGEST_FAULT]
