"""SQL that code runs, and expressions of ``DataFrame.query``: what is told of them.

Not here: how a query is read (:mod:`analyst.tools.sql.statements`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analyst.tools.code_names import (
    QUERY_REACHES,
    SQL_CALLS,
    SQL_PARTS,
    SQL_READS,
    SQL_STATEMENT,
)
from analyst.tools.code_tree import CodeTree


def runs_sql(node: ast.Call, name: str, tree: CodeTree) -> bool:
    """Tell whether a call is told SQL."""
    if name in SQL_CALLS and isinstance(node.func, ast.Attribute):
        return True
    if name != "query" or not node.args:
        return False
    if isinstance(node.func, ast.Attribute) and tree.root(node.func.value) == "duckdb":
        return True
    texts = _texts_in(node.args[0]) or [*(tree.texts.of(node.args[0]) or ())]
    return any(map(SQL_STATEMENT.match, texts[:1]))


def of_query(node: ast.Call, name: str, of: str, tree: CodeTree) -> Iterator[str]:
    """Tell what a call does by the query that it is told, or by an expression."""
    if runs_sql(node, name, tree):
        yield from _of_sql(node, tree)
    elif isinstance(node.func, ast.Attribute) and name in {"query", "eval"}:
        yield from _of_expression(node)
    elif of == "duckdb" and name in SQL_PARTS and _is_unknown_part(node, tree):
        yield from ("elsewhere", "outside")


def _is_unknown_part(node: ast.Call, tree: CodeTree) -> bool:
    return len(node.args) > 1 and tree.texts.of(node.args[-1]) is None


def _of_sql(node: ast.Call, tree: CodeTree) -> Iterator[str]:
    first = next(iter(node.args), None)
    first = next((one.value for one in node.keywords if one.arg in {"query", "sql"}), first)
    whole = None if first is None else tree.texts.of(first)
    texts = [*whole] if whole else _texts_in(first)
    if not texts or not all(map(SQL_READS.match, texts if whole else texts[:1])):
        yield "writes"
    if not whole:
        yield from ("elsewhere", "outside")
        return
    # Late, for it is needed seldom and takes a while.
    from analyst.tools.sql.statements import read  # noqa: PLC0415

    for text in whole:
        if not read(text, "duckdb", places="machine").reads:
            yield "elsewhere"
        if not read(text, "duckdb", places="folder").reads:
            yield "outside"


def _of_expression(node: ast.Call) -> Iterator[str]:
    first = next(iter(node.args), None)
    texts = _texts_in(next((one.value for one in node.keywords if one.arg == "expr"), first))
    if not texts or any(map(QUERY_REACHES.search, texts)):
        yield "own code"


def _texts_in(node: ast.AST | None) -> list[str]:
    return [
        one.value
        for one in ast.walk(node or ast.Pass())
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
