"""What a finding's code stands on: which data it reads, which earlier code it needs.

Told from the syntax trees alone, and rather too much than too little: a needless dependency costs
a computation, a missed one would be a wrong number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Provenance:
    """``code`` with the imports it needs; ``setup``: earlier code; ``data``: names it reads.

    ``changed_data``: the earlier code changes that data.
    """

    code: str
    setup: str
    data: frozenset[str]
    changed_data: bool


_OUTSIDE = re.compile(
    r"\b(?:read_\w+|open|urlopen|urlretrieve|requests|httpx|loadtxt|genfromtxt|fromfile|connect"
    r"|create_engine|listdir|scandir|glob|iterdir|read_text|read_bytes|load_dataset|fetch_\w+"
    r"|now|today|utcnow|time\.time|random|rand|randn|randint|shuffle|choice|default_rng|sample|environ"
    r"|getenv|input|subprocess|system|popen)\s*[(.\[]"
)


_WRITES = re.compile(
    r"\b(?:to_(?:csv|parquet|excel|json|sql|feather|hdf|pickle|stata|html|latex|markdown)|savefig"
    r"|write\w*|save\w*|dump\w*|unlink|rename|mkdir|makedirs|remove|rmtree)\s*\("
)


def writes(code: str) -> bool:
    """Whether some code may write files, or to a database."""
    return bool(_WRITES.search(code))


def reads_outside(code: str) -> bool:
    """Whether some code may read what is not in its data: files, hosts, the clock, chance."""
    return bool(_OUTSIDE.search(code))


@dataclass(slots=True)
class _Names:
    """What some code reads, binds, may change in place, and what may be one by two names."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    same: list[set[str]] = field(default_factory=list)


def trace(code: str, earlier: Sequence[str], data: Collection[str]) -> Provenance:
    """Find what ``code`` needs of ``earlier`` code of the same kernel, and which of ``data``."""
    names = _names_of(code)
    cells = [(cell, _names_of(cell)) for cell in earlier]
    if names is None:
        return Provenance(code, "\n\n".join(earlier), frozenset(data), changed_data=bool(earlier))
    same = [pair for _, found in cells if found is not None for pair in found.same]
    needed = set(names.reads)
    kept: list[str] = []
    imports: dict[str, None] = {}
    changed = False
    for cell, found in reversed(cells):
        if found is None:
            # Nobody knows what it does.
            kept.append(cell)
            changed = True
        elif (changes := found.binds | _with_other_names(found.changes, same)) & needed:
            kept.append(cell)
            changed = changed or bool(changes & set(data))
            needed |= found.reads
        else:
            imports |= dict.fromkeys(_imports_of(cell, needed))
    whole = "\n".join([*imports, code]) if imports else code
    return Provenance(whole, "\n\n".join(reversed(kept)), frozenset(needed & set(data)), changed)


def _with_other_names(names: set[str], same: Sequence[set[str]]) -> set[str]:
    """Return names with all that may be the same things."""
    found = set(names)
    while more := [pair for pair in same if pair & found and not pair <= found]:
        found = found.union(*more)
    return found


def _names_of(code: str) -> _Names | None:
    """Read some code; ``None`` when what it does cannot be told."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    names = _Names()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="exec" | "eval")):
                return None
            case ast.Name(id=name, ctx=ast.Load()):
                names.reads.add(name)
            case ast.Name(id=name):
                names.binds.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.binds.add(name)
            case ast.ClassDef(name=name):
                names.binds.add(name)
            case ast.Assign(targets=targets, value=ast.Name() | ast.Attribute() | ast.Subscript()):
                names.same += [_root(target) | _root(node.value) for target in targets]
        names.changes |= _changed_by(node)
    return names


def _changed_by(node: ast.AST) -> set[str]:
    """Return the names of things that one part of some code may change in place."""
    match node:
        case (
            ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del())
        ):
            return _root(node)
        case ast.Expr(value=ast.Call(func=function) as call):
            # A call whose result nobody takes may be there for what it does.
            called = function.attr if isinstance(function, ast.Attribute) else None
            called = function.id if isinstance(function, ast.Name) else called
            return set() if called in _HARMLESS else _root(function) | _given(call)
        case ast.Call(func=ast.Attribute() as method, keywords=keywords):
            return _root(method) if any(one.arg == "inplace" for one in keywords) else set()
    return set()


_HARMLESS = frozenset(
    """
    print display len show head tail describe info plot hist bar scatter line pie savefig close
    title xlabel ylabel legend figure tight_layout to_csv to_excel to_parquet to_json write_html
    """.split()  # noqa: SIM905 - a list of words
)


def _given(call: ast.Call) -> set[str]:
    """Return the names that a call is given, and might change."""
    values = [*call.args, *(one.value for one in call.keywords)]
    return {name for value in values for name in _root(value)}


def _root(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _imports_of(cell: str, needed: Collection[str]) -> list[str]:
    found: list[ast.Import | ast.ImportFrom] = []
    for node in ast.walk(ast.parse(cell)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            bound = alias.asname or alias.name.split(".")[0]
            if bound in needed and alias.name != "*":
                found.append(
                    ast.Import([alias])
                    if isinstance(node, ast.Import)
                    else ast.ImportFrom(node.module, [alias], node.level)
                )
    return [ast.unparse(node) for node in found]
