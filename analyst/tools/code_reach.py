"""Where what code reads and writes is: in the working folder, elsewhere, or not known.

Kinds told here: ``network``; ``address``: something has an address for an argument; ``elsewhere``:
it may be on another machine; ``outside``: it may be out of the working folder; and those of
opening files. Not here: what is done by the name of a call alone
(:mod:`analyst.tools.code_kinds`), and SQL (:mod:`analyst.tools.code_sql`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analyst.tools.code_names import (
    COMPUTING,
    DATABASE_READERS,
    FILE_CALLS,
    OF_FRAMES,
    OPENING,
    PLAIN_CALLS,
    READERS,
    READING_ITSELF,
    READING_METHOD,
    SQL_READS_FILES,
    SURE_TARGETS,
    TARGETS,
    TO_FILE,
    TO_TEXT,
    WRITERS,
)
from analyst.tools.code_sql import of_query, runs_sql
from analyst.tools.code_tree import CodeTree
from analyst.tools.places import is_address, may_be_outside, stays_here

_UNKNOWN = ast.Starred(value=ast.Name(id="unknown", ctx=ast.Load()), ctx=ast.Load())
_RENAMES_LABELS = frozenset({"columns", "index", "axis", "mapper", "level"})
_BY_FIRST = frozenset({"matplotlib.use", "duckdb.connect"})
"""What reads what its first argument names, if it has one."""

_IN_MEMORY = frozenset({":memory:"})
_FILE_MODULES = frozenset({"io", "os", "codecs", "gzip", "bz2", "lzma"})


def told_by_target(node: ast.Call, name: str, of: str, tree: CodeTree) -> bool:
    """Tell whether a call that is named as if it wrote surely does not, by its arguments."""
    if name == "rename" and of not in {"os", "posix", "Path", "pathlib"}:
        first = next(iter(node.args), None)
        return (
            isinstance(first, ast.Lambda)
            or (first is not None and tree.texts.is_dict(first))
            or any(one.arg in _RENAMES_LABELS for one in node.keywords)
            or (isinstance(node.func, ast.Attribute) and _is_of_frame(node.func.value))
        )
    if TO_TEXT.fullmatch(name) and isinstance(node.func, ast.Attribute):
        base = node.func.value
        of_dates = isinstance(base, ast.Attribute) and base.attr == "dt"  # polars: by a format
        return of_dates or _target(node) is None
    return False


def _is_of_frame(node: ast.AST) -> bool:
    """Tell whether an expression goes through what frames have, and paths have not."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute) and node.attr in OF_FRAMES:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def _target(node: ast.Call, at: int = 0) -> ast.expr | None:
    """Return what a call reads or writes, as it is written; ``None`` if it is told nothing."""
    for one in node.keywords:
        if one.arg is None:
            return _UNKNOWN
        if one.arg in TARGETS and not _is_none(one.value):
            return one.value
    if any(isinstance(one, ast.Starred) for one in node.args):
        return _UNKNOWN
    if len(node.args) <= at or _is_none(node.args[at]):
        return None
    return node.args[at]


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


