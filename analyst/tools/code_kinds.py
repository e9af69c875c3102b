"""What code does beyond computing, told from its syntax tree.

Here: kinds of doings, found by names, and rather too many than too few. It misses what is well
hidden; it decides who is asked, and keeps nothing out. Not here: what a kind means
(:mod:`analyst.tools.risk`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

_MAGIC = re.compile(r"^\s*(?:!|%%?\w)", re.MULTILINE)
_MOST_CHARACTERS = 200_000
_OWN_CODE = frozenset(
    {"exec", "eval", "compile", "__import__", "globals", "locals", "vars", "setattr", "delattr"}
    | {"getattr", "breakpoint", "input"}
)
_PROGRAMS = frozenset({"subprocess", "pty", "multiprocessing", "ctypes", "cffi", "signal"})
_NETWORK = frozenset(
    """
    socket ssl http urllib urllib3 requests httpx aiohttp ftplib smtplib imaplib poplib telnetlib
    websocket websockets paramiko boto3 botocore fsspec s3fs gcsfs openai yfinance
    webbrowser xmlrpc pycurl grpc
    """.split()  # noqa: SIM905 - a list of words
)
_COMPUTING = frozenset(
    """
    pandas numpy scipy sklearn statsmodels plotly matplotlib seaborn polars pyarrow duckdb dateutil
    math cmath statistics random decimal fractions datetime time calendar zoneinfo re string
    textwrap difflib collections itertools functools operator bisect heapq json csv io copy typing
    dataclasses enum warnings abc numbers unicodedata hashlib base64 os posix shutil pathlib
    __future__ IPython
    """.split()  # noqa: SIM905 - a list of words
)
"""Modules of which the other rules here know what leads out of computing."""

_PROGRAM_CALLS = re.compile(
    r"system|popen|fork(?:pty)?|kill(?:pg)?|exec[lv]p?e?|(?:posix_)?spawn[lv]?p?e?|startfile"
    r"|create_subprocess_\w+|run_cell\w*|run_line_magic|getoutput"
)
_DELETING = frozenset({"remove", "unlink", "rmdir", "removedirs", "rmtree"})
_FILES = frozenset({"os", "posix", "shutil", "Path", "pathlib"})
_MODULES = frozenset({"os", "posix", "sys", "shutil", "subprocess", "builtins", "importlib"})
"""Modules by which others may be reached, as ``pandas.io.common.os``."""

_FILE_CALLS = frozenset(
    {"replace", "truncate", "link", "move", "copy", "copy2", "copyfile", "copytree", "copyfileobj"}
)
"""What writes, of a module of files; of a text or a list it does not."""

_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb"})
_OPENING = frozenset({"open", "FileIO", "ZipFile", "TarFile", "fdopen", "memmap", "open_memmap"})
_SQL_CALLS = frozenset({"execute", "executemany", "executescript", "sql"})
_SQL_READS = re.compile(
    r"\s*(?:select|with|from|show|describe|explain|values|summarize)\b(?!.*;\s*\w)",
    re.IGNORECASE | re.DOTALL,
)
_QUERY_REACHES = re.compile(r"__|@\s*\w+\s*[.(\[]")
"""In an expression of ``DataFrame.query``: more than a variable's value."""

_WRITING = re.compile(
    r"(?:to_(?:csv|parquet|excel|json|sql|feather|hdf|pickle|stata|html|orc|xml)"
    r"|savefig|write\w*|save\w*|dump|mkdir|makedirs|rename|replace_file|touch|symlink\w*|chmod)"
)
_UNPICKLING = frozenset({"read_pickle", "loads", "Unpickler"})


def kinds_in(code: str) -> set[str]:
    """Return what some code does besides computing, by kinds; never raises."""
    if len(code) > _MOST_CHARACTERS:
        return {"too long"}
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"commands" if _MAGIC.search(code) else "unreadable"}
    nodes = list(ast.walk(tree))
    names = _other_names(nodes)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return {kind for node in nodes for kind in _kinds(node, names, called)}


