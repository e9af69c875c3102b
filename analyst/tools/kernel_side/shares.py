"""Shares of one whole, by the name of what holds them, that do not add up to it."""

from __future__ import annotations

import ast
import re
from typing import Any

from .asked import asks_for_ratio
from .columns import assignments, column, methods, parsed

TOLERANCE = 0.01
MOST = 200

_SHARES = re.compile(r"share|proportion|percent(?!ile)|pct|(?:^|_)perc(?:_|$)", re.IGNORECASE)
_OTHER = re.compile(r"cum|change|growth|diff|rank", re.IGNORECASE)
_COUNTING = {"size", "count", "value_counts", "sum"}
_GROUPING = {"groupby", "value_counts"}
_NOT_ONE_WHOLE = {"mean", "apply", "agg", "cumsum", "explode", "melt", "get_dummies", "transform"}
_CHOOSING = {"head", "tail", "nlargest", "nsmallest", "query", "drop", "isin", "filter", "get"}


def share_look(
    code: str, namespace: dict[str, Any], question: str = ""
) -> tuple[list[str], list[str]]:
    """Doubt shares that add up to more than the whole, and tell those that are less.

    Only where the code counts or sums groups and divides by one total: shares within groups (a
    mean, a rate) are not of one whole and need not add up. Less is told only where groups and
    total are of the same frame. Returns doubts and remarks.
    """
    tree = parsed(code)
    called = methods(tree)
    doubts: list[str] = []
    remarks: list[str] = []
    if not called & _COUNTING or called & _NOT_ONE_WHOLE:
        return doubts, remarks
    made = dict(assignments(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        name, series = _held(node.targets[0], namespace)
        if not _SHARES.search(name) or _OTHER.search(name) or not _is_plain(series):
            continue
        division = next((one for one in ast.walk(node.value) if _divides(one)), None)
        if not isinstance(division, ast.BinOp):
            continue
        groups, total = _source(division.left, made), _resolved(division.right, made)
        whole_of = _totalled(total)
        if whole_of is None or not methods(groups) & _GROUPING:
            continue
        factors = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        whole = 100.0 if 100 in factors else 1.0
        found = float(series.sum())
        sentence = f"The shares in {name} add up to {found:.4g}, not to {whole:g}."
        if found > whole * (1 + TOLERANCE):
            if not asks_for_ratio(question):
                doubts.append(f"{sentence} Divide by the sum of the same numbers.")
        elif found < whole * (1 - TOLERANCE) and _first_name(groups) == whole_of:
            chosen = (methods(groups) | methods(node.value)) & _CHOOSING
            compared = any(isinstance(part, ast.Compare) for part in ast.walk(groups))
            if not chosen and not compared:
                remarks.append(sentence)
    return doubts, remarks


def _held(target: ast.expr, namespace: dict[str, Any]) -> tuple[str, Any]:
    """Return the name of what was assigned, a variable or a column, and what it holds."""
    if isinstance(target, ast.Name):
        return target.id, namespace.get(target.id)
    place = column(target)
    frame: Any = namespace.get(place[0]) if place is not None else None
    if place is None or type(frame).__name__ != "DataFrame" or place[1] not in frame.columns:
        return "", None
    return place[1], frame[place[1]]


def _is_plain(series: Any) -> bool:
    return (
        type(series).__name__ == "Series"
        and 2 <= len(series) <= MOST
        and str(series.dtype) in {"float64", "float32"}
        and float(series.min()) >= 0
    )


def _divides(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _resolved(node: ast.expr, made: dict[str, ast.expr]) -> ast.expr:
    return made.get(node.id, node) if isinstance(node, ast.Name) else node


def _source(node: ast.expr, made: dict[str, ast.expr]) -> ast.expr:
    """Return the expression that made what is divided, through a name or a column of it."""
    place = column(node)
    name = node.id if isinstance(node, ast.Name) else place[0] if place is not None else ""
    return made.get(name, node)


def _totalled(total: ast.expr) -> str | None:
    """Return the name of the frame of which something is one number: a sum, or its length."""
    if not isinstance(total, ast.Call):
        return None
    if isinstance(total.func, ast.Name) and total.func.id == "len" and len(total.args) == 1:
        owner = total.args[0]
    elif isinstance(total.func, ast.Attribute) and total.func.attr == "sum":
        owner = total.func.value
    else:
        return None
    place = column(owner)
    return owner.id if isinstance(owner, ast.Name) else place[0] if place is not None else None


def _first_name(node: ast.expr) -> str:
    """Return the name that a chain begins with."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
