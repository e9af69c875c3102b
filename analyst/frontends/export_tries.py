"""Code of tries that failed: left out of a report's notebook, unless what came after stands on it.

A step that is tried again goes on in the kernel as its first try left it, so some of that may be
needed. Told from the syntax trees alone, and rather too much is kept than too little.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from analyst.frontends.export_code import names_used


def without_failed_tries(
    code: Sequence[str], tried: Collection[int], data: Collection[str]
) -> list[str]:
    """Return pieces of code without those ``tried`` in vain; ``data``: names of what is loaded."""
    from analyst.memory.provenance import trace  # noqa: PLC0415 - only where there is a notebook

    kept: list[str] = []
    for number in reversed(range(len(code))):
        later = "\n".join(sorted(_read_first(kept)))
        if number not in tried or trace(later, [code[number]], data).setup:
            kept.insert(0, code[number])
    return kept


def _read_first(pieces: Sequence[str]) -> set[str]:
    """Return the names that pieces of code read before they bind them."""
    found: set[str] = set()
    bound: set[str] = set()
    for piece in pieces:
        try:
            body = ast.parse(piece).body
        except (SyntaxError, ValueError, RecursionError):
            found |= names_used(piece) - bound
            continue
        for statement in body:
            names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
            read = {one.id for one in names if isinstance(one.ctx, ast.Load)}
            if isinstance(statement, ast.AugAssign):
                read |= {one.id for one in names}
            found |= read - bound
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                bound |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
            elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
                bound.add(statement.name)
    return found
