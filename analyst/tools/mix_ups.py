"""Mix-ups that have one meaning, rewritten to say it.

Here: ``df[column.idxmax()]`` for the row of that label, and the strongest correlation of a
column taken over a list that the column itself leads. Not here: what is only doubtful
(:mod:`analyst.tools.code_checks`).
"""

from __future__ import annotations

import ast

from analyst.tools.rewriting import Rewriter, rewrite

_EXTREMES = {"idxmax", "max", "argmax"}


def untangle(code: str) -> tuple[str, list[str]]:
    """Rewrite mix-ups; return the code and a sentence for each change."""
    return rewrite(code, _Untangler)


class _Untangler(Rewriter):
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        frame, label = node.value, node.slice
        if not (
            isinstance(frame, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and isinstance(label, ast.Call)
            and isinstance(label.func, ast.Attribute)
            and label.func.attr in {"idxmax", "idxmin"}
            and isinstance(label.func.value, ast.Subscript)
            and isinstance(label.func.value.value, ast.Name)
            and label.func.value.value.id == frame.id
        ):
            return node
        self.notes.append(f"The row of {label.func.attr}() was taken with loc.")
        node.value = ast.Attribute(value=frame, attr="loc", ctx=ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if not (isinstance(function, ast.Attribute) and function.attr in _EXTREMES):
            return node
        holder: ast.Call | None = None
        inner: ast.expr = function.value
        if (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr == "abs"
        ):
            holder, inner = inner, inner.func.value
        if not (isinstance(inner, ast.Subscript) and self._is_correlation(inner.value)):
            return node
        label = inner.slice
        if not (isinstance(label, ast.Constant) and isinstance(label.value, str)):
            return node
        others = ast.Call(
            func=ast.Attribute(value=inner, attr="drop", ctx=ast.Load()),
            args=[ast.Constant(label.value)],
            keywords=[],
        )
        if holder is None:
            function.value = others
        else:
            assert isinstance(holder.func, ast.Attribute)
            holder.func.value = others
        self.notes.append(f"{label.value!r} was left out of what it correlates with.")
        return node

    def _is_correlation(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return node.func.attr == "corr"
        return isinstance(node, ast.Name) and any(
            isinstance(other, ast.Assign)
            and isinstance(other.targets[0], ast.Name)
            and other.targets[0].id == node.id
            and isinstance(other.value, ast.Call)
            and self._is_correlation(other.value)
            for other in ast.walk(self.tree)
        )
