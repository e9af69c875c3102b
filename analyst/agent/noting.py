"""What a finished call leaves in a run's progress: counts, texts seen, values asked for.

Here: reading them from a result. Not here: what they mean for the run
(:mod:`analyst.agent.calls`).
"""

from __future__ import annotations

from typing import Any

from analyst.agent import values as asked
from analyst.agent.checks.choices import choices_asked, spelled
from analyst.agent.checks.grounding import MOST_CHARACTERS
from analyst.agent.task import Progress, Task
from analyst.tools.registry import ToolResult


def note_result(task: Task, result: ToolResult, printed: str, progress: Progress) -> dict[str, Any]:
    """Note how a call ended; return the values asked for that it gave. ``printed``: its text."""
    if result.status != "ok":
        progress.calls_failed += 1
        return {}
    progress.calls_ok += result.computed
    progress.last_output = result.observation
    progress.seen += [printed[-MOST_CHARACTERS:], result.observation]
    names = task.value_names
    found = {name: value for name, value in result.values.items() if name in names}
    for other, name in task.placeholders.items():
        if other in result.values:
            found.setdefault(name, result.values[other])
    found.update(asked.printed_values(printed, names, task.value_pattern))
    if len(names) == 1 and not found and (lone := asked.lone_number(printed)) is not None:
        found[names[0]] = lone
    decimals = asked.decimals_asked(task.question.text, names, task.value_pattern)
    found = {name: asked.rounded(value, decimals.get(name)) for name, value in found.items()}
    choices = choices_asked(task.question.text, names, task.value_pattern)
    found = {name: spelled(value, choices.get(name, ())) for name, value in found.items()}
    progress.values.update(found)
    return found
