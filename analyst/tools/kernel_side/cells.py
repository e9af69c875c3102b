"""Before and after a cell: imports that it takes for granted, and what it left."""

from __future__ import annotations

import ast
import builtins
import importlib
import threading
import types
from typing import Any

from .asked import allows_no_number, asks_by_letters
from .changes import changes, remember
from .frames import frames_of
from .hints import hint, null_rows
from .narrowed import narrowed
from .profile import describe
from .snapshots import all_code, is_new, ran, snapshot
from .suspicions import held, hold, suspicions
from .texts import conversions, forgets_conversion
from .unconverted import conversions_needed
from .usual import USUAL_MEMBERS, USUAL_NAMES
from .values import HIDDEN, holds_nan, plain, unfit, values


def prepare(code: str, namespace: dict[str, Any]) -> list[str]:
    """Import the usual libraries that ``code`` uses but nobody imported; return their names."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    used = {node.id for node in names}
    imported = []
    for name in sorted(used & USUAL_NAMES.keys()):
        if name not in namespace:
            try:
                namespace[name] = importlib.import_module(USUAL_NAMES[name])
            except ImportError:
                continue
            imported.append(name)
    defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for name in sorted(used & USUAL_MEMBERS.keys() - defined - namespace.keys()):
        try:
            namespace[name] = getattr(importlib.import_module(USUAL_MEMBERS[name]), name)
        except (ImportError, AttributeError):
            continue
        imported.append(name)
    return imported


_warming: list[threading.Thread] = []
_enough = threading.Event()


def warm(names: list[str]) -> None:
    """Import libraries in the background, so that the first cell that uses one does not wait."""

    def run() -> None:
        for name in names:
            if _enough.is_set():
                return
            try:
                importlib.import_module(name)
            except ImportError:
                continue

    _warming.append(threading.Thread(target=run, daemon=True, name="warm imports"))
    _warming[-1].start()


def settle() -> None:
    """End the importing in the background, once the library it is at is there.

    Two threads that import libraries with cycles may each find the other's half done.
    """
    _enough.set()
    while _warming:
        _warming.pop().join()


def before_cell(code: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Get ready for ``code``: import what it takes for granted, list the frames there are.

    ``frames`` maps the name of each frame to its labels that are text; ``unknown`` are names
    that the code's last line prints but nothing defines; ``conversions`` are lines that turn the
    texts which the code uses as numbers into numbers.
    """
    frames = {
        name: [label for label in list(frame.columns)[:2000] if isinstance(label, str)]
        for name, frame in frames_of(namespace).items()
    }
    imported = prepare(code, namespace)
    hold(namespace)
    try:
        needed = conversions_needed(code, frames_of(namespace))
    except Exception:  # noqa: BLE001 - odd code must not keep itself from running
        needed = []
    return {
        "imported": imported,
        "frames": frames,
        "unknown": unknown(code, namespace),
        "conversions": needed,
    }


def _narrowed(code: str, names: list[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """Return values of asked names that hold a frame or row of which the code prints a part."""
    found = {}
    for name in names:
        try:
            value = plain(narrowed(code, name, namespace))
        except Exception:  # noqa: BLE001, S112 - whatever object the cell left under that name
            continue
        if value is not None:
            found[name] = value
    return found


def stores(code: str) -> set[str]:
    """Return the names that ``code`` gives a value, in any way."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def unknown(code: str, namespace: dict[str, Any]) -> list[str]:
    """Return the names that the last line of ``code`` prints but nothing defines."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return []
    last = body[-1] if body else None
    if not (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and isinstance(last.value.func, ast.Name)
        and last.value.func.id == "print"
    ):
        return []
    used = {node.id for node in ast.walk(last) if isinstance(node, ast.Name)}
    return sorted(used - stores(code) - namespace.keys() - vars(builtins).keys())


def profile(name: str, namespace: dict[str, Any], rows: int) -> str:
    """Describe the frame under ``name`` and take note of its state for :func:`changes`."""
    frame = namespace[name]
    remember(name, frame)
    return describe(name, frame, rows=rows)


def report(
    code: str, names: list[str], namespace: dict[str, Any], question: str = ""
) -> dict[str, Any]:
    """Report what a finished cell left: changed frames, named values, columns, variables.

    ``conversions`` are lines that would turn the number texts that the code uses, as they were
    at the start of the question, into numbers, ``sure_conversions`` those of columns that hold
    little else; ``unconverted`` says that the code compares or counts them as the text they are.
    ``not_numbers`` are the asked names that came out as NaN, ``unfit`` says what those hold that
    are no value; ``null_rows`` are lines that leave out the nulls of the columns used; ``hint``
    helps with the last error. ``doubts`` and ``remarks``: see :func:`suspicions`; ``question`` is
    what was asked.
    """
    frames = frames_of(namespace)
    columns = dict.fromkeys(str(label) for frame in frames.values() for label in frame.columns)
    own = [
        name
        for name, value in list(namespace.items())
        if not name.startswith("_")
        and name not in HIDDEN
        and not isinstance(value, types.ModuleType)
        and not callable(value)
    ]
    known = {**frames, **snapshot()}
    lines = conversions(code, known)[:3]
    sure = conversions(code, known, mixed=False)[:3]
    stored = stores(code)
    ran(code)
    whole = all_code() if stored & set(names) else ""
    fresh = [name for name in names if name in stored or is_new(name, namespace.get(name))]
    found = values(fresh, namespace) | _narrowed(code, fresh, namespace)
    return {
        "changes": changes(namespace, code, question, held()),
        "values": found,
        "unfit": unfit([name for name in fresh if name not in found], namespace),
        "not_numbers": [
            name
            for name, value in found.items()
            if holds_nan(value) and not allows_no_number(question)
        ],
        "null_rows": null_rows(code, snapshot() or frames) or null_rows(code, frames),
        "hint": hint(code, namespace),
        "columns": list(columns)[:2000],
        "names": own[-15:],
        "conversions": lines,
        "sure_conversions": sure,
        "unconverted": forgets_conversion(code) and bool(sure) and not asks_by_letters(question),
        **suspicions(code, namespace, question, whole=whole),
    }