class Reaching:
    """Tells where the calls of some code lead."""

    def __init__(self, tree: CodeTree) -> None:
        self._tree = tree

    def of_call(self, node: ast.Call, name: str) -> Iterator[str]:
        """Tell where one call leads, which goes by ``name``."""
        of = self._tree.root(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name not in PLAIN_CALLS:
            yield from self._of_texts(node, is_sql=runs_sql(node, name, self._tree))
        for one in node.keywords:
            if one.arg in SURE_TARGETS and not _is_none(one.value):
                yield from self._leads(one.value)
        yield from of_query(node, name, of, self._tree)
        if name in OPENING:
            yield from _of_mode(node)
            yield from self._of_opening(node, of)
        elif TO_FILE.fullmatch(name) or name in WRITERS:
            if not told_by_target(node, name, of, self._tree):
                yield from self._leads(_target(node, 1 if name == "to_sql" else 0))
        elif isinstance(node.func, ast.Attribute) and name.startswith(("write_", "sink_")):
            yield from self._of_writing(node)
        elif self._reads(node, name, of):
            yield from self._of_reading(node, name, of)
        elif f"{of}.{name}" in _BY_FIRST:
            yield from self._of_first(node)
        elif self._may_be_of_path(node, name, of):
            yield "hidden"

    def _of_first(self, node: ast.Call) -> Iterator[str]:
        target = _target(node)
        if target is not None and self._tree.texts.of(target) != _IN_MEMORY:
            yield from self._leads(target)

    def _reads(self, node: ast.Call, name: str, of: str) -> bool:
        if not isinstance(node.func, ast.Attribute):
            return name in READERS and name not in self._tree.own_functions
        if name in {"loads", "loc"} or of == "json":
            return False
        if name.startswith("load") and _target(node) is None:
            return False  # a data set that comes with the library
        if name == "read":
            first = next(iter(node.args), None)
            return first is not None and not (
                isinstance(first, ast.Constant) and isinstance(first.value, int)
            )
        if name in {"walk", "dataset"}:
            return of == {"walk": "os", "dataset": "pyarrow"}[name]
        return name in READERS or name in READING_ITSELF or bool(READING_METHOD.fullmatch(name))

    def _of_reading(self, node: ast.Call, name: str, of: str) -> Iterator[str]:
        """Tell whether what is read is on the network, or may be."""
        if any(
            isinstance(one, ast.Constant) and isinstance(one.value, str) and "://" in one.value
            for one in [*node.args, *(keyword.value for keyword in node.keywords)]
        ):
            yield "network"
        if name in READING_ITSELF and isinstance(node.func, ast.Attribute) and of != "duckdb":
            yield from self._leads(node.func.value, file=True)
            if name in {"glob", "rglob"} and node.args:
                yield from self._leads(node.args[0], file=True)
        elif name in {"listdir", "scandir", "walk"}:
            if node.args or node.keywords:
                yield from self._leads(_target(node), file=True)
        elif name in DATABASE_READERS:
            yield from self._leads(_target(node, 1))
        else:
            yield from self._leads(_target(node))

    def _of_writing(self, node: ast.Call) -> Iterator[str]:
        """Tell where what is written goes: any of the arguments may say so."""
        said = [one.value for one in node.keywords if one.arg in TARGETS]
        known = [one for one in [*node.args, *said] if self._tree.texts.of(one) is not None]
        for one in known or [*node.args, *said, _UNKNOWN][:1]:
            yield from self._leads(one)

    def _leads(self, target: ast.expr | None, *, file: bool = False) -> Iterator[str]:
        """Tell where a name leads; ``file``: it is surely one of this machine's."""
        texts = None if target is None else self._tree.texts.of(target)
        if texts is None:
            yield "outside"
            if not file:
                yield "elsewhere"
            return
        for text in texts:
            if is_address(text) and not file:
                yield "network"
            if not stays_here(text):
                yield "outside"

    def _of_opening(self, node: ast.Call, of: str) -> Iterator[str]:
        function = node.func
        method = isinstance(function, ast.Attribute) and function.attr == "open"
        if not isinstance(function, ast.Attribute) or not method or of in _FILE_MODULES:
            yield from self._leads(_target(node), file=True)
        elif self._tree.texts.of(function.value) is not None:
            yield from self._leads(function.value, file=True)
        else:
            # A path, or something that opens what it is told, as a source of data.
            yield "outside"
            if node.args and not _may_be_mode(node.args[0]):
                yield from self._leads(node.args[0])

    def _of_texts(self, node: ast.Call, *, is_sql: bool) -> Iterator[str]:
        """Tell of texts in the arguments that are addresses, or name files elsewhere."""
        waiting: list[ast.AST] = [*node.args, *node.keywords]
        later: set[int] = set()
        while waiting:
            one = waiting.pop()
            if isinstance(one, ast.JoinedStr):
                later.update(map(id, one.values[1:]))
            elif isinstance(one, ast.BinOp):
                later.add(id(one.right))
            if isinstance(one, ast.Call):
                # What a call within is told is told of that one.
                waiting.append(one.func)
            elif isinstance(one, ast.Constant):
                text = one.value.decode("latin-1") if isinstance(one.value, bytes) else one.value
                if not isinstance(text, str):
                    continue
                if "://" in text:
                    yield "address"
                # Only at the beginning of a name does a slash lead to the root.
                if may_be_outside(f"x{text}" if id(one) in later else text):
                    yield "outside"
                if not is_sql and SQL_READS_FILES.search(text):
                    yield from ("elsewhere", "outside")
            else:
                waiting.extend(ast.iter_child_nodes(one))

    def _may_be_of_path(self, node: ast.Call, name: str, of: str) -> bool:
        """Tell whether a method that texts and frames have, too, may be that of a path."""
        if not isinstance(node.func, ast.Attribute):
            return False
        if name not in FILE_CALLS - {"truncate"} or len(node.args) != 1 or node.keywords:
            return False
        if of in COMPUTING or _is_of_frame(node.func.value):
            return False
        first = node.args[0]
        if isinstance(first, ast.List) or self._tree.texts.is_dict(first):
            return False
        return not (isinstance(first, ast.Constant) and not isinstance(first.value, str))


def _of_mode(node: ast.Call) -> Iterator[str]:
    """Tell whether a file is opened for writing."""
    if any(isinstance(one, ast.Starred) for one in node.args) or any(
        one.arg is None for one in node.keywords
    ):
        yield "writes"
        return
    mode = node.args[1] if len(node.args) > 1 else None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "open" and node.args:
        # Of a path the mode comes first.
        mode = node.args[0] if len(node.args) == 1 else mode
        mode = mode if mode is None or _may_be_mode(mode) else None
    mode = next((one.value for one in node.keywords if one.arg == "mode"), mode)
    if mode is None:
        return
    if not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+"):
        yield "writes"


def _may_be_mode(node: ast.AST) -> bool:
    """Tell whether an argument may be a mode, as ``rb+t``; a longer text is the name of a file."""
    return not (isinstance(node, ast.Constant) and len(str(node.value)) > len("rb+t"))
