"""Helper code that runs inside the agent's kernel, sent there as source text.

Here: describing frames, noticing which variables a cell changed, importing well-known
libraries by their usual names, and reading named values. It must stay one self-contained
file (the kernel need not have this package installed), leave no name in the user's
namespace, and never fail because of what a cell left behind.
"""

from __future__ import annotations

import ast
import importlib
import math
import sys
import threading
import types
from pathlib import Path
from typing import Any

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

COLUMNS_SHOWN = 40
DISTINCT_SHOWN = 6
EXAMPLES_SHOWN = 3
TEXT_SHOWN = 24
FRAMES_KEPT = 50
SAMPLED = 5000
LISTED = 50
MOST = 0.9
MUCH = 0.2
SNAPSHOT_BYTES = 200 * 1024 * 1024
LOST_SHARE = 0.05
"""Share of a column's rows that must turn null in a conversion to raise a doubt."""


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


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    return text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 1] + "…"


def _type_name(series: Any) -> str:
    name = str(series.dtype)
    return "text" if name in {"object", "str", "string"} else name


def _describe_column(label: Any, series: Any, *, examples: int) -> str:
    import pandas as pd  # noqa: PLC0415 - the kernel may not need it

    nulls = int(series.isna().sum())
    line = f"{label!r} {_type_name(series)}"
    present = series.dropna()
    if len(present) and examples:
        try:
            line += _describe_values(pd, series, present, examples)
        except Exception:  # noqa: BLE001 - cells may be anything at all
            line += f" of {type(present.iloc[0]).__name__}"
    if nulls:
        line += f", {nulls} null"
    return line


def _describe_values(pd: Any, series: Any, present: Any, examples: int) -> str:
    kinds = pd.api.types
    if kinds.is_bool_dtype(series):
        return ""
    if kinds.is_numeric_dtype(series):
        distinct = present.unique()
        if len(distinct) <= DISTINCT_SHOWN:
            return " " + ", ".join(_short(value) for value in sorted(distinct.tolist()))
        return f" {_short(present.min().item())}..{_short(present.max().item())}"
    if kinds.is_datetime64_any_dtype(series):
        return f" {present.min()}..{present.max()}"
    text = present.astype(str)
    distinct = text.unique().tolist()
    shown = distinct if len(distinct) <= DISTINCT_SHOWN else distinct[:examples]
    more = ", …" if len(shown) < len(distinct) else ""
    listed = ", ".join(repr(_short(v)) for v in shown) + more
    return f" {len(distinct)} distinct: {listed}{_text_kind(pd, text)}"


def _text_kind(pd: Any, text: Any) -> str:
    """Say what a text column really holds: numbers, dates, or numbers with something around."""
    text = text.iloc[:SAMPLED].str.strip()
    as_number = pd.to_numeric(text, errors="coerce").notna()
    share = as_number.mean()
    if share == 1:
        return " (numbers as text)"
    if text.str.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}").mean() > MOST:
        return " (dates as text)"
    bare = text.str.replace(r"[,$€£%\s]", "", regex=True)
    if pd.to_numeric(bare, errors="coerce").notna().mean() > MOST:
        return " (numbers as text, with signs such as , $ or %)"
    if text.str.match(r"-?\d[\d.]*\s*[^\w\s:/.-]").mean() > MUCH:
        return r' (numbers before other text: .str.extract(r"^(-?[\d.]+)")[0].astype(float))'
    if share > MUCH:
        others = ", ".join(repr(_short(v)) for v in text[~as_number].unique()[:EXAMPLES_SHOWN])
        return f" (numbers as text, but also {others})"
    return ""


def describe(name: str, frame: Any, *, rows: int = 0, examples: int = EXAMPLES_SHOWN) -> str:
    """Describe a frame for the model: a line for the whole, then one a column.

    ``rows`` raw rows are added only when the user asked for them.
    """
    count = frame.shape[1]
    lines = [f"{name}: {len(frame)} rows x {count} columns"]
    shown = min(count, COLUMNS_SHOWN)
    lines += [
        "- " + _describe_column(frame.columns[i], frame.iloc[:, i], examples=examples)
        for i in range(shown)
    ]
    if count > shown:
        rest = [repr(label) for label in frame.columns[shown : shown + 30]]
        lines.append(
            f"- {count - shown} more columns: " + ", ".join(rest) + (", …" * (count - shown > 30))
        )
    index = frame.index
    if index.name is not None or index.nlevels > 1 or _type_name(index) != "int64":
        example = f", e.g. {_short(index[0])}" if len(index) else ""
        lines.append(f"- index {list(index.names)!r} {_type_name(index)}{example}")
    if rows:
        lines.append(frame.head(rows).to_csv(index=False).strip())
    return "\n".join(lines)


