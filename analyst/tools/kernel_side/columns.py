"""Reading from code which frames and columns it uses; nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any


def parsed(code: str) -> ast.Module:
    """Return the syntax tree, an empty one for what is no Python (magics, a cut-off reply)."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def column(node: ast.AST) -> tuple[str, str] | None:
    """Return the names of frame and column that ``df["price"]`` or ``df.price`` speak of."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        label = text(node.slice)
        return None if label is None else (node.value.id, label)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return None


def text(node: ast.AST) -> str | None:
    """Return the text that a literal holds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def texts_in(node: ast.AST) -> list[str]:
    """Return the text, or the list of texts, that a literal holds; empty for anything else."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        found = [text(item) for item in node.elts]
        return [one for one in found if one is not None] if None not in found else []
    lone = text(node)
    return [] if lone is None else [lone]


def named(tree: ast.AST) -> set[str]:
    """Return every text and attribute in the code: the columns that it may speak of."""
    found = {text(node) or "" for node in ast.walk(tree)}
    return found | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def methods(tree: ast.AST) -> set[str]:
    """Return the names of all that is called, be it a method or a function."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                found.add(node.func.attr)
            elif isinstance(node.func, ast.Name):
                found.add(node.func.id)
    return found


def assignments(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that are given a value exactly once, and by what expression."""
    stored = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and stored.count(target.id) == 1:
                yield target.id, node.value


def stored_lines(tree: ast.Module) -> dict[str, list[int]]:
    """Return the lines in which names are given a value."""
    found: dict[str, list[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.setdefault(node.id, []).append(node.lineno)
    return found


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return the arguments of a call that are given by name."""
    return {item.arg: item.value for item in call.keywords if item.arg is not None}


def is_text(series: Any) -> bool:
    """Tell whether a column holds text, by its type and its first value."""
    if str(series.dtype) not in {"object", "str", "string", "category"}:
        return False
    present = series.iloc[:1000].dropna()
    return bool(len(present)) and isinstance(present.iloc[0], str)
