"""Slips in otherwise good code that can be mended without guessing.

Here: one pure function on source text. A model that was given a loaded frame often still
"reads" it from an invented file; that line is taken out, and the run says so.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path


def mend(code: str, frames: Sequence[str], directory: Path) -> tuple[str, list[str]]:
    """Take out reads of files that do not exist, where a loaded frame must be meant.

    A target that names a loaded frame keeps that frame; with exactly one frame loaded, any
    other target becomes a copy of it. ``directory`` is what relative paths are relative to.
    Returns the code and a sentence for each change. Line numbers stay.
    """
    if not frames:
        return code, []
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code, []
    lines = code.split("\n")
    notes = []
    for node in tree.body:
        path = _read_path(node)
        if path is None or "://" in path or (directory / path).exists():
            continue
        assert isinstance(node, ast.Assign)
        target = node.targets[0]
        if not isinstance(target, ast.Name) or not (target.id in frames or len(frames) == 1):
            continue
        keeps = target.id in frames
        end = node.end_lineno or node.lineno
        lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
        lines[node.lineno - 1] = "" if keeps else f"{target.id} = {frames[0]}.copy()"
        notes.append(
            f"There is no file {path!r}: "
            + (
                f"{target.id} is loaded already."
                if keeps
                else f"{frames[0]} was used in its place."
            )
        )
    return "\n".join(lines), notes


def _read_path(node: ast.stmt) -> str | None:
    """Return the path of a statement ``name = pd.read_…("path", …)``."""
    if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
        return None
    call = node.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
        return None
    first = call.args[0]
    if not (call.func.attr.startswith("read_") and isinstance(first, ast.Constant)):
        return None
    return first.value if isinstance(first.value, str) else None
