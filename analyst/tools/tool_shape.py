"""Whether an object that another package offers is a tool.

Here: one check, before any run meets the object. Not here: whose names it may not take
(:mod:`analyst.session.toolbox`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import jsonschema

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What the OpenAI API allows as the name of a function."""

_METHODS = ("judge", "prepare", "run")
_CHOICES = ("pure", "cacheable", "editable")


def fault_of(offered: object) -> str:
    """Return in a sentence why an object is no tool, or nothing.

    Raises what reading the object's properties raises.
    """
    name = getattr(offered, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return (
            f"{type(offered).__name__} has no name of at most 64 letters, digits, _ and -; make it "
            "with function_tool, or see the Tool protocol."
        )
    description = getattr(offered, "description", None)
    if not isinstance(description, str) or not description.strip():
        return f"{name} has no description, from which a model would know it."
    parameters = getattr(offered, "parameters", None)
    if not isinstance(parameters, Mapping) or parameters.get("type") != "object":
        return f"The parameters of {name} are no JSON Schema of an object."
    try:
        jsonschema.Draft202012Validator.check_schema(dict(parameters))
    except jsonschema.SchemaError as error:
        return f"The parameters of {name} are no JSON Schema: {error.message}."
    lacking = [one for one in _METHODS if not callable(getattr(offered, one, None))]
    lacking += [one for one in _CHOICES if not hasattr(offered, one)]
    if lacking:
        return f"{name} lacks {', '.join(lacking)}; ToolDefaults has what most tools share."
    return ""
