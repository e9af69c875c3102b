"""Whole frames, series and arrays as one Arrow table and back.

The columns of the table are numbered, since labels may repeat or be no text; the labels, the
index and how each column was written stand in the metadata of the schema.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kernel_sandbox.codec.cells import CellWriter, text_of, untagged
from kernel_sandbox.codec.column_writing import encode_column
from kernel_sandbox.codec.columns import Meta
from kernel_sandbox.codec.labels import (
    Arrays,
    decode_index,
    decode_labels,
    encode_index,
    encode_labels,
    read_column,
)

METADATA_KEY = b"kernel_sandbox"
_MAX_ATTRS = 64 * 1024


class NotAFrameError(TypeError):
    """The object is no frame, or one that cannot be written at all; the message says why."""


@dataclass(frozen=True)
class EncodedFrame:
    """``table`` carries the description ``meta`` in its metadata; ``changes``: sentences."""

    table: Any
    meta: Meta
    rows: int
    columns: int
    changes: tuple[str, ...]


def encode(value: object) -> EncodedFrame:
    """Write a frame, series, array or Arrow table; raises :class:`NotAFrameError`."""
    if isinstance(value, pd.DataFrame):
        return _encode_pandas(value, {"kind": "frame"})
    if isinstance(value, pd.Series):
        name = CellWriter().tagged(value.name)
        return _encode_pandas(value.to_frame(), {"kind": "series", "name": name})
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if isinstance(value, pa.Table):
        return _described(value, {"kind": "arrow"}, value.num_columns, ())
    kind = type(value)
    if kind.__module__.split(".")[0] == "polars":
        return _encode_polars(value)
    raise NotAFrameError(f"it is a {kind.__module__}.{kind.__qualname__}, not a table")


def decode(table: Any, *, own: bool | None = True) -> Any:
    """Return what was written; raises :class:`ValueError` for what no writer wrote.

    With ``own`` the values can be changed in place: they are copied from the table, or, when the
    table is in memory that may be written (``own=None``), taken where they can be.
    """
    try:
        meta = json.loads(table.schema.metadata[METADATA_KEY])
        kind = meta["kind"]
        if kind == "arrow":
            return table.replace_schema_metadata(
                {k: v for k, v in table.schema.metadata.items() if k != METADATA_KEY} or None
            )
        if kind == "polars":
            return _decode_polars(table, meta)
        if kind == "array":
            return _decode_array(table, meta)
        if kind not in ("frame", "series"):
            raise ValueError("the table is of an unknown kind")
        frame = _decode_pandas(table, meta, own=own)
        if kind == "series":
            series = frame.iloc[:, 0]
            series.name = untagged(meta["name"])
            return series
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the table is described in an unknown way: {error}") from error
    return frame


def _described(table: Any, meta: Meta, columns: int, changes: tuple[str, ...]) -> EncodedFrame:
    kept = dict(table.schema.metadata or {})
    described = table.replace_schema_metadata({**kept, METADATA_KEY: json.dumps(meta).encode()})
    return EncodedFrame(described, meta, table.num_rows, columns, changes)


def _encode_pandas(frame: pd.DataFrame, meta: Meta) -> EncodedFrame:
    arrays = Arrays()
    columns = [
        arrays.add(encode_column(frame.iloc[:, number]), f"Column {text_of(frame.columns[number])}")
        for number in range(frame.shape[1])
    ]
    meta = meta | {
        "rows": len(frame),
        "columns": columns,
        "labels": encode_labels(frame.columns, arrays),
        "index": encode_index(frame.index, arrays),
    }
    if hasattr(frame, "active_geometry_name"):
        active = frame.active_geometry_name
        where = [*frame.columns].index(active) if active is not None else None
        meta["geometry"] = where
    attrs = CellWriter().dumps(dict(frame.attrs)) if frame.attrs else ""
    if attrs and len(attrs) < _MAX_ATTRS:
        meta["attrs"] = json.loads(attrs)
    table = pa.table(arrays.arrays, names=[str(number) for number in range(len(arrays.arrays))])
    described = _described(table, meta, frame.shape[1], tuple(arrays.changes))
    # Arrow counts no rows where there are no columns.
    return replace(described, rows=len(frame))


def _decode_pandas(table: Any, meta: Meta, *, own: bool | None) -> pd.DataFrame:
    values = [read_column(table, column) for column in meta["columns"]]
    index = decode_index(table, meta["index"])
    if len(index) != (table.num_rows if table.num_columns else meta["rows"]):
        raise ValueError("the index does not fit the rows")
    # pandas would infer a type of its own for an array of objects.
    values = [
        pd.Series(value, dtype=object, index=index, copy=False)
        if isinstance(value, np.ndarray) and value.dtype == object
        else value
        for value in values
    ]
    if own is None:
        values = [_writable(value) for value in values]
    with warnings.catch_warnings():
        # Thousands of columns are slow to insert one by one, but these come all at once.
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        frame = pd.DataFrame(dict(enumerate(values)), index=index, copy=bool(own))
    labels = decode_labels(meta["labels"])
    if len(labels) != frame.shape[1]:
        raise ValueError("the labels do not fit the columns")
    frame.columns = labels
    if "geometry" in meta:
        frame = _geographic(frame, meta["geometry"])
    if "attrs" in meta:
        frame.attrs = untagged(meta["attrs"])
    return frame


def _geographic(frame: pd.DataFrame, where: int | None) -> pd.DataFrame:
    """Make a GeoDataFrame of a frame that was one."""
    try:
        import geopandas as gpd  # noqa: PLC0415 - only where somebody has it
    except ImportError:
        return frame
    found: pd.DataFrame = gpd.GeoDataFrame(frame)
    if where is not None:
        found = gpd.GeoDataFrame(found, geometry=frame.columns[int(where)])
    return found


def _writable(value: Any) -> Any:
    array = getattr(value, "_ndarray", value)
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        return value.copy()
    return value


def _encode_array(array: np.ndarray[Any, Any]) -> EncodedFrame:
    if array.ndim not in (1, 2):
        raise NotAFrameError(f"it has {array.ndim} dimensions; arrays of 1 or 2 can be handed over")
    if isinstance(array, np.ma.MaskedArray):
        raise NotAFrameError("it is a masked array; fill it first, for instance with .filled()")
    if array.dtype.kind == "V":
        raise NotAFrameError("it is a structured array; make a DataFrame of it first")
    meta: Meta = {"kind": "array", "shape": list(array.shape), "dtype": array.dtype.str}
    flat = np.ascontiguousarray(array).reshape(-1)
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    if flat.dtype.kind in "mM":
        flat = flat.view("i8")
    elif flat.dtype.kind in "US":
        flat = flat.astype(object)
    arrays = Arrays()
    series = pd.Series(flat, copy=False)
    if series.dtype != flat.dtype:
        series = pd.Series(flat, dtype=object)
    meta["column"] = arrays.add(encode_column(series), "The array")
    columns = array.shape[1] if array.ndim == 2 else 1
    table = pa.table(arrays.arrays, names=[str(number) for number in range(len(arrays.arrays))])
    return replace(_described(table, meta, columns, tuple(arrays.changes)), rows=array.shape[0])


def _decode_array(table: Any, meta: Meta) -> np.ndarray[Any, Any]:
    values = np.array(read_column(table, meta["column"]))
    dtype = np.dtype(str(meta["dtype"]))
    if dtype.kind in "mM":
        values = values.astype("i8").view(dtype.newbyteorder("="))
    elif values.dtype != dtype and dtype.kind != "O" and dtype.itemsize <= 1 << 20:
        values = values.astype(dtype) if values.dtype.kind == "O" else values
    return values.reshape([int(size) for size in meta["shape"]])


def _encode_polars(value: Any) -> EncodedFrame:
    import polars as pl  # noqa: PLC0415 - only where somebody has it

    if isinstance(value, pl.LazyFrame):
        raise NotAFrameError("it is a LazyFrame; call .collect() first")
    series = isinstance(value, pl.Series)
    frame = value.to_frame() if series else value
    if not isinstance(frame, pl.DataFrame):
        raise NotAFrameError(f"it is a polars.{type(value).__name__}, not a table")
    changes = []
    for column in frame.get_columns():
        if column.dtype == pl.Object:
            texts = [None if cell is None else text_of(cell) for cell in column.to_list()]
            frame = frame.with_columns(pl.Series(column.name, texts, dtype=pl.String))
            changes.append(f"Column {column.name!r} holds Python objects and is kept as text only.")
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    meta = {"kind": "polars", "series": series}
    return _described(table, meta, frame.width, tuple(changes))


def _decode_polars(table: Any, meta: Meta) -> Any:
    plain = table.replace_schema_metadata(None)
    try:
        import polars as pl  # noqa: PLC0415 - only where somebody has it
    except ImportError:
        frame = plain.to_pandas()
        return frame.iloc[:, 0] if meta["series"] else frame
    loaded = pl.from_arrow(plain)
    return loaded.to_series() if meta["series"] and isinstance(loaded, pl.DataFrame) else loaded