def _other_names(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """Return what modules are called here, as ``o`` after ``import os as o``."""
    return {
        alias.asname: alias.name.split(".", maxsplit=1)[0]
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }


def _kinds(node: ast.AST, names: Mapping[str, str], called: set[int]) -> Iterator[str]:
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _of_import(node)
        case ast.Name(id="get_ipython"):
            yield "programs"
        case ast.Name(id=name) if name in _OWN_CODE or (
            name.startswith("__") and name not in _PLAIN
        ):
            yield "own code"
        case ast.Name(id="open") if id(node) not in called:
            yield "writes"
        case ast.Attribute():
            yield from _of_attribute(node, names, called)
        case ast.Call(func=ast.Name(id=name)):
            yield from _of_open(node) if name in _OPENING else _of_call(name, "")
            yield from _of_arguments(node)
        case ast.Call(func=ast.Attribute(attr=attr, value=value)):
            if attr in _OPENING:
                yield from _of_open(node)
            else:
                yield from _of_call(attr, _root(value, names))
            yield from _of_expression(node, attr)
            yield from _of_arguments(node)
            if attr.startswith(("read_", "scan_", "load", "urlopen")):
                yield from _of_reading(node)


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _of_module(alias.name)
        return
    module = node.module or ""
    yield from _of_module(module)
    for alias in node.names:
        yield from _of_call(alias.name, module)
        if alias.name in _MODULES or (alias.name == "*" and module in _MODULES):
            yield "own code"
        elif alias.name in _ENVIRONMENT:
            yield "environment"


def _of_attribute(node: ast.Attribute, names: Mapping[str, str], called: set[int]) -> Iterator[str]:
    attr = node.attr
    if attr.startswith("__") and attr not in _PLAIN:
        yield "own code"
    elif attr in _MODULES and isinstance(node.value, ast.Name | ast.Attribute):
        # A module that is reached by another; a column may be called so, too.
        yield "own code"
    elif attr in _ENVIRONMENT:
        yield "environment"
    elif id(node) not in called and _root(node.value, names) in _FILES:
        # Named without a call, to be called by another name.
        yield from _of_call(attr, _root(node.value, names))


def _of_expression(node: ast.Call, attr: str) -> Iterator[str]:
    first = next(iter(node.args), None)
    first = next((one.value for one in node.keywords if one.arg == "expr"), first)
    texts = [
        one.value
        for one in ast.walk(first or ast.Pass())
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    if attr in {"query", "eval"}:
        if not texts or any(map(_QUERY_REACHES.search, texts)):
            yield "own code"
    elif attr in _SQL_CALLS and not (texts and _SQL_READS.match(texts[0])):
        yield "writes"


def _of_arguments(node: ast.Call) -> Iterator[str]:
    for one in node.keywords:
        if one.arg == "allow_pickle" and not (
            isinstance(one.value, ast.Constant) and one.value.value is False
        ):
            yield "unpickles"


_PLAIN = frozenset({"__name__", "__len__", "__doc__", "__version__"})


def _of_module(module: str) -> Iterator[str]:
    top, *below = module.split(".")
    if top in _PROGRAMS or "ctypeslib" in below:
        yield "programs"
    elif top in _NETWORK:
        yield "network"
    elif top in {"importlib", "runpy", "code", "builtins", "gc", "inspect", "sys"}:
        yield "own code"
    elif top in {"pickle", "cloudpickle", "dill", "joblib", "shelve"}:
        yield "unpickles"
    elif top not in _COMPUTING:
        yield "other modules"


def _of_call(name: str, of: str) -> Iterator[str]:
    if _PROGRAM_CALLS.fullmatch(name):
        yield "programs"
    elif name in _FILE_CALLS and of in _FILES:
        yield "writes"
    elif name in _DELETING and (of in _FILES or name != "remove"):
        yield "deletes"
    elif _WRITING.fullmatch(name):
        yield "writes"
    elif name in _UNPICKLING and of not in {"json", "orjson"}:
        yield "unpickles"


def _of_open(node: ast.Call) -> Iterator[str]:
    if any(isinstance(one, ast.Starred) for one in node.args) or any(
        one.arg is None for one in node.keywords
    ):
        yield "writes"
        return
    mode = node.args[1] if len(node.args) > 1 else None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "open" and node.args:
        # Of a path the mode comes first.
        mode = node.args[0] if len(node.args) == 1 else mode
        mode = None if _is_name_of_file(mode) else mode
    mode = next((one.value for one in node.keywords if one.arg == "mode"), mode)
    if mode is None:
        return
    if not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+"):
        yield "writes"


def _is_name_of_file(node: ast.AST | None) -> bool:
    """Tell whether what may be a mode is surely none."""
    return isinstance(node, ast.Constant) and len(str(node.value)) > len("rb+t")


def _of_reading(node: ast.Call) -> Iterator[str]:
    """Tell whether what is read is on the network, or may be."""
    first = next(iter(node.args), None)
    if any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and "://" in one.value
        for one in [*node.args, *(keyword.value for keyword in node.keywords)]
    ):
        yield "network"
    elif not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        yield "reads elsewhere"


def _root(node: ast.AST, names: Mapping[str, str]) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute) and node.attr in _MODULES:
            return node.attr
        node = node.func if isinstance(node, ast.Call) else node.value
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""
