"""Values whose shape tells that more was taken than was asked for.

Here: whole rows where a name or a number was meant. Not here: values of another kind than the
question allows (:mod:`.choices`), or that fit no JSON (the python tool's).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FEWEST = 3
"""Values of a row; two of different kinds, as a name and its count, may well be asked for."""


def shape_doubts(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each value that looks like a whole row: texts and numbers mixed."""
    return tuple(
        f"{name} came out as a whole row of {len(value)} values, texts and numbers mixed. Assign "
        "only what is asked for, from its column."
        for name, value in values.items()
        if _is_row(value)
    )


def _is_row(value: Any) -> bool:
    if not isinstance(value, list) or len(value) < FEWEST:
        return False
    texts = sum(isinstance(one, str) for one in value)
    numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    return texts > 0 and numbers > 0 and texts + numbers == len(value)
