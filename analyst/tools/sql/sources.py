"""Which files a DuckDB query names, and whether they are where it may read unasked.

Here: names as the query spells them out; what it computes may be any name. Not here: what else a
query does (:mod:`.statements`).
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from analyst.tools.places import is_address, stays_here

_NOT_SPELLED = "It reads a file whose name is not spelled out."
_ON_ANOTHER = "It reads from another machine."
_OUTSIDE = "It reads a file outside of the working folder."


def trouble_of_table(table: exp.Table, *, folder: bool) -> list[str]:
    """Say what is wrong with the names of a table, which may be those of files."""
    return [words for part in table.parts for words in _trouble_of_name(part.name, folder=folder)]


def trouble_of_function(function: exp.Func, *, folder: bool) -> list[str]:
    """Say what is wrong with the files that a function reads: its first argument names them."""
    arguments = [*_listed(function.args.get("this")), *function.expressions]
    if not arguments:
        return [_NOT_SPELLED]
    first = arguments[0]
    files = first.expressions if isinstance(first, exp.Array | exp.Tuple) else [first]
    return [words for one in files for words in _trouble_of_file(one, folder=folder)]


def _listed(this: Any) -> list[Any]:
    # Of a function without a class ``this`` is its name.
    return [this] if isinstance(this, exp.Expr) and not isinstance(this, exp.Identifier) else []


def _trouble_of_file(node: Any, *, folder: bool) -> list[str]:
    if isinstance(node, exp.Literal) and node.is_string:
        return _trouble_of_name(node.name, folder=folder)
    return [_NOT_SPELLED]


def _trouble_of_name(name: str, *, folder: bool) -> list[str]:
    if is_address(name):
        return [_ON_ANOTHER]
    return [_OUTSIDE] if folder and not stays_here(name) else []
