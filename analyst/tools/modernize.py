"""Code for older libraries, rewritten for those that are installed.

Models know the libraries of their training years. Some of what they write then fails today,
and some of it, worse, does nothing: since pandas 3, ``df["a"].fillna(0, inplace=True)`` and
``df["a"][mask] = 0`` change a copy, and no column of text is ``object`` any more. Here: rewrites
that keep the meaning the code had, one sentence each. Not here: advice after errors
(:mod:`analyst.tools.advice`).
"""

from __future__ import annotations

import ast

from analyst.tools.rewriting import Rewriter, rewrite

_IN_PLACE = {"fillna", "replace", "clip", "mask", "where", "interpolate", "ffill", "bfill"}
_NUMERIC_ONLY = {"mean", "median", "std", "var", "sem"}
_GONE = {"infer_datetime_format", "error_bad_lines", "warn_bad_lines"}
_MASKS = {"isna", "isnull", "notna", "notnull", "isin", "between", "contains", "duplicated"}
_FILL = {"ffill": "ffill", "pad": "ffill", "bfill": "bfill", "backfill": "bfill"}


def modernize(code: str) -> tuple[str, list[str]]:
    """Rewrite what is written for older libraries; return the code and a sentence a change."""
    return rewrite(code, _Modernizer)


class _Modernizer(Rewriter):
    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in _IN_PLACE
            and isinstance(call.func.value, ast.Subscript | ast.Attribute)
            and _is_column(call.func.value)
            and _takes(call, "inplace", value=True)
        ):
            return node
        column = call.func.value
        call.keywords = [keyword for keyword in call.keywords if keyword.arg != "inplace"]
        self.notes.append("A change in place of a column was written as an assignment.")
        target = ast.parse(ast.unparse(column), mode="eval").body
        assert isinstance(target, ast.Subscript | ast.Attribute)
        target.ctx = ast.Store()
        return ast.copy_location(ast.Assign(targets=[target], value=call), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        if (
            len(node.targets) == 1
            and isinstance(target, ast.Subscript)
            and isinstance(target.value, ast.Subscript)
            and _is_column(target.value)
            and _is_mask(target.slice)
        ):
            frame, column = target.value.value, target.value.slice
            rows = ast.Tuple(elts=[target.slice, column], ctx=ast.Load())
            located = ast.Attribute(value=frame, attr="loc", ctx=ast.Load())
            node.targets = [ast.Subscript(value=located, slice=rows, ctx=ast.Store())]
            self.notes.append("A chained assignment was written with loc.")
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Since pandas 3 a column of text has the type ``str``, where it had ``object``."""
        self.generic_visit(node)
        left, operator, right = node.left, node.ops[0], node.comparators[0]
        if not (
            len(node.ops) == 1
            and isinstance(left, ast.Attribute)
            and left.attr in {"dtype", "dtypes"}
            and isinstance(operator, ast.Eq | ast.NotEq)
            and _means_object(right)
        ):
            return node
        whole = ast.unparse(left)
        if left.attr == "dtypes":
            test = f"{whole}.astype(str).isin(['object', 'str'])"
            text = test if isinstance(operator, ast.Eq) else f"~{test}"
        else:
            word = "in" if isinstance(operator, ast.Eq) else "not in"
            text = f"str({whole}) {word} ('object', 'str')"
        self.notes.append("Columns of text have the type str now, no longer object.")
        return ast.parse(text, mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
        if name == "OneHotEncoder":
            for keyword in node.keywords:
                if keyword.arg == "sparse":
                    keyword.arg = "sparse_output"
                    self.notes.append("OneHotEncoder's sparse is called sparse_output now.")
        elif name == "mean_squared_error" and _takes(node, "squared", value=False):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "squared"]
            self.notes.append("The root of mean_squared_error was taken with ** 0.5.")
            return ast.BinOp(left=node, op=ast.Pow(), right=ast.Constant(0.5))
        elif name == "skew" and {"fisher"} & {keyword.arg for keyword in node.keywords}:
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "fisher"]
            self.notes.append("skew() takes no fisher; it was left out.")
        elif name == "fillna" and isinstance(node.func, ast.Attribute):
            self._fill(node, node.func)
        elif isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            self._numeric_only(node, node.func)
        gone = [keyword for keyword in node.keywords if keyword.arg in _GONE]
        if gone:
            node.keywords = [keyword for keyword in node.keywords if keyword not in gone]
            self.notes.append(f"The argument {gone[0].arg} is gone from pandas; it was left out.")
        return node

    def _fill(self, node: ast.Call, function: ast.Attribute) -> None:
        for keyword in node.keywords:
            if keyword.arg == "method" and isinstance(keyword.value, ast.Constant):
                new = _FILL.get(str(keyword.value.value))
                if new is not None and not node.args:
                    function.attr = new
                    node.keywords = [other for other in node.keywords if other is not keyword]
                    self.notes.append(f"fillna(method=…) is called {new}() now.")
                return

    def _numeric_only(self, node: ast.Call, function: ast.Attribute) -> None:
        of_group = isinstance(function.value, ast.Call) and (
            isinstance(function.value.func, ast.Attribute) and function.value.func.attr == "groupby"
        )
        if function.attr == "corr" or (function.attr in _NUMERIC_ONLY and of_group):
            node.keywords = [ast.keyword(arg="numeric_only", value=ast.Constant(value=True))]
            self.notes.append(f"{function.attr}() was limited to the numeric columns.")


def _means_object(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in {"object", "O"}
    return ast.unparse(node) in {"object", "np.object_", "np.dtype('O')", "np.dtype('object')"}


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _is_column(node: ast.expr) -> bool:
    """Tell whether ``node`` is a column of a named frame: ``df["a"]``, ``df[name]`` or ``df.a``."""
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and isinstance(node.slice, ast.Constant | ast.Name)
    ) or (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))


def _is_mask(node: ast.expr) -> bool:
    """Tell whether ``node`` surely picks rows: ``counts[word][tag] = 1`` is a dictionary's."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Invert) and _is_mask(node.operand)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitAnd | ast.BitOr) and _is_mask(node.left)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in _MASKS
    return isinstance(node, ast.Compare)


def _takes(call: ast.Call, name: str, *, value: bool) -> bool:
    return any(
        keyword.arg == name
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is value
        for keyword in call.keywords
    )
