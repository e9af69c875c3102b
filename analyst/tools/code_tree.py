"""The syntax tree of some code, and what its names are called by others.

Not here: what any of it does (:mod:`analyst.tools.code_kinds`).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from analyst.tools.code_names import FILES, MODULES, USUAL
from analyst.tools.code_texts import SpelledOut


class CodeTree:
    """All nodes of a tree. ``called``: what is called, ``bases``: of what an attribute is taken.

    ``names``: by a name, the module or function that it stands for here.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.nodes = list(ast.walk(tree))
        self.names = _other_names(self.nodes)
        self.called = {id(node.func) for node in self.nodes if isinstance(node, ast.Call)}
        self.bases = {id(node.value) for node in self.nodes if isinstance(node, ast.Attribute)}
        self.texts = SpelledOut(self.nodes)
        self.own_functions = {
            node.name
            for node in self.nodes
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }

    def root(self, node: ast.AST) -> str:
        """Return the name that an expression begins with, or the module that it goes through."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(node, ast.Attribute) and node.attr in MODULES:
                return node.attr
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return ""
        return self.names.get(node.id, USUAL.get(node.id, node.id))


def _other_names(nodes: list[ast.AST]) -> Mapping[str, str]:
    """Return what modules and functions are called here, as ``o`` after ``import os as o``."""
    names: dict[str, str] = {}
    for node in nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            if alias.asname and names.get(alias.asname) not in FILES | MODULES:
                name = alias.name
                if isinstance(node, ast.Import) and name != "os.path":
                    name = name.partition(".")[0]
                names[alias.asname] = name
    return names
