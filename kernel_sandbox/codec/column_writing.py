"""One column as Arrow arrays: an Arrow type where it comes back as it was, else cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kernel_sandbox.codec.cells import CellWriter
from kernel_sandbox.codec.columns import PLAIN_DTYPE, Meta, as_column, chunked, is_simple


@dataclass(frozen=True)
class Encoded:
    """A column as ``arrays`` of one length, ``meta`` to restore it, and what was lost if any."""

    arrays: list[Any]
    meta: Meta
    change: str | None = None


def encode_column(column: pd.Series[Any]) -> Encoded:
    """Write a column; it always succeeds, at worst as text."""
    try:
        return _encode_typed(column)
    except _TYPED_FAILURES:
        return _encode_cells(column)


_TYPED_FAILURES = (
    pa.ArrowException,
    ValueError,
    TypeError,
    OverflowError,
    AttributeError,
    KeyError,
    NotImplementedError,
)


def _encode_typed(column: pd.Series[Any]) -> Encoded:
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _encode_categorical(column)
    if isinstance(dtype, pd.PeriodDtype):
        ordinals = column.array.asi8
        array = pa.array(ordinals, mask=np.asarray(column.isna()))
        return Encoded([array], {"as": "period", "dtype": str(dtype)})
    if isinstance(dtype, pd.IntervalDtype):
        return _encode_interval(column)
    if isinstance(dtype, pd.SparseDtype):
        dense = encode_column(pd.Series(column.array.to_dense()))
        return Encoded(dense.arrays, dense.meta, "was sparse and is dense now")
    if isinstance(dtype, pd.ArrowDtype):
        if not is_simple(dtype.pyarrow_dtype):
            raise TypeError("nested Arrow types are written cell by cell")
        return Encoded([chunked(pa.array(column.array))], {"as": "arrow"})
    if isinstance(dtype, pd.StringDtype):
        array = chunked(pa.array(column.array, type=pa.large_string()))
        missing = "nan" if isinstance(dtype.na_value, float) else "na"
        return Encoded([array], {"as": "string", "storage": dtype.storage, "missing": missing})
    if isinstance(dtype, np.dtype):
        return _encode_numpy(column, dtype)
    if str(dtype) == "geometry":
        return _encode_geometry(column)
    if PLAIN_DTYPE.fullmatch(str(dtype)):
        array = chunked(pa.array(column.array))
        return Encoded([array], {"as": "plain", "dtype": str(dtype)})
    raise TypeError(f"no Arrow type for {dtype}")


def _encode_numpy(column: pd.Series[Any], dtype: np.dtype[Any]) -> Encoded:
    if dtype.kind == "O":
        return _encode_objects(column)
    values = column.to_numpy()
    if dtype.kind == "c":
        wide = values.astype(np.complex128)
        meta = {"as": "complex", "dtype": str(dtype)}
        return Encoded([pa.array(wide.real.copy()), pa.array(wide.imag.copy())], meta)
    change = None
    if dtype.kind == "f" and dtype.itemsize > 8:
        values, change = values.astype(np.float64), f"was {dtype} and is float64 now"
    elif not dtype.isnative:
        values = values.astype(dtype.newbyteorder("="))
    array = chunked(pa.array(values, from_pandas=False))
    return Encoded([array], {"as": "plain", "dtype": str(values.dtype)}, change)


def _encode_geometry(column: Any) -> Encoded:
    crs = None if column.crs is None else column.crs.to_wkt()
    array = pa.array(column.to_wkb().to_numpy(dtype=object), type=pa.large_binary())
    return Encoded([array], {"as": "geometry", "crs": crs})


def _encode_categorical(column: pd.Series[Any]) -> Encoded:
    values: Any = column.array
    mask = values.codes < 0
    codes = pa.array(np.where(mask, 0, values.codes), mask=mask)
    categories = encode_column(as_column(values.categories))
    meta = {"as": "categorical", "ordered": bool(values.ordered)}
    # Arrow drops the dictionary of a column without rows.
    if len(values) and len(categories.arrays) == 1 and categories.meta["as"] != "json":
        kept = categories.arrays[0]
        dictionary = kept.combine_chunks() if isinstance(kept, pa.ChunkedArray) else kept
        if isinstance(dictionary, pa.Array):
            array = pa.DictionaryArray.from_arrays(codes, dictionary, ordered=meta["ordered"])
            return Encoded([array], meta | {"categories": categories.meta}, categories.change)
    writer = CellWriter()
    cells = [writer.tagged(category) for category in values.categories]
    change = _texts_change(writer)
    return Encoded([codes], meta | {"cells": cells, "dtype": str(values.categories.dtype)}, change)


def _encode_interval(column: pd.Series[Any]) -> Encoded:
    values: Any = column.array
    left, right = encode_column(pd.Series(values.left)), encode_column(pd.Series(values.right))
    if len(left.arrays) != 1 or len(right.arrays) != 1:
        raise TypeError("intervals of compound ends")
    meta = {
        "as": "interval",
        "closed": values.closed,
        "left": left.meta,
        "right": right.meta,
    }
    missing = pa.array(np.asarray(values.isna()))
    return Encoded([*left.arrays, *right.arrays, missing], meta)


def _encode_objects(column: pd.Series[Any]) -> Encoded:
    """Write objects by an Arrow type where they come back as they were."""
    values = column.to_numpy()
    kind = pd.api.types.infer_dtype(values, skipna=True)
    mask = np.asarray(pd.isna(values))
    missing = {_missing_kind(value) for value in values[mask]}
    if kind not in _OBJECT_TYPES or len(missing) > 1 or "other" in missing:
        return _encode_cells(column)
    # A datetime is a date to pandas' inference, and would lose its time.
    if kind == "date" and any(hasattr(value, "hour") for value in values[~mask]):
        return _encode_cells(column)
    # Arrow gives all the same number of places: 0 beside 0.5 would become 0.0.
    if kind == "decimal" and len({value.as_tuple().exponent for value in values[~mask]}) > 1:
        return _encode_cells(column)
    array = chunked(pa.array(values, type=_OBJECT_TYPES[kind], mask=mask, from_pandas=False))
    meta = {"as": "object", "missing": missing.pop() if missing else "none"}
    return Encoded([array], meta)


_OBJECT_TYPES: dict[str, Any] = {
    "string": pa.large_string(),
    "bytes": pa.large_binary(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "decimal": None,
    "empty": pa.large_string(),
}


def _missing_kind(value: object) -> str:
    if value is None:
        return "none"
    if value is pd.NaT:
        return "nat"
    if value is pd.NA:
        return "na"
    return "nan" if type(value) is float else "other"


def _encode_cells(column: pd.Series[Any]) -> Encoded:
    writer = CellWriter()
    cells = [writer.dumps(value) for value in column.astype(object).to_numpy()]
    array = chunked(pa.array(cells, type=pa.large_string()))
    change = _texts_change(writer)
    if change is None and column.dtype != object:
        change = f"was {column.dtype} and holds Python objects now"
    return Encoded([array], {"as": "json"}, change)


def _texts_change(writer: CellWriter) -> str | None:
    if not writer.texts:
        return None
    types = ", ".join(sorted(writer.text_types)[:5])
    values = "value is" if writer.texts == 1 else "values are"
    return f"{writer.texts} {values} kept as text only ({types})"
