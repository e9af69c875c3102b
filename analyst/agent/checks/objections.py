"""What speaks against an answer by what is known without a model.

Here: answers without computing, with blanks, or with numbers from nowhere. Not here: what is then
done (:mod:`analyst.agent.loop`), and computing again or reviewing (:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analyst.agent import reuse
from analyst.agent import values as asked
from analyst.agent.checks.grounding import numbers_not_computed
from analyst.agent.task import Progress, Task

_DIGITS = re.compile(r"\d")
_PLACEHOLDER = re.compile(
    # No brace of a formula: \bar{x}, s_{x}, \{x : x > 3\}.
    r"(?:[\[<]|(?<![\\A-Za-z_^}]){)"
    r"(?:insert|your|the|value|number|name|result|answer|x)\b[^\]>}]*[\]>}]",
    re.IGNORECASE,
)


def objection(task: Task, text: str, progress: Progress, *, rests_on_said: bool) -> str:
    """Say to the model why a text is no answer yet; "" if nothing speaks against it.

    ``rests_on_said``: its numbers stand in earlier answers of the conversation.
    """
    if blank := _PLACEHOLDER.search(text):
        return f"{blank[0]} is no answer. Print the value with code, then give it."
    if missing := asked.missing(task.value_names, progress.values):
        return f"Not assigned yet: {', '.join(missing)}. Write code that computes them."
    cites = reuse.cited(text) & task.told
    rests = progress.calls_ok or cites or rests_on_said
    if task.has_data and not rests and _DIGITS.search(reuse.without_citations(text)):
        return "No code has run, so these numbers are not computed. Compute them first."
    return ""


def not_computed(task: Task, text: str, progress: Progress, said: Sequence[str]) -> list[str]:
    """Return the numbers of an answer that nothing executed or ``said`` before accounts for.

    Where there is no data and no call ran, it is what the model knows, and nothing is claimed.
    """
    if not (task.has_data or progress.seen):
        return []
    values = [str(value) for value in progress.values.values()]
    sources = [task.question.text, *task.question.data, *said, *values, *progress.seen]
    return numbers_not_computed(text, sources)
