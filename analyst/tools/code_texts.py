"""Which texts an expression in code surely is, as the names of files that it reads.

Told from what is spelled out in the same code: what another cell bound is not known. Not here:
what such a text means (:mod:`analyst.tools.code_kinds`).
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Sequence

Texts = frozenset[str]

_DEPTH = 20
_MOST_STEPS = 5_000
_MOST_TEXTS = 50
_LONGEST = 20_000
_NOTHING: Texts = frozenset()
_HERE: Texts = frozenset({"."})
_NO_NAMES = frozenset(
    {
        "StringIO",
        "BytesIO",
        "open",
        "urlopen",
        "ExcelFile",
        "ExcelWriter",
        "ParquetFile",
        "HDFStore",
    }
)
"""Calls that give a buffer in memory, or what is open: how it was opened is judged by itself."""

_OF_PATHS = frozenset({"joinpath", "open"})
_SAME = frozenset({"sorted", "list", "tuple", "set", "reversed"})


class SpelledOut:
    """What names in some code stand for, as far as the code spells it out."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._bound: dict[str, list[tuple[ast.expr, bool] | None]] = {}
        self._known: dict[str, Texts | None] = {}
        self._steps = 0
        self._iterated: set[int] = set()
        told: set[int] = set()
        for node in nodes:
            for target, value, one_of in _bindings(node):
                told.add(id(target))
                self._bound.setdefault(target.id, []).append((value, one_of))
                if one_of:
                    self._iterated.add(id(value))
        loaded: dict[str, list[ast.Name]] = {}
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                loaded.setdefault(node.id, []).append(node)
            elif id(node) not in told:
                for name in _names_bound_by(node):
                    self._bound.setdefault(name, []).append(None)
        self._only_iterated = {
            name for name, uses in loaded.items() if all(id(use) in self._iterated for use in uses)
        }

    def of(self, node: ast.AST | None, depth: int = 0) -> Texts | None:
        """Return all texts that ``node`` may be, ``None`` if that is not known.

        None of them where it is surely no name: a buffer in memory, or a file that is open.
        """
        self._steps += 1
        if depth > _DEPTH or self._steps > _MOST_STEPS:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return frozenset({text})
            case ast.Name(id=name):
                return self._of_name(name, depth)
            case ast.JoinedStr(values=values):
                return self._joined(values, depth)
            case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
                return self.of(value, depth + 1)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([left, right], depth)
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                return self._all([left, right], depth)
            case ast.IfExp(body=body, orelse=otherwise):
                return self._all([body, otherwise], depth)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._all(elements, depth)
            case ast.Call():
                return self._of_call(node, depth)
        return None

    def is_dict(self, node: ast.expr) -> bool:
        """Tell whether ``node`` surely is a dictionary."""
        if isinstance(node, ast.Name):
            bound = self._bound.get(node.id, [None])
            return all(
                one is not None and not one[1] and isinstance(one[0], ast.Dict | ast.DictComp)
                for one in bound
            )
        return isinstance(node, ast.Dict | ast.DictComp)

    def _of_name(self, name: str, depth: int) -> Texts | None:
        if name not in self._known:
            self._known[name] = None  # while it is looked for: it may stand for itself
            found = [
                None
                if one is None
                else self._elements(one[0], depth + 1)
                if one[1]
                else None
                if isinstance(one[0], ast.List | ast.Set)
                else self.of(one[0], depth + 1)
                for one in self._bound.get(name, [None])
            ]
            self._known[name] = _union(found)
        return self._known[name]

    def _elements(self, node: ast.expr, depth: int) -> Texts | None:
        """Return the texts that iterating over ``node`` may give."""
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                return self.of(node, depth + 1)
            case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _SAME and depth < _DEPTH:
                return self._elements(inner, depth + 1)
            case ast.Call(func=ast.Attribute(attr="glob" | "rglob", value=base), args=[pattern]):
                return self._all([base, pattern], depth)
            case ast.Call(func=ast.Attribute(attr="iterdir", value=base), args=[]):
                return self.of(base, depth + 1)
            case ast.Name(id=name) if name in self._only_iterated and depth < _DEPTH:
                # A list that is changed or handed on may hold anything by then.
                return _union(
                    None if one is None or one[1] else self._elements(one[0], depth + 1)
                    for one in self._bound.get(name, [None])
                )
        return None

    def _of_call(self, node: ast.Call, depth: int) -> Texts | None:
        function = node.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and name not in _OF_PATHS and root.id in self._bound:
            return None
        if name in _NO_NAMES:
            return _NOTHING
        if node.keywords:
            return None
        match function:
            case (
                ast.Name(id="Path" | "PurePath" | "str")
                | ast.Attribute(attr="Path" | "PurePath", value=ast.Name(id="pathlib"))
            ):
                return self._all(node.args, depth) if node.args else _HERE
            case ast.Attribute(
                attr="join", value=ast.Attribute(attr="path", value=ast.Name(id="os"))
            ) if node.args:
                return self._all(node.args, depth)
            case (
                ast.Attribute(attr="getcwd", value=ast.Name(id="os"))
                | ast.Attribute(attr="cwd", value=ast.Name(id="Path"))
            ):
                return _HERE
            case ast.Attribute(attr="joinpath", value=base):
                return self._all([base, *node.args], depth)
        return None

    def _all(self, parts: Iterable[ast.expr], depth: int) -> Texts | None:
        return _union(self.of(part, depth + 1) for part in parts)

    def _joined(self, parts: Sequence[ast.expr], depth: int) -> Texts | None:
        found: set[str] = {""}
        for part in parts:
            texts = self.of(part, depth + 1)
            if not texts:
                return None
            found = {before + text for before, text in itertools.product(found, texts)}
            if len(found) > _MOST_TEXTS or any(len(text) > _LONGEST for text in found):
                return None
        return frozenset(found)


def _union(found: Iterable[Texts | None]) -> Texts | None:
    texts: set[str] = set()
    for one in found:
        if one is None or len(texts) > _MOST_TEXTS:
            return None
        texts |= one
    return frozenset(texts)


def _bindings(node: ast.AST) -> list[tuple[ast.Name, ast.expr, bool]]:
    """Return the names that ``node`` binds, to what, and whether to each element of that."""
    match node:
        case ast.Assign(targets=targets, value=value):
            return [(one, value, False) for one in targets if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value):
            return [(name, value, False)]
        case ast.NamedExpr(target=name, value=value):
            return [(name, value, False)]
        case ast.For(target=ast.Name() as name, iter=value):
            return [(name, value, True)]
        case ast.comprehension(target=ast.Name() as name, iter=value):
            return [(name, value, True)]
        case ast.withitem(optional_vars=ast.Name() as name, context_expr=value):
            return [(name, value, False)]
    return []


def _names_bound_by(node: ast.AST) -> list[str]:
    """Return the names that ``node`` binds in a way of which nothing is told here."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.arg(arg=name):
            return [name]
        case ast.alias(name=name, asname=other):
            # Under its own name it is what it is called; there is nothing to be told of it.
            return [other] if other not in {None, name} else []
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
    return []
