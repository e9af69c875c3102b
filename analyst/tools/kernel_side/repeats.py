"""Sums and means over rows that a merge repeated: what was one row now counts several times."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .columns import keywords, text, texts_in
from .merges import Merge, Side, merges, partners

_ADDING = {"sum", "mean"}
_PER_ROW = re.compile(r"price|(?:^|[\W_])(?:rate|ratio|unit|per)(?:[\W_]|$)", re.IGNORECASE)
"""Columns that hold for each single row, however often it stands there."""


@dataclass(frozen=True)
class Total:
    """A sum or mean in the code: of which column, and in groups of which others."""

    label: str
    method: str
    groups: tuple[str, ...]


def repeated_look(
    tree: ast.Module,
    past: ast.Module,
    before: dict[str, Any],
    after: dict[str, Any],
    question: str,
    *,
    most_rows: int,
) -> tuple[list[str], list[str]]:
    """Doubt totals over columns of rows that a merge repeated; return doubts and remarks.

    ``tree`` is the code that ran, ``past`` all that ran for the question. Rows of the right side
    may be repeated on purpose: that is how attributes are looked up. They are told only.
    """
    doubts: list[str] = []
    remarks: list[str] = []
    for merge, totals in _summed(tree, past, before, after):
        left, right = merge.left, merge.right
        if left.name == right.name or max(len(left.frame), len(right.frame)) > most_rows:
            continue
        ours = [one for one in totals if _is_of(one, left.others, right, left.keys)]
        theirs = [one for one in totals if _is_of(one, right.others, left, right.keys)]
        theirs = [one for one in theirs if one.method == "sum"]
        if not ours and not theirs:
            continue
        found = partners(merge)
        if ours and (times := int(found.left.max())) > 1:
            sentence = _sentence(left, ours, times)
            if _asks_per_row(question, right.name):
                remarks.append(sentence)
            else:
                doubts.append(f"{sentence} Compute it from {left.name}, one row each.")
        if theirs and (times := int(found.right.max())) > 1:
            remarks.append(_sentence(right, theirs, times))
    return doubts, remarks


def _sentence(side: Side, totals: list[Total], times: int) -> str:
    what = " and ".join(dict.fromkeys(f"the {one.method} of {one.label!r}" for one in totals))
    return (
        f"The merge repeats rows of {side.name}, up to {times} times, so {what} "
        "counts them several times."
    )


def _summed(
    tree: ast.Module, past: ast.Module, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[tuple[Merge, list[Total]]]:
    """Yield merges with the totals that the code takes of what they made."""
    for merge in merges(tree, before, after):
        totals = [*_totals(tree, merge.call)]
        if merge.target:
            totals += _totals(tree, merge.target)
        if totals:
            yield merge, totals
    if ast.dump(tree) == ast.dump(past):
        return
    here = {ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for merge in merges(past, {}, after):
        if merge.target and ast.dump(merge.call) not in here:
            totals = [*_totals(tree, merge.target)]
            if totals:
                yield merge, totals


def _totals(tree: ast.Module, made: str | ast.Call) -> Iterator[Total]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in _ADDING:
            labels, base = _taken(node.func.value)
            groups = _groups(base, made)
            if groups is not None:
                yield from (Total(label, node.func.attr, groups) for label in labels)
        elif node.func.attr in {"agg", "aggregate"}:
            groups = _groups(node.func.value, made)
            if groups is not None:
                yield from (Total(*one, groups) for one in _aggregated(node))


def _taken(node: ast.expr) -> tuple[list[str], ast.expr]:
    """Return the labels that an expression takes, and of what."""
    if isinstance(node, ast.Subscript):
        return texts_in(node.slice), node.value
    if isinstance(node, ast.Attribute):
        return [node.attr], node.value
    return [], node


def _groups(node: ast.expr, made: str | ast.Call) -> tuple[str, ...] | None:
    """Return the columns by which a merge's result is grouped; ``None`` for anything else."""
    if _is_made(node, made):
        return ()
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "groupby"
        and _is_made(node.func.value, made)
        and (by := keywords(node).get("by", node.args[0] if node.args else None)) is not None
    ):
        return tuple(texts_in(by)) or None
    return None


def _is_made(node: ast.expr, made: str | ast.Call) -> bool:
    return node.id == made if isinstance(node, ast.Name) else node is made


def _aggregated(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield columns and methods of ``agg({"v": "sum"})`` and ``agg(total=("v", "sum"))``."""
    for given in call.args[:1]:
        if isinstance(given, ast.Dict):
            for key, value in zip(given.keys, given.values, strict=True):
                label = text(key) if key is not None else None
                for method in texts_in(value):
                    if label is not None and method in _ADDING:
                        yield label, method
    for item in call.keywords:
        pair = texts_in(item.value) if isinstance(item.value, ast.Tuple) else []
        if len(pair) == 2 and pair[1] in _ADDING:
            yield pair[0], pair[1]


def _is_of(total: Total, labels: list[str], other: Side, keys: tuple[str, ...]) -> bool:
    """Tell whether a total is over a column of one side alone, in groups of that side's rows.

    Groups by a column of the other side may hold each row but once. A mean in groups of the key
    itself is one of equal values.
    """
    if total.label not in labels or total.label in other.frame.columns:
        return False
    if _PER_ROW.search(total.label):
        return False
    if not {*total.groups} <= {*labels, *keys}:
        return False
    return not (total.method == "mean" and {*total.groups} & {*keys})


def _asks_per_row(question: str, name: str) -> bool:
    """Tell whether the question asks for each row of the other side: "per order"."""
    one = re.escape(name.lower().removesuffix("s"))
    pattern = rf"\b(?:per|each|every|all|across|weighted)\b(?:\W+\w+)?\W+{one}"
    return re.search(pattern, question, re.IGNORECASE) is not None
