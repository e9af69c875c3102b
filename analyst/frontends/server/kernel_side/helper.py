"""What runs in a notebook's kernel beside the user's namespace: listing and writing its tables.

It looks at what is loaded and imports nothing that the notebook did not; only the writing of a
table needs pyarrow.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import types
from typing import Any

MOST_FRAMES = 500
MOST_COLUMNS = 200
LONGEST_LABEL = 200
MOST_IN_REPLY = 32 * 1024 * 1024
_CODEC = "_kernel_sandbox_codec"


def begin() -> None:
    """Keep what IPython calls after each cell from being called for our request.

    Among it is what shows and closes matplotlib's figures: those of a cell that is running would
    be shown half done.
    """
    events = _shell().events
    original, ours = events.trigger, threading.get_ident()

    def trigger(event: str, *arguments: Any, **named: Any) -> None:
        if threading.get_ident() != ours:
            original(event, *arguments, **named)

    events.trigger = trigger


def end() -> None:
    """Undo :func:`begin`."""
    vars(_shell().events).pop("trigger", None)


def answer(request: dict[str, Any]) -> str:
    """Do what is asked and return the answer as JSON."""
    try:
        if request["verb"] == "list":
            found: dict[str, Any] = {"frames": frames(_shell().user_ns)}
        else:
            found = save(_shell().user_ns, request)
    except BaseException as error:  # noqa: BLE001 - all of it is for the server to tell
        found = {"error": type(error).__name__, "text": str(error)[:500]}
    return json.dumps(found)


def frames(namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe the tables of a namespace."""
    found = []
    # A copy is made in one step; the user's cell may be assigning meanwhile.
    for name, value in namespace.copy().items():
        kind = None if name.startswith("_") else kind_of(value)
        if kind is None:
            continue
        try:
            found.append(described(name, value, kind))
        except Exception:  # noqa: BLE001, S112 - an odd table, or one that is being changed
            continue
        if len(found) == MOST_FRAMES:
            break
    return found


def kind_of(value: Any) -> str | None:
    """Return which kind of table a value is, if it is one."""
    for library, type_name, kind in (
        ("pandas", "DataFrame", "pandas"),
        ("polars", "DataFrame", "polars"),
        ("pyarrow", "Table", "arrow"),
        ("numpy", "ndarray", "numpy"),
    ):
        known = getattr(sys.modules.get(library), type_name, None)
        if isinstance(known, type) and isinstance(value, known):
            return None if kind == "numpy" and getattr(value, "ndim", 0) != 2 else kind
    return None


def described(name: str, value: Any, kind: str) -> dict[str, Any]:
    """Describe one table."""
    if kind == "pandas":
        columns = [
            (label, value.dtypes.iloc[i]) for i, label in enumerate(value.columns[:MOST_COLUMNS])
        ]
        size = int(value.memory_usage(index=True, deep=False).sum())
    elif kind == "polars":
        columns = list(value.schema.items())[:MOST_COLUMNS]
        size = int(value.estimated_size())
    elif kind == "arrow":
        columns = [(field.name, field.type) for field in list(value.schema)[:MOST_COLUMNS]]
        size = int(value.nbytes)
    else:
        columns = [(number, value.dtype) for number in range(min(value.shape[1], MOST_COLUMNS))]
        size = int(value.nbytes)
    return {
        "name": name,
        "kind": kind,
        "rows": int(value.shape[0]),
        "width": int(value.shape[1]),
        "columns": [[_short(label), _short(dtype)] for label, dtype in columns],
        "bytes": size,
    }


def save(namespace: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Write one table to ``path`` as an Arrow stream, or into the answer if that cannot be."""
    name, path = request["name"], request["path"]
    value: Any = namespace.get(name)
    kind = kind_of(value)
    if kind is None:
        return {"error": "LookupError", "text": name}
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415 - see whether it is there
    except ImportError:
        if kind != "polars":
            raise
    if kind == "polars" and not _has_pandas():
        value.write_ipc_stream(path, compat_level=sys.modules["polars"].CompatLevel.oldest())
        return {"changes": []}
    codec = _codec(request["codec"])
    try:
        encoded = codec.encode(value)
    except codec.NotAFrameError as error:
        return {"error": "NotAFrameError", "text": str(error)}
    finally:
        for module in [one for one in sys.modules if one.split(".")[0] == _CODEC]:
            del sys.modules[module]
    found: dict[str, Any] = {"changes": list(encoded.changes)}
    try:
        with open(path, "xb") as sink:  # noqa: PTH123 - paths are texts here
            _write(encoded.table, sink)
    except OSError:
        # A kernel that is kept apart does not see the server's files.
        if encoded.table.nbytes > MOST_IN_REPLY:
            raise
        import io  # noqa: PLC0415 - rarely needed

        memory = io.BytesIO()
        _write(encoded.table, memory)
        found["data"] = base64.b64encode(memory.getvalue()).decode("ascii")
    return found


def _write(table: Any, sink: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415 - the kernel may not have it

    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _codec(sources: dict[str, str]) -> Any:
    """Make the modules that know all of pandas' types, for this one call."""
    package = types.ModuleType(_CODEC)
    package.__path__ = []
    sys.modules[_CODEC] = package
    module = package
    for name, source in sources.items():
        module = types.ModuleType(_CODEC + "." + name)
        sys.modules[module.__name__] = module
        exec(compile(source, "<" + name + ">", "exec"), module.__dict__)  # noqa: S102 - ours
    return module


def _has_pandas() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415 - rarely needed

    return find_spec("pandas") is not None and find_spec("pyarrow") is not None


def _shell() -> Any:
    from IPython import get_ipython  # noqa: PLC0415 - not where this file is read

    return get_ipython()


def _short(value: Any) -> str:
    return str(value)[:LONGEST_LABEL]
