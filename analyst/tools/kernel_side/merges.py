"""The merges in code: which frames met, on which keys, and how many partners each row found.

Here: reading them and counting keys. Not here: what looks wrong about them
(:mod:`.joins`, :mod:`.repeats`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .columns import keywords, stored_lines, text, texts_in

HOWS = {"inner", "left", "right", "outer"}


@dataclass(frozen=True)
class Side:
    """One of the two frames of a merge, as it was then; ``keys`` is empty for its index."""

    name: str
    frame: Any
    keys: tuple[str, ...]

    @property
    def others(self) -> list[str]:
        """The columns that are no keys."""
        return [one for one in self.frame.columns if isinstance(one, str) and one not in self.keys]

    @property
    def key_names(self) -> str:
        """The keys in words."""
        return " and ".join(map(repr, self.keys)) or "index"


@dataclass(frozen=True)
class Merge:
    """A merge as the code wrote it; ``target`` is the name that got the result, or empty."""

    target: str
    left: Side
    right: Side
    how: str
    call: ast.Call

    @property
    def made(self) -> str:
        """The result in words."""
        return self.target or f"The merge of {self.left.name} with {self.right.name}"


@dataclass(frozen=True)
class Partners:
    """For each row of either side, with how many of the other it was brought together."""

    left: Any
    right: Any


def merges(tree: ast.Module, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Merge]:
    """Yield the merges of two named frames, or of columns of them, also those within a chain.

    ``before`` and ``after`` are the frames by name, as they were and as the code left them. A
    frame of which it is not plain what it was at the merge is passed over, and so is what stands
    in functions, loops and branches.
    """
    stored = stored_lines(tree)
    for statement in _straight(tree.body):
        for node in ast.walk(statement):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in {"merge", "join"} or any(k.arg is None for k in node.keywords):
                continue

            def frame_at(name: str, here: ast.stmt = statement) -> Any:
                return _frame_at(name, here, stored, before, after)

            found = _merge(node, frame_at)
            if found is not None:
                yield Merge(_target(statement, node, stored), *found, node)


def partners(merge: Merge) -> Partners:
    """Count for each row how many rows of the other side have its key, as pandas matches them."""
    import numpy as np  # noqa: PLC0415 - the kernel may not need it
    import pandas as pd  # noqa: PLC0415

    left, right = _keys(merge.left), _keys(merge.right)
    keys = pd.concat([left, right], ignore_index=True)
    if keys.shape[1] == 1:
        codes, _ = pd.factorize(keys[0], use_na_sentinel=False)
    else:
        codes = keys.groupby([*keys.columns], dropna=False, sort=False, observed=True).ngroup()
    mine, theirs = np.split(np.asarray(codes), [len(left)])
    most = len(keys)
    return Partners(
        np.bincount(theirs, minlength=most)[mine], np.bincount(mine, minlength=most)[theirs]
    )


def rows_made(merge: Merge, found: Partners) -> int:
    """Return how many rows the merge made."""
    rows = int(found.left.sum())
    if merge.how in {"left", "outer"}:
        rows += int((found.left == 0).sum())
    if merge.how in {"right", "outer"}:
        rows += int((found.right == 0).sum())
    return rows


def _straight(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that surely run, once."""
    for statement in body:
        if isinstance(statement, (ast.With, ast.Try)):
            yield from _straight(statement.body)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)):
            yield statement


def _frame_at(
    name: str,
    statement: ast.stmt,
    stored: dict[str, list[int]],
    before: dict[str, Any],
    after: dict[str, Any],
) -> Any:
    """Return what a frame was when a statement ran, or ``None`` where that is not plain."""
    lines = stored.get(name, [])
    if all(line < statement.lineno for line in lines):
        return after.get(name)
    return before.get(name) if all(line >= statement.lineno for line in lines) else None


def _target(statement: ast.stmt, call: ast.Call, stored: dict[str, list[int]]) -> str:
    if isinstance(statement, ast.Assign) and statement.value is call:
        first = statement.targets[0]
        if len(statement.targets) == 1 and isinstance(first, ast.Name):
            return first.id if len(stored[first.id]) == 1 else ""
    return ""


def _merge(call: ast.Call, frame_at: Any) -> tuple[Side, Side, str] | None:
    assert isinstance(call.func, ast.Attribute)
    given = keywords(call)
    sides = [call.func.value, *call.args, *(given[k] for k in ("other", "right") if k in given)]
    if isinstance(sides[0], ast.Name) and frame_at(sides[0].id) is None:
        sides = sides[1:]  # pd.merge(left, right)
    if len(sides) != 2:
        return None
    one, two = (_operand(side, frame_at) for side in sides)
    if one is None or two is None:
        return None
    (left_name, left), (right_name, right) = one, two
    by_index = call.func.attr == "join"
    how = text(given["how"]) if "how" in given else "left" if by_index else "inner"
    if how not in HOWS:
        return None
    keys = _joined_on(given) if by_index else _merged_on(given, left, right)
    if keys is None or not {*keys[0]} <= {*left.columns} or not {*keys[1]} <= {*right.columns}:
        return None
    return Side(left_name, left, keys[0]), Side(right_name, right, keys[1]), how


def _operand(node: ast.expr, frame_at: Any) -> tuple[str, Any] | None:
    if isinstance(node, ast.Name):
        frame = frame_at(node.id)
        return None if frame is None or not frame.columns.is_unique else (node.id, frame)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.List):
        whole = _operand(node.value, frame_at) if isinstance(node.value, ast.Name) else None
        labels = texts_in(node.slice)
        if whole is not None and labels and {*labels} <= {*whole[1].columns}:
            return whole[0], whole[1][[*dict.fromkeys(labels)]]
    return None


_Keys = tuple[tuple[str, ...], tuple[str, ...]]


def _joined_on(given: dict[str, ast.expr]) -> _Keys | None:
    """Return the keys of ``left.join(right)``: an index, or columns for its left side."""
    on = tuple(texts_in(given["on"])) if "on" in given else ()
    return (on, ()) if bool(on) == ("on" in given) else None


def _merged_on(given: dict[str, ast.expr], left: Any, right: Any) -> _Keys | None:
    if not given.keys() & {"on", "left_on", "right_on", "left_index", "right_index"}:
        both = tuple(label for label in left.columns if label in set(right.columns))
        return (both, both) if both and all(isinstance(one, str) for one in both) else None
    keys = []
    for side in ("left", "right"):
        index = given.get(f"{side}_index")
        named = given.get(f"{side}_on", given.get("on"))
        on = tuple(texts_in(named)) if named is not None else ()
        if bool(on) == (isinstance(index, ast.Constant) and index.value is True):
            return None
        keys.append(on)
    alike = len(keys[0]) == len(keys[1]) or () in keys
    return (keys[0], keys[1]) if alike else None


def _keys(side: Side) -> Any:
    frame = side.frame[[*side.keys]] if side.keys else side.frame.index.to_frame(index=False)
    frame = frame.reset_index(drop=True)
    frame.columns = range(frame.shape[1])
    return frame
