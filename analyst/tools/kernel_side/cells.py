"""Before and after a cell: imports that it takes for granted, and what it left."""

from __future__ import annotations

import ast
import importlib
import threading
import types
from typing import Any

from .changes import changes, remember
from .frames import frames_of
from .profile import describe
from .snapshots import snapshot
from .texts import conversions, forgets_conversion
from .values import HIDDEN, values

USUAL_NAMES = {
    "pd": "pandas",
    "np": "numpy",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "px": "plotly.express",
    "go": "plotly.graph_objects",
    "sm": "statsmodels.api",
    "smf": "statsmodels.formula.api",
    "stats": "scipy.stats",
    "scipy": "scipy",
    "sklearn": "sklearn",
    "math": "math",
    "re": "re",
    "json": "json",
    "datetime": "datetime",
    "statistics": "statistics",
    "pl": "polars",
}
"""Names that analysts' code takes for granted, and the modules they mean."""


def prepare(code: str, namespace: dict[str, Any]) -> list[str]:
    """Import the usual libraries that ``code`` uses but nobody imported; return their names."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = []
    for name in sorted(used & USUAL_NAMES.keys()):
        if name not in namespace:
            try:
                namespace[name] = importlib.import_module(USUAL_NAMES[name])
            except ImportError:
                continue
            imported.append(name)
    return imported


def warm(names: list[str]) -> None:
    """Import libraries in the background, so that the first cell that uses one does not wait."""

    def run() -> None:
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:
                continue

    threading.Thread(target=run, daemon=True, name="warm imports").start()


def before_cell(code: str, namespace: dict[str, Any]) -> dict[str, list[str]]:
    """Get ready for ``code``: import what it takes for granted, list the frames there are."""
    return {"imported": prepare(code, namespace), "frames": list(frames_of(namespace))}


def profile(name: str, namespace: dict[str, Any], rows: int) -> str:
    """Describe the frame under ``name`` and take note of its state for :func:`changes`."""
    frame = namespace[name]
    remember(name, frame)
    return describe(name, frame, rows=rows)


def report(code: str, names: list[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """Report what a finished cell left: changed frames, named values, columns, variables.

    ``conversions`` are lines that would turn the number texts that the code uses, as they were
    at the start of the question, into numbers; ``unconverted`` says that the code compares or
    counts them as the text they are.
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
    lines = conversions(code, {**frames, **snapshot()})[:3]
    return {
        "changes": changes(namespace),
        "values": values(names, namespace),
        "columns": list(columns)[:2000],
        "names": own[-15:],
        "conversions": lines,
        "unconverted": bool(lines) and forgets_conversion(code),
    }
