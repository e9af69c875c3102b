"""Help with the last error, and with nulls, that only the kernel can give: it has the objects."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import sys
from typing import Any

from .columns import column
from .usual import USUAL_MEMBERS

MOST_NAMES = 12
_NUMBERS_ONLY = (
    "A model takes numbers only: choose the columns that are asked for, and encode those of text "
    "with pd.get_dummies(X, dtype=float)."
)

_NOT_IN_MODULE = re.compile(r"cannot import name '(\w+)'")
_UNEXPECTED = re.compile(r"(\w+)\(\) got an unexpected keyword argument '(\w+)'")


def hint(code: str, namespace: dict[str, Any]) -> str:
    """Return a sentence on what the object at fault of the last error does have, or nothing."""
    error = getattr(sys, "last_value", None)
    try:
        if isinstance(error, (AttributeError, ImportError)) and (place := _place(error)):
            return place
        if isinstance(error, AttributeError):
            return _near_attribute(error)
        if isinstance(error, ValueError) and "could not convert string" in str(error):
            return _NUMBERS_ONLY if ".fit(" in code else ""
        if isinstance(error, TypeError):
            return _arguments(str(error), code, namespace)
    except Exception:  # noqa: BLE001 - help must not fail on whatever object is at fault
        return ""
    return ""


def _place(error: AttributeError | ImportError) -> str:
    """Say where a well-known function or class is that was looked for in another module."""
    if isinstance(error, AttributeError):
        name = error.name if inspect.ismodule(error.obj) else None
    else:
        match = _NOT_IN_MODULE.search(str(error))
        name = match[1] if match else None
    if name not in USUAL_MEMBERS:
        missing = isinstance(error, ImportError) and name is not None
        return f"There is no {name}; do it with pandas, numpy or scipy.stats." if missing else ""
    return f"Write: from {USUAL_MEMBERS[name]} import {name}"


def _near_attribute(error: AttributeError) -> str:
    if error.name is None or error.obj is None:
        return ""
    names = [name for name in dir(error.obj) if not name.startswith("_")]
    near = difflib.get_close_matches(error.name, names, n=3, cutoff=0.7)
    return f"It has {', '.join(near)}." if near else ""


def _arguments(message: str, code: str, namespace: dict[str, Any]) -> str:
    match = _UNEXPECTED.search(message)
    if match is None:
        return ""
    short, keyword = match[1], match[2]
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and any(item.arg == keyword for item in node.keywords):
            function = _look_up(node.func, namespace)
            if function is None or getattr(function, "__name__", "") != short:
                continue
            names = [name for name in inspect.signature(function).parameters if name[0] != "_"]
            return (
                f"Call {short}() without {keyword}=; "
                f"its arguments are {', '.join(names[:MOST_NAMES])}."
            )
    return ""


def _look_up(node: ast.expr, namespace: dict[str, Any]) -> Any:
    """Follow a dotted name, so that nothing but attributes is evaluated."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _look_up(node.value, namespace)
        return getattr(owner, node.attr, None) if inspect.ismodule(owner) else None
    return None


def _looked_at(tree: ast.Module) -> set[str]:
    """Return the columns whose nulls the code itself asks about or fills: they are meant."""
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"isna", "isnull", "notna", "notnull", "fillna"}
            and (place := column(node.value)) is not None
        ):
            found.add(place[1])
    return found


def null_rows(code: str, frames: dict[str, Any]) -> list[str]:
    """Return lines that leave out the nulls of the columns that ``code`` names."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    named = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named -= _looked_at(tree)
    lines = []
    for name, frame in frames.items():
        holed = [
            label
            for label in frame.columns
            if isinstance(label, str) and label in named and bool(frame[label].isna().any())
        ]
        if holed:
            lines.append(f"{name} = {name}.dropna(subset={holed[:MOST_NAMES]!r})")
    return lines[:3]
