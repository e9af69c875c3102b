"""Merges whose rows are not what was meant: multiplied by repeated keys, or none at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .columns import assignments, keywords, parsed, text, texts_in
from .texts import short

EXAMPLES = 3
MOST_ROWS = 5_000_000
"""Frames with more rows are not looked into."""


@dataclass(frozen=True)
class Join:
    """A merge as the code wrote it: names of frames, and the columns it matched."""

    target: str
    left: str
    right: str
    how: str
    left_on: list[str]
    right_on: list[str]


def join_doubts(code: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Doubt merges that multiplied rows or matched none.

    ``before`` and ``after`` are the frames by name, as they were and as the code left them.
    """
    found = []
    for join in _joins(parsed(code), before | after):
        # A frame that the merge itself replaced is looked at as it was before.
        left = (before if join.target == join.left else after).get(join.left)
        right = (before if join.target == join.right else after).get(join.right)
        made = after.get(join.target)
        if left is None or right is None or made is None or join.left == join.right:
            continue
        if max(len(left), len(right)) <= MOST_ROWS and (doubt := _doubt(join, left, right, made)):
            found.append(doubt)
    return found


def _joins(tree: ast.Module, frames: dict[str, Any]) -> Iterator[Join]:
    for target, value in assignments(tree):
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
            continue
        if value.func.attr != "merge" or not isinstance(value.func.value, ast.Name):
            continue
        sides = [value.func.value, *value.args]
        if value.func.value.id not in frames:
            sides = sides[1:]  # pd.merge(left, right)
        names = [side.id for side in sides[:2] if isinstance(side, ast.Name)]
        given = keywords(value)
        if len(names) != 2 or len(sides) > 2 or given.keys() & {"left_index", "right_index"}:
            continue
        left, right = (frames.get(name) for name in names)
        if left is None or right is None:
            continue
        both = [label for label in left.columns if label in set(right.columns)]
        on = texts_in(given["on"]) if "on" in given else both
        left_on = texts_in(given["left_on"]) if "left_on" in given else on
        right_on = texts_in(given["right_on"]) if "right_on" in given else on
        how = (text(given["how"]) if "how" in given else "inner") or ""
        if left_on and len(left_on) == len(right_on) and how in {"inner", "left", "right", "outer"}:
            yield Join(target, names[0], names[1], how, left_on, right_on)


def _doubt(join: Join, left: Any, right: Any, made: Any) -> str:
    if set(join.left_on) - set(left.columns) or set(join.right_on) - set(right.columns):
        return ""
    keys = " and ".join(map(repr, join.left_on))
    if not len(made) and len(left) and len(right):
        mine, theirs = _examples(left, join.left_on[0]), _examples(right, join.right_on[0])
        return (
            f"{join.target} has no rows: {join.left} and {join.right} have no {keys} in common. "
            f"{join.left} holds {mine}; {join.right} holds {theirs}. Make them alike first."
        )
    repeats = bool(left.duplicated(join.left_on).any() and right.duplicated(join.right_on).any())
    if repeats and len(made) > max(len(left), len(right)):
        return (
            f"{join.target} has {len(made)} rows, made of {len(left)} and {len(right)}: {keys} "
            f"repeats in both, so rows were multiplied. Make {join.right} one row for each "
            f"{keys} first, or merge on more columns."
        )
    return ""


def _examples(frame: Any, label: str) -> str:
    values = frame[label].dropna().unique()[:EXAMPLES].tolist()
    return ", ".join(repr(short(v)) if isinstance(v, str) else short(v) for v in values)
