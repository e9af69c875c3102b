"""Slips in otherwise good code that can be mended without guessing.

Here: pure functions on source text. A model that was given a loaded frame often still
"reads" it from an invented file; that line is taken out. It also writes ``wind_speed`` for a
column called ``wind speed``. The run says so.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from analyst.tools.label_owners import owners_of_labels, texts_of
from analyst.tools.missing_columns import bracketed, spelt_otherwise


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


_TAKES_LABELS = {"groupby", "sort_values"}
_RENAMES = {"rename", "columns", "set_axis", "add_prefix", "add_suffix", "melt", "pivot"}


def correct_columns(code: str, *, frames: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """Write column labels as they are, where hardly more than their punctuation differs.

    ``frames`` are the columns of each frame there is. A label is corrected where exactly one column
    is meant and the code makes none of that spelling: one that is spelt otherwise, or, of a frame
    that is named, one with brackets. Code that renames columns is left alone. Returns the code and
    a sentence for each change.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code, []
    if any(isinstance(node, ast.Attribute) and node.attr in _RENAMES for node in ast.walk(tree)):
        return code, []
    found = sorted(_labels(tree, ast.Load), key=lambda node: (node.lineno, node.col_offset))
    made = {node.value for node in _labels(tree, ast.Store)}
    made |= {key.arg for key in ast.walk(tree) if isinstance(key, ast.keyword) and key.arg}
    owners = owners_of_labels(tree, frames)
    texts = _texts_besides(tree, found)
    columns = [label for labels in frames.values() for label in labels]
    lines = [line.encode() for line in code.split("\n")]
    notes = {}
    for node in reversed(found):
        label = str(node.value)
        if label in columns or label in made:
            continue
        meant = spelt_otherwise(label, columns)
        if not meant and label not in texts and (owner := owners.get(id(node))):
            meant = bracketed(label, frames[owner])
        if len(set(meant)) != 1:
            continue
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            continue
        line = lines[node.lineno - 1]
        right = repr(meant[0]).encode()
        lines[node.lineno - 1] = line[: node.col_offset] + right + line[node.end_col_offset :]
        notes[label] = f"There is no column {label!r}: {meant[0]!r} was used."
    return b"\n".join(lines).decode(), list(reversed(notes.values()))


def drop_last_print(
    code: str, *, unknown: Sequence[str], needed: Collection[str]
) -> tuple[str, list[str]]:
    """Leave out a last line that prints names nothing defines, where no value is lost by it.

    ``unknown`` are those names; ``needed`` are the variables asked for, of which the code must
    assign one, so that it still does its work.
    """
    if not unknown or not needed:
        return code, []
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code, []
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    if not stored & set(needed):
        return code, []
    lines = code.split("\n")
    last = tree.body[-1]
    if lines[last.lineno - 1][: last.col_offset].strip():
        return code, []
    lines[last.lineno - 1 :] = []
    return "\n".join(lines), [f"The last print was left out: no {', '.join(unknown)} is defined."]


def _texts_besides(tree: ast.Module, labels: Sequence[ast.Constant]) -> set[str]:
    """Return the texts of code other than some labels; what it makes is named by one of them."""
    known = {id(node) for node in labels}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in known
    }


def _labels(tree: ast.Module, context: type[ast.expr_context]) -> Iterator[ast.Constant]:
    """Yield the text constants that stand as labels in subscripts and in ``subset=`` and such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, context):
            yield from texts_of(node.slice)
        elif isinstance(node, ast.Call) and context is ast.Load:
            if isinstance(node.func, ast.Attribute) and node.func.attr in _TAKES_LABELS:
                for argument in node.args[:1]:
                    yield from texts_of(argument)
            for keyword in node.keywords:
                if keyword.arg in {"subset", "by", "on", "x", "y", "color", "index", "values"}:
                    yield from texts_of(keyword.value)