_snapshot: dict[str, Any] = {}


def begin(namespace: dict[str, Any]) -> None:
    """Take a snapshot of all frames, so that :func:`roll_back` can undo a failed try.

    Costs nothing with pandas' copy on write; without it, large frames are left out.
    """
    _snapshot.clear()
    for name, frame in _frames(namespace).items():
        try:
            if _copies_on_write() or frame.memory_usage().sum() < SNAPSHOT_BYTES:
                _snapshot[name] = frame.copy(deep=not _copies_on_write())
        except Exception:  # noqa: BLE001, S112 - an odd frame must not break the run
            continue


def roll_back(namespace: dict[str, Any]) -> None:
    """Put the frames back as they were at :func:`begin`."""
    for name, frame in _snapshot.items():
        namespace[name] = frame.copy(deep=not _copies_on_write())
        _remember(name, frame)


def _pandas() -> Any:
    """Return pandas if it is loaded; a module that another thread is importing is not yet."""
    module = sys.modules.get("pandas")
    loading = module is not None and getattr(module.__spec__, "_initializing", False)
    return None if loading else module


def _copies_on_write() -> bool:
    pandas = _pandas()
    return pandas is not None and int(pandas.__version__.split(".")[0]) >= 3


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
    return {"imported": prepare(code, namespace), "frames": list(_frames(namespace))}


def profile(name: str, namespace: dict[str, Any], rows: int) -> str:
    """Describe the frame under ``name`` and take note of its state for :func:`changes`."""
    frame = namespace[name]
    _remember(name, frame)
    return describe(name, frame, rows=rows)


