"""What the user is told of computations that were compared: the parts of a note.

Not here: the comparison (:mod:`analyst.agent.checks.agreement`), or when one is made
(:mod:`analyst.agent.verify`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyst.agent.checks.agreement import agreeing, unconfirmed
from analyst.record import events

SHOWN = 60

NoteParts = tuple[str, str, events.NoteLevel]
NUMBERS_AGREE: NoteParts = (
    "second_agrees",
    "An independent computation gave the same numbers.",
    "info",
)
NUMBERS_DIFFER: NoteParts = (
    "second_differs",
    "Computed again another way, not all numbers of the answer came out.",
    "warning",
)


def told(chosen: int, values: Sequence[Mapping[str, Any]], names: Sequence[str]) -> NoteParts:
    """Word how the computations compare."""
    alone = unconfirmed(chosen, values, names)
    if alone:
        others = [_listed(one, alone) for at, one in enumerate(values) if at != chosen]
        text = (
            f"Not confirmed: {_listed(values[chosen], alone)}. Computed again another way: "
            f"{'; '.join(dict.fromkeys(others))}."
        )
        return "second_differs", text, "warning"
    count = sum(len(agreeing(values[chosen], one, names)) == len(names) for one in values)
    text = f"{count} of {len(values)} independent computations agree."
    if chosen:
        text += f" The first one did not: {_listed(values[0], names)}."
    return "second_agrees", text, "info"


def _listed(values: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name} = {str(values[name])[:SHOWN]}" for name in names if name in values)
