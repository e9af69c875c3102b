"""Columns of numbers kept as text that code is about to use as numbers, and how to convert them.

Here: which columns those are, sure enough to convert them unasked. Not here: what a column holds
(:mod:`.texts`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .columns import keywords, parsed, text, texts_in
from .texts import sure_conversion

_COMPUTING = {
    "mean", "median", "std", "var", "sem", "sum", "prod", "quantile", "corr", "cov", "skew",
    "kurt", "kurtosis", "max", "min", "idxmax", "idxmin", "nlargest", "nsmallest", "cumsum",
    "diff", "pct_change", "abs", "round", "hist", "clip", "between", "corrwith",
}  # fmt: skip
_FUNCTIONS = {
    "pearsonr", "spearmanr", "kendalltau", "zscore", "skew", "kurtosis", "shapiro", "ttest_ind",
    "mean", "median", "std", "var", "percentile", "quantile", "log", "log10", "log1p", "sqrt",
    "corrcoef", "linregress", "normaltest", "kstest", "mannwhitneyu", "f_oneway", "iqr",
}  # fmt: skip
_KEEPING = {"dropna", "fillna", "copy", "reset_index", "head", "tail", "sort_index", "abs"}
_NUMBERS = {"int", "float", "int64", "float64", "Int64", "Float64", "int32", "float32"}
_OWN_WAYS = {"str", "apply", "map", "replace", "value_counts", "unique", "nunique"}
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def conversions_needed(code: str, frames: dict[str, Any]) -> list[str]:
    """Return lines that convert what the code uses as numbers and converts in no way of its own.

    A column that the code also treats as text is left alone.
    """
    tree = parsed(code)
    used, spared = set(_used_as_numbers(tree)), set(_treated_as_text(tree))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = []
    for name, frame in frames.items():
        if name not in names:
            continue
        for label in frame.columns:
            if not isinstance(label, str) or label not in used - spared:
                continue
            try:
                conversion = sure_conversion(frame[label])
            except Exception:  # noqa: BLE001, S112 - an odd column must not stop the code
                continue
            if conversion:
                column = f"{name}[{label!r}]"
                lines.append(f"{column} = {conversion.replace('column', column)}")
    return lines


def _labels(node: ast.AST) -> list[str]:
    """Return the labels of the columns that an expression takes, through what keeps them."""
    if isinstance(node, ast.Subscript):
        return texts_in(node.slice)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [node.attr]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _KEEPING
    ):
        return _labels(node.func.value)
    return []


def _used_as_numbers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _used_by_call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Mult, ast.Div)):
            yield from (*_labels(node.left), *_labels(node.right))
        elif isinstance(node, ast.Compare) and any(isinstance(op, _ORDERS) for op in node.ops):
            for side in (node.left, *node.comparators):
                yield from _labels(side)


def _used_by_call(node: ast.Call) -> Iterator[str]:
    function = node.func
    if not isinstance(function, ast.Attribute):
        if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
            for argument in node.args:
                yield from _labels(argument)
        return
    if function.attr in _COMPUTING:
        yield from _labels(function.value)
    if function.attr in _FUNCTIONS:
        for argument in node.args:
            yield from _labels(argument)
    if function.attr == "to_numeric" and node.args and "errors" not in keywords(node):
        yield from _labels(node.args[0])
    if function.attr == "astype" and node.args:
        yield from _cast(function.value, node.args[0])
    if function.attr in {"sort_values", "nlargest", "nsmallest"}:
        by = keywords(node).get("by", node.args[-1] if node.args else None)
        yield from texts_in(by) if by is not None else ()
    if function.attr in {"agg", "aggregate"} and node.args and isinstance(node.args[0], ast.Dict):
        yield from (label for key in node.args[0].keys if key and (label := text(key)))


def _cast(receiver: ast.expr, kind: ast.expr) -> Iterator[str]:
    """Yield the labels of what ``astype`` makes numbers of."""
    if isinstance(kind, ast.Dict):
        for key, value in zip(kind.keys, kind.values, strict=True):
            if key is not None and _is_number_type(value) and (label := text(key)):
                yield label
    elif _is_number_type(kind):
        yield from _labels(receiver)


def _is_number_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _NUMBERS
    if isinstance(node, ast.Attribute):
        return node.attr in _NUMBERS
    return text(node) in _NUMBERS


def _treated_as_text(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _OWN_WAYS:
            yield from _labels(node.value)
        elif isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            if any(texts_in(side) for side in sides if not isinstance(side, ast.Subscript)):
                for side in sides:
                    yield from _labels(side)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "to_numeric" and "errors" in keywords(node):
                yield from (label for argument in node.args for label in _labels(argument))
            elif node.func.attr == "isin":
                yield from _labels(node.func.value)
            elif node.func.attr == "groupby" and node.args:
                yield from texts_in(node.args[0])
