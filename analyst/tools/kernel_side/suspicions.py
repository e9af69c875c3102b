"""All that looks wrong about a cell that ran without an error, by the frames before and after it.

Here: which looks there are. Each is cheap, sure of itself, and silent when in doubt, since a
doubt costs a whole new try. Not here: the looks; those that need the code's text alone are on
the other side (``analyst.tools.code_checks``).
"""

from __future__ import annotations

from typing import Any

from .bins import bin_look
from .frames import frames_of
from .joins import join_look
from .losses import group_remarks, loss_doubts
from .matches import match_look
from .orderings import order_doubts
from .shares import share_look
from .snapshots import all_code, copies_on_write, snapshot
from .unused import unused_doubts

_before: dict[str, Any] = {}


def hold(namespace: dict[str, Any]) -> None:
    """Keep the frames as they are, for the look at what a cell did to them."""
    _before.clear()
    for name, frame in frames_of(namespace).items():
        try:
            # Free where pandas copies only what is written to; else what it was is good enough.
            _before[name] = frame.copy(deep=False) if copies_on_write() else frame
        except Exception:  # noqa: BLE001, S112 - an odd frame must not break the run
            continue


def held() -> dict[str, Any]:
    """Return the frames as they were before the cell."""
    return dict(_before)


def suspicions(
    code: str, namespace: dict[str, Any], question: str = "", *, whole: str = ""
) -> dict[str, list[str]]:
    """Return ``doubts``, worth a new try, and ``remarks``, worth knowing; a sentence each.

    ``question`` is what was asked: what it asks for outright is not doubted. ``whole`` is all the
    code that ran for it, where this cell gives what is asked for; else empty.
    """
    before, after = dict(_before), frames_of(namespace)
    given = snapshot() or before
    joins, joined = _both(join_look, code, before, after, question, all_code())
    matches, unmatched = _both(match_look, code, before, after, question)
    bins, outside = _both(bin_look, code, namespace, after, question)
    shares, added = _both(share_look, code, namespace, question)
    doubts = [
        *(_quietly(unused_doubts, whole, question, given) if whole else ()),
        *joins,
        *matches,
        *_quietly(order_doubts, code, before, after, question),
        *_quietly(loss_doubts, code, before, question),
        *bins,
        *shares,
    ]
    return {
        "doubts": doubts,
        "remarks": [*_quietly(group_remarks, code, after), *joined, *unmatched, *outside, *added],
    }


def _both(look: Any, *arguments: Any) -> tuple[list[str], list[str]]:
    """Return the doubts and the remarks of a look that has both."""
    try:
        doubts, remarks = look(*arguments)
    except Exception:  # noqa: BLE001 - whatever objects the code left, a look must not fail
        return [], []
    return doubts, remarks


def _quietly(look: Any, *arguments: Any) -> list[str]:
    try:
        found: list[str] = look(*arguments)
    except Exception:  # noqa: BLE001 - whatever objects the code left, a look must not fail
        return []
    return found
