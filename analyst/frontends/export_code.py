"""Code of runs as cells of a clean notebook: imports on top, data files by their parameters.

Here: rewriting source. Not here: which cells there are (:mod:`analyst.frontends.export`). What
cannot be parsed is left as it is.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from analyst.tools.kernel_side.usual import USUAL_MEMBERS, USUAL_NAMES

_HIDDEN = re.compile(
    "[\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_GIVEN = {"display", "get_ipython", "In", "Out", "__name__"}
"""Names that a notebook's kernel has without an import."""


@dataclass
class Imports:
    """The imports of a notebook, each once, in the order in which they came."""

    _lines: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The statements, plain imports first."""
        found = [*self._lines.values()]
        return sorted(dict.fromkeys(found), key=lambda line: (line.startswith("from"), line))

    @property
    def names(self) -> set[str]:
        """What they bind."""
        return set(self._lines)

    def add(self, name: str, line: str) -> bool:
        """Add a statement that binds ``name``; False if the name means something else already."""
        return self._lines.setdefault(name, line) == line

    def take_from(self, code: str) -> str:
        """Take the imports on top level out of ``code`` and return the rest."""
        tree = _parsed(code)
        if tree is None:
            return code
        lines = code.splitlines()
        gone: set[int] = set()
        others = {number for node in tree.body if not _is_import(node) for number in _span(node)}
        for node in tree.body:
            if not _is_import(node) or others & _span(node) or gone & _span(node):
                continue
            if self._took(node):
                gone |= _span(node)
        kept = [line for number, line in enumerate(lines, 1) if number not in gone]
        return "\n".join(kept).strip("\n")

    def complete(self, code: Iterable[str], bound: Collection[str]) -> None:
        """Add what code takes for granted and nothing binds: pd, np, and the like."""
        used: set[str] = set()
        known = {*bound, *self._lines, *dir(builtins), *_GIVEN}
        for cell in code:
            tree = _parsed(cell)
            for node in ast.walk(tree) if tree is not None else ():
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    used.add(node.id)
                else:
                    known |= _bound_by(node)
        for name in sorted(used - known):
            if name in USUAL_NAMES:
                module = USUAL_NAMES[name]
                self.add(name, f"import {module}" + (f" as {name}" if module != name else ""))
            elif name in USUAL_MEMBERS:
                self.add(name, f"from {USUAL_MEMBERS[name]} import {name}")

    def _took(self, node: ast.stmt) -> bool:
        assert isinstance(node, ast.Import | ast.ImportFrom)
        if isinstance(node, ast.ImportFrom) and (node.level or node.module == "__future__"):
            return False
        found: dict[str, str] = {}
        for alias in node.names:
            if alias.name == "*":
                return False
            single: ast.stmt
            if isinstance(node, ast.Import):
                single = ast.Import([alias])
                # Several modules of a package share its name, and each has to be imported.
                bound = alias.asname or alias.name
            else:
                single = ast.ImportFrom(node.module, [alias], 0)
                bound = alias.asname or alias.name
            found[bound] = ast.unparse(single)
        if any(self._lines.get(name, line) != line for name, line in found.items()):
            return False
        for name, line in found.items():
            self.add(name, line)
        return True


def with_parameters(code: str, parameters: Mapping[str, Collection[str]]) -> str:
    """Return ``code`` with the texts that are paths of data files replaced by their parameters.

    ``parameters``: by the name of each, the texts that mean its file.
    """
    tree = _parsed(code)
    if tree is None:
        return code
    meant = {text: name for name, texts in parameters.items() for text in texts}
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    }
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in meant
        and id(node) not in inside
        and node.lineno == node.end_lineno
    ]
    lines = [line.encode() for line in code.splitlines()]
    for node in sorted(found, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        name = meant[str(node.value)].encode()
        lines[node.lineno - 1] = line[: node.col_offset] + name + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def visible(code: str) -> str:
    """Return ``code`` with characters that hide or reorder text written as escapes."""
    return _HIDDEN.sub(_escaped, code.replace("\r\n", "\n").replace("\r", "\n"))


def names_used(code: str) -> set[str]:
    """Return the names that ``code`` reads; all words of what cannot be parsed."""
    tree = _parsed(code)
    if tree is None:
        return set(re.findall(r"[^\W\d]\w*", code))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _span(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.arg(arg=name):
            return {name}
        case ast.Import() | ast.ImportFrom():
            return {(one.asname or one.name).split(".")[0] for one in node.names}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return {name}
    return set()
