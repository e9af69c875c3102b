"""What lives in a namespace: told briefly, told apart from before, and kept as plain data.

Values become JSON with tags where JSON has no word for them (tuples, sets, times, NumPy's
scalars). Frames leave by another way; here they are only told apart. Nothing is pickled.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import io
import json
import math
import types
from typing import Any

from .frames import loaded_pandas
from .values import HIDDEN

LARGEST_FRAME = 512 * 1024 * 1024
LARGEST_VALUE = 1_000_000
DEEPEST = 20
MOST = 200
COLUMNS_TOLD = 12
TEXT_TOLD = 120
_DIGEST = 24


def survey(namespace: dict[str, Any], known: dict[str, str]) -> list[dict[str, Any]]:
    """Describe the variables, oldest first.

    Each: ``name``, ``kind`` (frame, series, array, value, chart, module, other), ``text`` for a
    model, ``digest`` of its content (``None``: it cannot be kept), ``new`` (``known`` holds
    something else by its name), and for all but frames the ``plain`` text for :func:`restore`.
    """
    found: list[dict[str, Any]] = []
    for name, value in list(namespace.items()):
        if name.startswith("_") or name in HIDDEN or len(found) == MOST or _is_closed(value):
            continue
        try:
            entry = _entry(value)
        except Exception as error:  # noqa: BLE001 - whatever object a cell left
            entry = {"kind": "other", "text": f"{type(value).__name__} ({type(error).__name__})"}
        plain = entry.get("plain")
        digest = entry.get("digest") or (_hash(plain.encode()) if plain is not None else None)
        entry |= {
            "name": name,
            "digest": digest,
            "new": digest is None or known.get(name) != digest,
        }
        if not entry["new"]:
            entry["plain"] = None
        found.append(entry)
    return found


def restore(namespace: dict[str, Any], entries: dict[str, str]) -> dict[str, str]:
    """Bind names to what plain texts hold; return by name why some cannot be."""
    failed = {}
    for name, plain in entries.items():
        try:
            namespace[name] = _decoded(json.loads(plain))
        except Exception as error:  # noqa: BLE001 - one lost value must not lose the others
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def forget(namespace: dict[str, Any], names: list[str]) -> int:
    """Delete variables; return how many there were."""
    return sum(namespace.pop(name, forget) is not forget for name in names)


def holds(expression: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Evaluate a check: ``holds``, or ``trouble`` if it raises; neither if it is no expression."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        code = compile(tree, "<check>", "eval")
    except (SyntaxError, ValueError, RecursionError):
        return {}
    if any(map(_are_words, ast.walk(tree))):
        return {}
    try:
        value = eval(code, dict(namespace))  # noqa: S307 - as much code as any cell of this kernel
        try:
            return {"holds": bool(value)}
        except ValueError:
            return {"holds": bool(value.all())}
    except NameError:
        return {}
    except Exception as error:  # noqa: BLE001 - whatever a check raises, it does not hold
        return {"trouble": f"{type(error).__name__}: {error}"[:300]}


def _are_words(node: ast.AST) -> bool:
    """Tell words that happen to be an expression, as "x is sorted"."""
    return (
        isinstance(node, ast.Compare)
        and any(isinstance(one, (ast.Is, ast.IsNot)) for one in node.ops)
        and not all(isinstance(one, ast.Constant) for one in node.comparators)
    )


def _is_closed(value: Any) -> bool:
    """Tell a file that was closed, which is of no more use to anybody."""
    return isinstance(value, io.IOBase) and value.closed


def _entry(value: Any) -> dict[str, Any]:
    kind = type(value)
    if isinstance(value, types.ModuleType):
        return _imported({"module": value.__name__}, f"module {value.__name__}")
    if callable(value) and not hasattr(value, "predict"):
        return _callable(value)
    pandas = loaded_pandas()
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _frame(value, pandas)
    if pandas is not None and isinstance(value, pandas.Series):
        return _series(value, pandas)
    if f"{kind.__module__}.{kind.__name__}" == "numpy.ndarray" and value.ndim in (1, 2):
        return _array(value)
    if kind.__module__.startswith("plotly.") and hasattr(value, "to_plotly_json"):
        title = getattr(getattr(value, "layout", None), "title", None)
        words = getattr(title, "text", None) or kind.__name__
        return {
            "kind": "chart",
            "text": str(words)[:TEXT_TOLD],
            **_plain({"plotly": value.to_json()}),
        }
    try:
        plain = _plain(_encoded(value, 0))
    except (TypeError, ValueError):
        return {"kind": "other", "text": kind.__name__}
    return {"kind": "value", "text": _told(value), **plain}


def _plain(encoded: Any) -> dict[str, str]:
    text = json.dumps(encoded)
    return {"plain": text} if len(text) <= LARGEST_VALUE else {}


def _imported(encoded: dict[str, Any], text: str) -> dict[str, Any]:
    return {"kind": "module", "text": text, "plain": json.dumps(encoded)}


def _callable(value: Any) -> dict[str, Any]:
    """Describe a function or class; one that an import brought can be imported again."""
    module: Any = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", "")
    known = isinstance(module, str) and module != "__main__" and name.isidentifier()
    if known and getattr(importlib.import_module(module), name, None) is value:
        return _imported({"module": module, "member": name}, f"{name} of {module}")
    return {"kind": "other", "text": f"function {name}" if name else type(value).__name__}


def _frame(frame: Any, pandas: Any) -> dict[str, Any]:
    labels = [repr(label) for label in frame.columns[:COLUMNS_TOLD]]
    more = ", …" if frame.shape[1] > len(labels) else ""
    index = f", index {frame.index.name!r}" if frame.index.name is not None else ""
    return {
        "kind": "frame",
        "text": f"DataFrame {len(frame)} x {frame.shape[1]}: {', '.join(labels)}{more}{index}",
        "digest": _frame_digest(frame, pandas),
    }


def _series(series: Any, pandas: Any) -> dict[str, Any]:
    index = f", index {series.index.name!r}" if series.index.name is not None else ""
    few = "" if len(series) > 5 else f" = {_told({str(k): v for k, v in series.items()})}"
    return {
        "kind": "series",
        "text": f"Series of {len(series)} {series.dtype}, name {series.name!r}{index}{few}",
        "digest": _frame_digest(series.to_frame(), pandas),
        "unnamed": series.name is None,
    }


def _array(array: Any) -> dict[str, Any]:
    shape = " x ".join(map(str, array.shape))
    digest = None
    if array.dtype.kind in "biufcM" and array.nbytes <= LARGEST_FRAME:
        digest = _hash(f"{array.dtype.str}{array.shape}".encode(), array.tobytes())
    text = f"array {shape} of {array.dtype}"
    return {"kind": "array", "text": text, "digest": digest, "flat": array.ndim == 1}


def _frame_digest(frame: Any, pandas: Any) -> str | None:
    if int(frame.memory_usage(deep=False).sum()) > LARGEST_FRAME:
        return None
    try:
        rows = pandas.util.hash_pandas_object(frame, index=True)
    except TypeError:  # lists and the like in its cells
        rows = pandas.util.hash_pandas_object(frame.astype(str), index=True)
    head = repr([list(map(repr, frame.columns)), list(map(str, frame.dtypes)), len(frame)])
    names = repr([frame.index.names, frame.columns.names])
    return _hash(head.encode(), names.encode(), rows.to_numpy().tobytes())


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:_DIGEST]


def _told(value: Any) -> str:
    if hasattr(value, "item") and getattr(value, "size", None) == 1:
        value = value.item()
    text = " ".join(repr(value).split())
    return text if len(text) <= TEXT_TOLD else text[: TEXT_TOLD - 1] + "…"


def _encoded(value: Any, depth: int) -> Any:
    """Return a value as JSON can hold it; raises TypeError for what no JSON could bring back."""
    if depth > DEEPEST:
        raise ValueError
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if kind is list:
        return [_encoded(item, depth + 1) for item in value]
    if kind in (tuple, set, frozenset):
        return {kind.__name__: [_encoded(item, depth + 1) for item in value]}
    if kind is dict:
        items = value.items()
        return {"dict": [[_encoded(k, depth + 1), _encoded(v, depth + 1)] for k, v in items]}
    name = f"{kind.__module__}.{kind.__name__}"
    if kind.__module__ == "numpy" and hasattr(value, "item") and hasattr(value, "dtype"):
        plain = value.item()
        if type(plain) in (bool, int, float, str):
            return {"numpy": [kind.__name__, _encoded(plain, depth + 1)]}
    if name in _TIMES:
        return {name: str(value) if name.endswith("delta") else value.isoformat()}
    raise TypeError


_TIMES = {
    "datetime.date",
    "datetime.datetime",
    "pandas._libs.tslibs.timestamps.Timestamp",
    "pandas._libs.tslibs.timedeltas.Timedelta",
    "pandas.Timestamp",
    "pandas.Timedelta",
}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "module" in value:
        module = importlib.import_module(value["module"])
        return getattr(module, value["member"]) if "member" in value else module
    ((tag, held),) = value.items()
    if tag == "dict":
        return {_decoded(key): _decoded(item) for key, item in held}
    if tag in _CONTAINERS:
        return _CONTAINERS[tag](map(_decoded, held))
    if tag == "float":
        return float(held)
    if tag == "numpy":
        return getattr(importlib.import_module("numpy"), held[0])(_decoded(held[1]))
    if tag == "plotly":
        return importlib.import_module("plotly.io").from_json(held)
    if tag in _TIMES:
        module, _, name = tag.rpartition(".")
        if module == "datetime":
            return getattr(importlib.import_module(module), name).fromisoformat(held)
        return getattr(importlib.import_module("pandas"), name)(held)
    raise ValueError(f"unknown tag {tag}")


_CONTAINERS: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
