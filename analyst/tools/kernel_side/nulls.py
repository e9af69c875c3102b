"""Nulls that code makes on purpose, told apart from values that a conversion lost."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any

from .asked import names
from .columns import keywords, named, text
from .texts import short

MOST_NAMED = 20
"""Different lost values up to which each is sought in the question and the code."""

_MAKING = {
    "rolling", "expanding", "ewm", "shift", "diff", "pct_change", "where", "mask", "reindex",
    "reindex_like", "asfreq",
}  # fmt: skip
_NULLS = {"nan", "NaN", "NAN", "NA", "NaT"}
_READING = {"to_numeric", "to_datetime", "to_timedelta", "apply", "transform"}
_GIVING = {"value", "other", "to_replace", "fill_value"}
"""Arguments by which ``None`` is put into a column; by others it says something else."""


def meant(
    label: str, labels: Collection[str], tree: ast.Module, question: str, lost: Any = None
) -> bool:
    """Tell whether nulls that came into the column ``label`` were meant.

    ``labels`` are the frame's, ``lost`` the values that became null, where that is known. A step
    that names no column may concern any.
    """
    steps = [
        step for step in _steps(tree) if not (used := named(step) & {*labels}) or label in used
    ]
    if any(map(_makes_nulls, steps)) and not any(map(_converts, steps)):
        return True
    return lost is not None and _are_named(lost, tree, question)


def lost_values(before: Any, after: Any) -> Any:
    """Return the values that became null, or ``None`` where rows are not the same ones."""
    if len(before) != len(after) or not before.index.equals(after.index):
        return None
    return before[(after.isna() & before.notna()).to_numpy()]


def _steps(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that may change a column."""
    for node in ast.walk(tree):
        changes = isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) or (
            isinstance(node, ast.Expr)
            and any(
                isinstance(part, ast.keyword) and part.arg == "inplace" for part in ast.walk(node)
            )
        )
        if changes and isinstance(node, ast.stmt):
            yield node


def _makes_nulls(step: ast.stmt) -> bool:
    for node in ast.walk(step):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            numpys = isinstance(owner, ast.Name) and owner.id in {"np", "numpy"}
            if node.func.attr in _MAKING and not numpys:
                return True
    return _names_null(step)


def _names_null(step: ast.stmt) -> bool:
    other: set[int] = set()
    for node in ast.walk(step):
        if isinstance(node, ast.keyword) and node.arg not in _GIVING:
            other.add(id(node.value))
        elif isinstance(node, ast.Compare):
            other |= {id(side) for side in node.comparators}
    for node in ast.walk(step):
        if isinstance(node, ast.Constant) and node.value is None and id(node) not in other:
            return True
        if isinstance(node, ast.Attribute) and node.attr in _NULLS and id(node) not in other:
            return True
        if isinstance(node, ast.Name) and node.id in _NULLS:
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
            and any((text(item) or "").lower() == "nan" for item in node.args)
        ):
            return True
    return False


def _converts(step: ast.stmt) -> bool:
    """Tell whether a step makes nulls of what it cannot read, or has no entry for."""
    for node in ast.walk(step):
        if not isinstance(node, ast.Call):
            continue
        given = keywords(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in _READING and "errors" in given and text(given["errors"]) == "coerce":
            return True
        if name == "map" and node.args and not isinstance(node.args[0], ast.Lambda):
            return True
        if name == "extract":
            return True
    return False


def _are_named(lost: Any, tree: ast.Module, question: str) -> bool:
    """Tell whether each lost value stands in the question, or is replaced in the code by name."""
    distinct = lost.unique()
    if not 0 < len(distinct) <= MOST_NAMED:
        return False
    replaced: set[Any] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "replace"
            and not (isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "str")
        ):
            replaced |= {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    return all(
        value in replaced or names(question, value if isinstance(value, str) else short(value))
        for value in distinct.tolist()
    )
