"""Whose columns the labels in code are: of which of the frames there are.

Here: pure functions on a syntax tree. Not here: what becomes of a label
(:mod:`analyst.tools.slips`).
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

_KEEP_COLUMNS = frozenset(
    {"copy", "dropna", "drop_duplicates", "fillna", "head", "tail", "sample", "query", "loc"}
    | {"sort_values", "reset_index", "replace", "nlargest", "nsmallest", "iloc"}
)
"""What gives a frame with the columns that it had."""


def owners_of_labels(tree: ast.Module, frames: Collection[str]) -> dict[int, str]:
    """Return for label nodes, by their ids, the name of the frame that they are looked up in.

    Those of names that the code gives such a frame, whole or some of its rows, are among them.
    Names to which it gives something else, too, are none.
    """
    known = {name: name for name in frames}
    kept = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, owner = node.targets[0], _root(node.value, known)
            if not isinstance(target, ast.Name) or owner is None:
                continue
            if known.setdefault(target.id, owner) == owner:
                kept.add(id(target))
    for name in _given_something(tree, but=kept):
        known.pop(name, None)
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
            continue
        owner = _root(node.value, known)
        if owner is not None:
            found.update((id(label), owner) for label in texts_of(_columns(node)))
    return found


def _given_something(tree: ast.Module, *, but: Collection[int]) -> set[str]:
    """Return the names that code gives a value, by other nodes than those of some ids."""
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in but
    }
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _root(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """Return the frame that an expression is, whole or some rows of it."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Call(func=ast.Attribute() as called):
                node = called
            case ast.Attribute(value=value, attr=name) if name in _KEEP_COLUMNS:
                node = value
            case ast.Subscript(value=value, slice=ast.Compare() | ast.BinOp() | ast.UnaryOp()):
                node = value
            case _:
                return None
    return known.get(node.id)


def _columns(node: ast.Subscript) -> ast.expr:
    """Return what stands for columns between the brackets; of ``loc`` that comes second."""
    if not (isinstance(node.value, ast.Attribute) and node.value.attr in {"loc", "iloc"}):
        return node.slice
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    return parts[1] if len(parts) == 2 else ast.Tuple([])


def texts_of(node: ast.expr) -> Iterator[ast.Constant]:
    """Yield a node that is a text, or those in a list or tuple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield from texts_of(item)
