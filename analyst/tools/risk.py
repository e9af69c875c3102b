"""What a call may do beyond computing, in words for the user; code is judged by its syntax tree.

A judgement is a help for whoever decides, and decides who is asked; it keeps nothing out. That is
the sandbox's work. What cannot be judged counts as risky. Not here: what is then allowed
(:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

COMPUTES = "It computes in the isolated kernel and touches nothing else."

_MAGIC = re.compile(r"^\s*(?:!|%%?\w)", re.MULTILINE)
_MOST_CHARACTERS = 200_000


Level = Literal["safe", "contained", "risky", "irreversible"]
"""``safe``: computes or reads. ``contained``: does more, but in the sandbox, which holds it.
``risky``: leaves the sandbox, or cannot be judged. ``irreversible``: cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Risk:
    """How a call was judged; ``words`` is one or two sentences."""

    level: Level
    words: str


def unknown(tool: str) -> Risk:
    """Return the risk of what cannot be judged."""
    return Risk("risky", f"What {tool} does here cannot be judged beforehand.")


_OWN_CODE = frozenset(
    {"exec", "eval", "compile", "__import__", "globals", "locals", "vars", "setattr", "delattr"}
    | {"getattr", "breakpoint", "input"}
)
_PROGRAMS = frozenset({"subprocess", "pty", "multiprocessing", "ctypes", "cffi", "signal"})
_NETWORK = frozenset(
    """
    socket ssl http urllib urllib3 requests httpx aiohttp ftplib smtplib imaplib poplib telnetlib
    websocket websockets paramiko boto3 botocore fsspec s3fs gcsfs openai yfinance
    """.split()  # noqa: SIM905 - a list of words
)
_PROGRAM_CALLS = frozenset(
    {"system", "popen", "fork", "kill", "killpg", "execv", "execve", "execvp", "spawnl", "spawnv"}
)
_DELETING = frozenset({"remove", "unlink", "rmdir", "removedirs", "rmtree"})
_FILES = frozenset({"os", "shutil", "Path", "pathlib"})
_WRITING = re.compile(
    r"(?:to_(?:csv|parquet|excel|json|sql|feather|hdf|pickle|stata|html|orc|xml)"
    r"|savefig|write\w*|save\w*|dump|mkdir|makedirs|rename|replace_file|touch|symlink\w*|chmod)"
)
_UNPICKLING = frozenset({"read_pickle", "loads", "Unpickler"})


def judge_code(code: object, *, hosts: Sequence[str] = (), isolated: bool = True) -> Risk:
    """Judge Python code. ``hosts``: what its kernel may reach; ``isolated``: if anything holds it.

    Never raises: what cannot be read is risky, or held by the sandbox.
    """
    if not isinstance(code, str):
        return unknown("this code")
    found = _sentences(code, hosts)
    if not isolated:
        words = ["The kernel is not isolated: it can do all that you can.", *found]
        return Risk("risky" if found else "contained", " ".join(words))
    return Risk("contained", " ".join(found)) if found else Risk("safe", COMPUTES)


def _sentences(code: str, hosts: Sequence[str]) -> list[str]:
    if len(code) > _MOST_CHARACTERS:
        return ["It is too long to be judged."]
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if _MAGIC.search(code):
            return ["It uses IPython's commands, which may run other programs."]
        return ["It cannot be read as Python, so what it does is not known."]
    kinds = dict.fromkeys(kind for node in ast.walk(tree) for kind in _kinds(node))
    network = (
        f"It uses the network; this kernel reaches {', '.join(hosts)}."
        if hosts
        else "It uses the network, which this kernel has none of."
    )
    words = {
        "own code": "It runs or reaches code by name, which cannot be judged.",
        "programs": "It starts other programs or reaches below Python.",
        "network": network,
        "deletes": "It deletes files; of yours it sees none.",
        "writes": "It writes files, in its own workspace.",
        "unpickles": "It loads pickled objects, which can run code.",
    }
    return [sentence for kind, sentence in words.items() if kind in kinds]


def _kinds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield from _of_module(alias.name)
        case ast.ImportFrom(module=module, names=names):
            yield from _of_module(module or "")
            for alias in names:
                yield from _of_call(alias.name, module or "")
        case ast.Name(id=name) if name in _OWN_CODE:
            yield "own code"
        case ast.Attribute(attr=attr) if attr.startswith("__") and attr not in _PLAIN:
            yield "own code"
        case ast.Call(func=ast.Name(id="open")):
            yield from _of_open(node)
        case ast.Call(func=ast.Name(id=name)):
            yield from _of_call(name, "")
        case ast.Call(func=ast.Attribute(attr="open")):
            yield from _of_open(node)
        case ast.Call(func=ast.Attribute(attr=attr, value=value)):
            yield from _of_call(attr, _root(value))
            if attr.startswith("read_") and _reads_host(node):
                yield "network"


_PLAIN = frozenset({"__name__", "__len__", "__doc__", "__version__"})


def _of_module(module: str) -> Iterator[str]:
    top = module.split(".", maxsplit=1)[0]
    if top in _PROGRAMS:
        yield "programs"
    elif top in _NETWORK:
        yield "network"
    elif top in {"importlib", "runpy", "code", "builtins", "gc", "inspect", "sys"}:
        yield "own code"
    elif top in {"pickle", "cloudpickle", "dill", "joblib", "shelve"}:
        yield "unpickles"


def _of_call(name: str, of: str) -> Iterator[str]:
    if name in _PROGRAM_CALLS and of in {"os", "posix", ""}:
        yield "programs"
    elif name in _DELETING and (of in _FILES or name != "remove"):
        yield "deletes"
    elif _WRITING.fullmatch(name):
        yield "writes"
    elif name in _UNPICKLING and of not in {"json", "orjson"}:
        yield "unpickles"


def _of_open(node: ast.Call) -> Iterator[str]:
    mode = node.args[1] if len(node.args) > 1 else None
    if isinstance(node.func, ast.Attribute) and node.args:
        mode = node.args[0]
    mode = next((one.value for one in node.keywords if one.arg == "mode"), mode)
    if mode is None:
        return
    if not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+"):
        yield "writes"


def _reads_host(node: ast.Call) -> bool:
    return any(
        isinstance(one, ast.Constant) and isinstance(one.value, str) and "://" in one.value
        for one in node.args
    )


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
