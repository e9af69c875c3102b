"""Finding the frames of a namespace, and reading data files into it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

FRAMES_KEPT = 50


def loaded_pandas() -> Any:
    """Return pandas if it is loaded; a module that another thread is importing is not yet."""
    module = sys.modules.get("pandas")
    loading = module is not None and getattr(module.__spec__, "_initializing", False)
    return None if loading else module


def frames_of(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the frames of a namespace by name, oldest first."""
    pandas = loaded_pandas()
    if pandas is None:
        return {}
    found = {}
    for name, value in list(namespace.items()):
        if not name.startswith("_") and isinstance(value, pandas.DataFrame):
            found[name] = value
            if len(found) == FRAMES_KEPT:
                break
    return found


MOST_COLUMNS = 2000
"""Columns of a file whose names and types are told."""


def load_file(name: str, path: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Read a data file into ``namespace[name]``; return its ``rows``, ``columns`` and ``schema``.

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
    schema = [[str(label), str(kind)] for label, kind in frame.dtypes.items()]
    return {"rows": len(frame), "columns": frame.shape[1], "schema": schema[:MOST_COLUMNS]}


def _read_text_table(pd: Any, path: str, separator: str) -> Any:
    try:
        return pd.read_csv(path, sep=separator)
    except UnicodeDecodeError:
        return pd.read_csv(path, sep=separator, encoding="latin-1")
