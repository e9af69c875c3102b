"""Rewriting single statements of source text, so that everything else stays as written.

Here: applying a syntax-tree transformer. Not here: what is rewritten and why
(:mod:`analyst.tools.modernize`, :mod:`analyst.tools.mix_ups`).
"""

from __future__ import annotations

import ast


class Rewriter(ast.NodeTransformer):
    """A transformer that says in ``notes`` what it changed, a sentence a change."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.notes: list[str] = []


def rewrite(code: str, kind: type[Rewriter]) -> tuple[str, list[str]]:
    """Apply a transformer of this kind; return the code and a sentence for each change.

    Statements that need no change keep their text, and all keep their line numbers. Code that
    does not parse comes back as it is.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code, []
    rewriter = kind(tree)
    lines = code.split("\n")
    for statement in _simple_statements(tree):
        before = len(rewriter.notes)
        changed = rewriter.visit(statement)
        if len(rewriter.notes) == before:
            continue
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        indent = lines[first - 1][: statement.col_offset]
        if indent.strip() or ";" in lines[last - 1]:
            del rewriter.notes[before:]
            continue
        text = ast.unparse(ast.fix_missing_locations(changed))
        lines[first - 1 : last] = [indent + text, *[""] * (last - first)]
    return "\n".join(lines), list(dict.fromkeys(rewriter.notes))


def _simple_statements(tree: ast.Module) -> list[ast.stmt]:
    kinds = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return sorted(found, key=lambda node: node.lineno)