def load_file(name: str, path: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Read a data file into ``namespace[name]``; return its ``rows`` and ``columns``.

    The ending tells the format. Raises what pandas raises, or ValueError for another ending.
    """
    import pandas as pd  # noqa: PLC0415 - the kernel may not need it

    ending = "".join(Path(path).suffixes[-2:]).lower().removesuffix(".gz")
    ending = Path(ending).suffix or ending
    if ending in {".csv", ".txt"}:
        frame = _read_text_table(pd, path, ",")
    elif ending in {".tsv", ".tab"}:
        frame = _read_text_table(pd, path, "\t")
    elif ending in {".parquet", ".pq"}:
        frame = pd.read_parquet(path)
    elif ending in {".xlsx", ".xlsm"}:
        frame = pd.read_excel(path)
    elif ending in {".jsonl", ".ndjson"}:
        frame = pd.read_json(path, lines=True)
    elif ending == ".json":
        frame = pd.read_json(path)
    else:
        message = f"cannot read files that end in {ending!r}"
        raise ValueError(message)
    namespace[name] = frame
    return {"rows": len(frame), "columns": frame.shape[1]}


def _read_text_table(pd: Any, path: str, separator: str) -> Any:
    try:
        return pd.read_csv(path, sep=separator)
    except UnicodeDecodeError:
        return pd.read_csv(path, sep=separator, encoding="latin-1")


def report(names: list[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """Report what a finished cell left: changed frames, named values, columns, variables."""
    frames = _frames(namespace)
    columns = dict.fromkeys(str(label) for frame in frames.values() for label in frame.columns)
    own = [
        name
        for name, value in list(namespace.items())
        if not name.startswith("_")
        and name not in _HIDDEN
        and not isinstance(value, types.ModuleType)
        and not callable(value)
    ]
    return {
        "changes": changes(namespace),
        "values": values(names, namespace),
        "columns": list(columns)[:2000],
        "names": own[-15:],
    }


def _frames(namespace: dict[str, Any]) -> dict[str, Any]:
    pandas = _pandas()
    if pandas is None:
        return {}
    found = {}
    for name, value in list(namespace.items()):
        if not name.startswith("_") and isinstance(value, pandas.DataFrame):
            found[name] = value
            if len(found) == FRAMES_KEPT:
                break
    return found


def _state(frame: Any) -> dict[str, Any]:
    labels = [str(label) for label in frame.columns]
    if len(set(labels)) != len(labels):
        return {"rows": len(frame), "columns": {}}
    kinds = (str(kind) for kind in frame.dtypes)
    nulls = (int(count) for count in frame.isna().sum())
    return {
        "rows": len(frame),
        "columns": dict(zip(labels, zip(kinds, nulls, strict=True), strict=True)),
    }


_seen: dict[str, dict[str, Any]] = {}
_HIDDEN = {"In", "Out", "exit", "quit", "get_ipython", "open"}


def _remember(name: str, frame: Any) -> None:
    try:
        _seen[name] = _state(frame)
    except Exception:  # noqa: BLE001 - an odd frame must not break the run
        _seen.pop(name, None)


def changes(namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """Say which frames are new or differ in shape, types or nulls since the last call.

    Each entry: ``name``, ``rows``, ``columns`` (count), ``new``, ``text`` (a line for the model)
    and ``doubt`` (a sentence, or ``None``): values that a conversion turned into nulls.
    """
    result = []
    frames = _frames(namespace)
    before_all = dict(_seen)
    for name, frame in frames.items():
        try:
            state = _state(frame)
        except Exception:  # noqa: BLE001, S112 - an odd frame must not break the cell's report
            continue
        before = _seen.get(name)
        _seen[name] = state
        if before == state:
            continue
        text, lost = _difference(name, frame, before or _origin(state, before_all), state)
        result.append(
            {
                "name": name,
                "rows": state["rows"],
                "columns": frame.shape[1],
                "new": before is None,
                "text": text if before else f"new {_headline(name, frame)}",
                "doubt": f"In {name}, " + "; ".join(lost) + "." if lost else None,
            }
        )
    for name in set(_seen) - set(frames):
        del _seen[name]
    return result


def _origin(state: dict[str, Any], others: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Find the older frame a new one was most likely copied from: same rows, shared columns."""
    for other in others.values():
        if other["rows"] == state["rows"] and other["columns"].keys() <= state["columns"].keys():
            return other
    return None


def _headline(name: str, frame: Any) -> str:
    labels = [repr(label) for label in frame.columns[:12]]
    more = ", …" if frame.shape[1] > len(labels) else ""
    return f"{name}: {len(frame)} rows x {frame.shape[1]} columns: {', '.join(labels)}{more}"


def _difference(
    name: str, frame: Any, before: dict[str, Any] | None, state: dict[str, Any]
) -> tuple[str, list[str]]:
    if before is None:
        return _headline(name, frame), []
    lost: list[str] = []
    shape = (state["rows"], len(state["columns"]))
    parts = []
    if shape != (before["rows"], len(before["columns"])):
        parts.append(f"{shape[0]} rows x {shape[1]} columns")
    for label, (kind, nulls) in state["columns"].items():
        old = before["columns"].get(label)
        if old is None:
            parts.append(f"{label!r} added ({kind}" + (f", {nulls} null)" if nulls else ")"))
            continue
        if old == (kind, nulls):
            continue
        parts.append(f"{label!r} {old[0]} → {kind}, nulls {old[1]} → {nulls}")
        if nulls - old[1] > LOST_SHARE * state["rows"] and state["rows"] == before["rows"]:
            lost.append(f"{label!r} had {old[1]} nulls and now has {nulls}")
    gone = [label for label in before["columns"] if label not in state["columns"]]
    if gone:
        parts.append("dropped " + ", ".join(map(repr, gone[:12])))
    return f"{name} changed: " + "; ".join(parts[:12]), lost


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it, or ``None`` where it is no single value.

    NumPy scalars and one-element arrays become their item, other short arrays and Series a
    list; times become ISO text; a test's result stands for its statistic.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "statistic"):
        return plain(value.statistic)
    size = getattr(value, "size", None)
    if hasattr(value, "item") and (size == 1 or size is None):
        return plain(value.item())
    if hasattr(value, "tolist") and getattr(value, "ndim", 1) == 1:
        # A row of a frame has one type, so its whole numbers became floats on the way.
        items = [
            int(item) if isinstance(item, float) and item.is_integer() else item
            for item in value.tolist()[: LISTED + 1]
        ]
        return plain(items)
    if isinstance(value, (list, tuple)) and len(value) <= LISTED:
        return [plain(item) for item in value]
    if isinstance(value, dict) and len(value) <= LISTED:
        return {str(key): plain(item) for key, item in value.items()}
    return None


def values(names: list[str], namespace: dict[str, Any]) -> dict[str, Any]:
    """Read the named variables that hold a plain value."""
    found = {}
    for name in names:
        if name in namespace and not isinstance(namespace[name], types.ModuleType):
            try:
                value = plain(namespace[name])
            except Exception:  # noqa: BLE001, S112 - whatever object the cell left under that name
                continue
            if value is not None:
                found[name] = value
    return found


def variables(namespace: dict[str, Any], limit: int = 30) -> list[str]:
    """List the live variables, newest last: name, type and shape or short value."""
    lines = []
    for name, value in list(namespace.items()):
        if name.startswith("_") or name in _HIDDEN:
            continue
        if isinstance(value, types.ModuleType) or callable(value):
            continue
        shape = getattr(value, "shape", None)
        size = f" {shape}" if isinstance(shape, tuple) and shape else ""
        brief = (
            "" if size or not isinstance(value, (int, float, str, bool)) else f" = {_short(value)}"
        )
        lines.append(f"{name}: {type(value).__name__}{size}{brief}")
    return lines[-limit:]
