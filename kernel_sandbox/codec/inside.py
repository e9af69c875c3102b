"""What runs inside a kernel at a hand-over: load a file under a name, save a variable to a file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kernel_sandbox.codec.frames import NotAFrameError, decode, encode


def load(namespace: dict[str, Any], name: str, path: str, *, own: bool = True) -> dict[str, Any]:
    """Put the table in ``path`` into ``namespace`` and return what it has become.

    Without ``own`` it stays in the file's pages where it can, and cannot be changed in place.
    """
    with pa.memory_map(path) as source:
        value = decode(pa.ipc.open_file(source).read_all(), own=own)
    namespace[name] = value
    kind = type(value)
    return {"type": f"{kind.__module__.split('.')[0]}.{kind.__qualname__}"}


def save(namespace: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    """Write the variable as a pandas frame to ``path``; on failure say in ``refused`` why."""
    if name not in namespace:
        return {"refused": f"There is no variable {name!r} in the kernel."}
    try:
        frame = _as_frame(namespace[name])
        encoded = encode(frame)
    except NotAFrameError as error:
        return {"refused": f"{name!r} cannot be fetched: {error}."}
    # Written under another name first, so that a file that is there is whole.
    partial = f"{path}.partial"
    with pa.OSFile(partial, "wb") as sink, pa.ipc.new_stream(sink, encoded.table.schema) as writer:
        writer.write_table(encoded.table)
    os.replace(partial, path)  # noqa: PTH105 - paths are texts here
    return {"rows": encoded.rows, "columns": encoded.columns, "changes": list(encoded.changes)}


def _as_frame(value: Any) -> pd.DataFrame:
    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series):
        return value.to_frame()
    if isinstance(value, np.ndarray):
        if value.ndim not in (1, 2):
            raise NotAFrameError(f"it has {value.ndim} dimensions")
        return pd.DataFrame(value)
    if isinstance(value, pa.Table | pa.RecordBatch):
        frame: pd.DataFrame = value.to_pandas()
        return frame
    if type(value).__module__.split(".")[0] == "polars" and hasattr(value, "to_arrow"):
        arrow = value.to_frame() if hasattr(value, "to_frame") else value
        return _as_frame(arrow.to_arrow())
    kind = type(value)
    raise NotAFrameError(f"it is a {kind.__module__}.{kind.__qualname__}, not a table")
