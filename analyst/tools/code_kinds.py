"""What code does beyond computing, told from its syntax tree.

Here: kinds of doings, found by names, and rather too many than too few. It misses what is well
hidden; it decides who is asked, and keeps nothing out. Not here: the names
(:mod:`analyst.tools.code_names`), where that is which is read and written
(:mod:`analyst.tools.code_reach`), and what a kind means (:mod:`analyst.tools.risk`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from analyst.tools.code_names import (
    ALLOWED,
    BARE,
    COMPUTING,
    DELETING,
    ENVIRONMENT,
    FILE_CALLS,
    FILES,
    INSIDES,
    MODULES,
    NETWORK,
    NETWORK_CALLS,
    OPENING,
    OWN_CODE,
    PROGRAM_CALLS,
    PROGRAM_MODULES,
    PROGRAMS,
    REACHED_BY_NAME,
    READERS,
    RUNS_TEXT,
    TO_FILE,
    UNPICKLING,
    UNPICKLING_MODULES,
    WRITING,
)
from analyst.tools.code_reach import Reaching, told_by_target
from analyst.tools.code_tree import CodeTree

_MAGIC = re.compile(r"^\s*(?:!|%%?\w)", re.MULTILINE)
_MOST_CHARACTERS = 200_000
_PLAIN = frozenset({"__name__", "__len__", "__doc__", "__version__"})
_NETWORK_MODULES = frozenset({"pyarrow.fs", "pyarrow.flight", "scipy.datasets"})
_BY_NAME = frozenset({"attrgetter", "methodcaller"})
_BY_TEXT = frozenset({"apply", "agg", "aggregate", "transform", "pipe"})
"""Methods of frames that call others by a text."""

_RENAMED_MATTERS = FILES | MODULES | READERS | OPENING | OWN_CODE | {"io", "PurePath", "DataSource"}


def kinds_in(code: str) -> set[str]:
    """Return what some code does besides computing, by kinds; never raises."""
    if len(code) > _MOST_CHARACTERS:
        return {"too long"}
    try:
        tree = CodeTree(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"commands" if _MAGIC.search(code) else "unreadable"}
    reaching = Reaching(tree)
    try:
        return {kind for node in tree.nodes for kind in _kinds(node, tree, reaching)}
    except RecursionError:
        return {"unreadable"}


def _kinds(node: ast.AST, tree: CodeTree, reaching: Reaching) -> Iterator[str]:
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _of_import(node)
        case ast.Name(id=name):
            yield from _of_name(node, tree)
        case ast.Attribute():
            yield from _of_attribute(node, tree)
        case ast.Call(func=ast.Name(id=name)):
            name = tree.names.get(name, name)
            yield from _of_call(node, name, "", tree)
            yield from reaching.of_call(node, name)
        case ast.Call(func=ast.Attribute(attr=attr, value=value)):
            yield from _of_call(node, attr, tree.root(value), tree)
            yield from reaching.of_call(node, attr)
        case ast.Call():
            yield from reaching.of_call(node, "")


def _of_name(node: ast.Name, tree: CodeTree) -> Iterator[str]:
    name = node.id
    if name == "get_ipython":
        yield "programs"
    elif name in OWN_CODE or (name.startswith("__") and name not in _PLAIN):
        yield "own code"
    elif name == "open" and id(node) not in tree.called:
        yield "writes"
    elif id(node) in tree.bases:
        if tree.names.get(name, name) in REACHED_BY_NAME:
            yield "hidden"
    elif isinstance(node.ctx, ast.Load):
        if tree.names.get(name, name) in BARE:
            # By another name, of which nothing is known, it leads anywhere.
            yield "own code"
        elif id(node) not in tree.called and name in READERS:
            yield from ("elsewhere", "outside")


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _of_module(alias.name)
            renamed = alias.asname not in {None, alias.name}
            if renamed and alias.name in _RENAMED_MATTERS | BARE:
                yield "hidden"
        return
    module = node.module or ""
    top = module.partition(".")[0]
    yield from _of_module(module)
    for alias in node.names:
        name = alias.name
        yield from _of_called_name(name, module)
        if f"{module}.{name}" in _NETWORK_MODULES:
            yield "network"
        if name in MODULES or name in RUNS_TEXT or (name == "*" and module in MODULES):
            yield "own code"
        elif name in ENVIRONMENT:
            yield "environment"
        elif name == "get_ipython":
            yield "programs"
        if module == "plotly.offline" and name in {"plot", "*"}:
            yield "writes"
        hides = (
            (top == "pandas" and name in INSIDES)
            or name == "*"
            or name.startswith("_")
            or not _is_allowed(name, module)
        )
        if hides or (alias.asname not in {None, name} and name in _RENAMED_MATTERS):
            yield "hidden"
    inner = set(module.split(".")[1:])
    if any(part.startswith("_") for part in inner) or (top == "pandas" and inner & INSIDES):
        yield "hidden"


def _of_attribute(node: ast.Attribute, tree: CodeTree) -> Iterator[str]:
    attr = node.attr
    of = tree.root(node.value)
    if attr.startswith("__") and attr not in _PLAIN:
        yield "own code"
    elif attr.strip("_") in MODULES and isinstance(node.value, ast.Name | ast.Attribute):
        # A module that is reached by another; a column may be called so, too.
        yield "own code"
    elif attr in RUNS_TEXT:
        yield "own code"
    elif attr in ENVIRONMENT:
        yield "environment"
    elif id(node) not in tree.called:
        yield from _of_uncalled(attr, of)
    if attr in PROGRAM_MODULES:
        yield "programs"
    elif f"{of}.{attr}" in _NETWORK_MODULES:
        yield "network"
    if isinstance(node.value, ast.Name):
        inside = attr.startswith("_") or (of == "pandas" and attr in INSIDES)
        if not _is_allowed(attr, of) or (inside and of in COMPUTING):
            yield "hidden"
    elif of == "pandas" and attr == "common":
        yield "hidden"


def _of_uncalled(attr: str, of: str) -> Iterator[str]:
    """Tell of what is named without a call, to be called by another name."""
    if of in FILES:
        yield from _of_called_name(attr, of)
    if attr in READERS:
        yield from ("elsewhere", "outside")
    elif TO_FILE.fullmatch(attr) or attr in {"savefig", "tofile"}:
        yield "writes"
    elif NETWORK_CALLS.fullmatch(attr) and not attr.startswith("download"):
        yield "network"


def _is_allowed(name: str, module: str) -> bool:
    """Tell whether other rules know what is named here, of a module that leads anywhere."""
    allowed = ALLOWED.get(module.replace("posix", "os"))
    if allowed is None:
        return not module.startswith("IPython.") or module == "IPython.display"
    return (
        name in allowed
        or bool([*_of_called_name(name, module)])
        or (name in OPENING or name in ENVIRONMENT)
    )


def _of_module(module: str) -> Iterator[str]:
    top, *below = module.split(".")
    if top in PROGRAMS or "ctypeslib" in below:
        yield "programs"
    elif top in NETWORK or module in _NETWORK_MODULES:
        yield "network"
    elif top in {"importlib", "runpy", "code", "builtins", "gc", "inspect", "sys"}:
        yield "own code"
    elif top in {"pickle", "cloudpickle", "dill", "joblib", "shelve"}:
        yield "unpickles"
    elif top not in COMPUTING:
        yield "other modules"


def _of_called_name(name: str, of: str) -> Iterator[str]:
    if PROGRAM_CALLS.fullmatch(name):
        yield "programs"
    elif NETWORK_CALLS.fullmatch(name):
        yield "network"
    elif name in FILE_CALLS and of in FILES:
        yield "writes"
    elif name in DELETING and (of in FILES or name != "remove"):
        yield "deletes"
    elif WRITING.fullmatch(name):
        yield "writes"
    elif name in UNPICKLING and of not in {"json", "orjson"}:
        yield "unpickles"


def _of_call(node: ast.Call, name: str, of: str, tree: CodeTree) -> Iterator[str]:
    """Tell of a call by its name, and by what it is told."""
    if name in _BY_NAME:
        yield from _of_naming(node)
    elif name not in OPENING and not told_by_target(node, name, of, tree):
        yield from _of_called_name(name, of)
    if name in _BY_TEXT:
        texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
        if any(isinstance(text, str) and TO_FILE.fullmatch(text) for text in texts):
            yield "writes"
    yield from _of_options(node, name, of)


def _of_options(node: ast.Call, name: str, of: str) -> Iterator[str]:
    """Tell of what a few calls do, and of what a few arguments ask for."""
    told = {one.arg for one in node.keywords}
    if of == "plotly" and name == "plot":
        yield "writes"
    elif name == "load" and of in UNPICKLING_MODULES and (node.args or told):
        yield "unpickles"
    elif name == "export_graphviz" and (len(node.args) > 1 or "out_file" in told):
        yield "writes"
    elif name in {"memmap", "open_memmap"} and len(node.args) <= 2 and "mode" not in told:
        yield "writes"  # without a mode they read and write
    for one in node.keywords:
        plain = one.value.value if isinstance(one.value, ast.Constant) else ...
        if one.arg == "allow_pickle" and plain is not False:
            yield "unpickles"
        elif one.arg == "memory" and isinstance(plain, str):
            yield "writes"
        elif one.arg == "input" and plain in {"filename", "file"}:
            yield "outside"


def _of_naming(node: ast.Call) -> Iterator[str]:
    """Tell of what is reached by the text of its name."""
    function = getattr(node.func, "attr", getattr(node.func, "id", ""))
    named = node.args if function == "attrgetter" else node.args[:1]
    for one in named:
        if not (isinstance(one, ast.Constant) and isinstance(one.value, str)):
            yield "own code"
            continue
        for part in one.value.split("."):
            if part.strip("_") in MODULES or part.startswith("__") or part in RUNS_TEXT:
                yield "own code"
            elif part in ENVIRONMENT:
                yield "environment"
            elif part in READERS or part in OPENING:
                yield from ("elsewhere", "outside", "hidden")
            yield from _of_called_name(part, "")
    if node.keywords and any(one.arg is None for one in node.keywords):
        yield "own code"
