"""What code prints of a frame or a row that it put under an asked name: that is the value meant.

``top = df[df.score == df.score.max()]`` and then ``print(top["name"].tolist())`` answers with the
names, not with the whole rows.
"""

from __future__ import annotations

import ast
from typing import Any

from .columns import parsed

_HARMLESS = {"tolist", "to_list", "unique", "item", "to_string", "squeeze"}
_ATTRIBUTES = {"iloc", "loc", "values", "at", "iat"}


def narrowed(code: str, name: str, namespace: dict[str, Any]) -> Any:
    """Return the value that the code prints last of the frame or row called ``name``, or None.

    Nothing but looking up columns, rows and their values is evaluated for it.
    """
    held = namespace.get(name)
    kind = type(held).__name__
    if kind != "DataFrame" and not (kind == "Series" and _is_row(held)):
        return None
    found = None
    for statement in parsed(code).body:
        if (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.func, ast.Name)
            and statement.value.func.id == "print"
        ):
            chains = [part for part in statement.value.args if _narrows(part, name)]
            found = chains[-1] if chains else found
    if found is None:
        return None
    expression = compile(ast.Expression(found), "<what was printed>", "eval")
    return eval(expression, {"__builtins__": {}}, {name: held})  # noqa: S307 - see _narrows


def _is_row(series: Any) -> bool:
    return len(series) > 1 and all(isinstance(label, str) for label in list(series.index)[:3])


def _narrows(node: ast.expr, name: str) -> bool:
    """Tell whether an expression takes a column, row or value of the object called ``name``."""
    narrower = False
    while True:
        if isinstance(node, ast.Subscript):
            if not _is_plain(node.slice):
                return False
            narrower, node = True, node.value
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("_"):
                return False
            # Another attribute may be a column, but also something that does work.
            narrower, node = narrower or node.attr not in _ATTRIBUTES, node.value
        elif isinstance(node, ast.Call):
            function = node.func
            if not isinstance(function, ast.Attribute) or function.attr not in _HARMLESS:
                return False
            if node.args or node.keywords:
                return False
            node = function.value
        else:
            return narrower and isinstance(node, ast.Name) and node.id == name


def _is_plain(node: ast.expr) -> bool:
    """Tell whether an index is written out: constants, and lists, tuples and slices of them."""
    allowed = (*(ast.Constant, ast.List, ast.Tuple, ast.Slice, ast.UnaryOp, ast.USub, ast.Load),)
    return all(isinstance(part, allowed) for part in ast.walk(node))
