"""What is strange about the named values that code reported, whichever way they were computed.

Here: putting the looks at values together. Not here: the looks (:mod:`.choices`,
:mod:`.shapes`), and those at the code and its frames (the python tool's).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyst.agent.checks.choices import choice_doubts, choices_asked
from analyst.agent.checks.shapes import shape_doubts
from analyst.agent.task import Task


def value_doubts(task: Task, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each value that can hardly be what the task asks for."""
    choices = choices_asked(task.question.text, task.value_names, task.value_pattern)
    return (*choice_doubts(values, choices), *shape_doubts(values))
