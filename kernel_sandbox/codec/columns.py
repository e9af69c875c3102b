"""One column as Arrow arrays and back.

Each way of writing a column ("plain", "object", "json", …) has a name, kept beside the arrays
with what else is needed to restore the column; the reader accepts the names it knows only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kernel_sandbox.codec.cells import CellWriter, loads, untagged

Meta = dict[str, Any]

_PLAIN_DTYPE = re.compile(
    r"bool|boolean|u?int\d{1,2}|U?Int\d{1,2}|float\d{2}|Float\d{2}|str|string|object"
    r"|datetime64\[(s|ms|us|ns)(, [\w:+/\- ]+)?\]|timedelta64\[(s|ms|us|ns)\]"
)
_PERIOD = re.compile(r"period\[[\w\-]+\]")


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


def decode_column(arrays: list[Any], meta: Meta) -> Any:
    """Return the values of a column; raises :class:`ValueError` for what no writer wrote."""
    try:
        read = _READERS[meta["as"]]
    except (KeyError, TypeError):
        raise ValueError("a column is described in an unknown way") from None
    return read(arrays, meta)


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
        return Encoded([_chunked(pa.array(column.array))], {"as": "arrow"})
    if isinstance(dtype, pd.StringDtype):
        array = _chunked(pa.array(column.array, type=pa.large_string()))
        missing = "nan" if isinstance(dtype.na_value, float) else "na"
        return Encoded([array], {"as": "string", "storage": dtype.storage, "missing": missing})
    if isinstance(dtype, np.dtype):
        return _encode_numpy(column, dtype)
    if str(dtype) == "geometry":
        return _encode_geometry(column)
    if _PLAIN_DTYPE.fullmatch(str(dtype)):
        array = _chunked(pa.array(column.array))
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
    array = _chunked(pa.array(values, from_pandas=False))
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
    array = _chunked(pa.array(values, type=_OBJECT_TYPES[kind], mask=mask, from_pandas=False))
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

_MISSING: dict[str, Any] = {"none": None, "nan": float("nan"), "nat": pd.NaT, "na": pd.NA}


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
    array = _chunked(pa.array(cells, type=pa.large_string()))
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


def _chunked(array: Any) -> Any:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def is_simple(kind: Any) -> bool:
    """Whether an Arrow type is flat: its size in memory is in proportion to its bytes."""
    types = pa.types
    if types.is_dictionary(kind):
        return types.is_integer(kind.index_type) and is_simple(kind.value_type)
    return any(
        check(kind)
        for check in (
            types.is_boolean,
            types.is_integer,
            types.is_floating,
            types.is_decimal,
            types.is_string,
            types.is_large_string,
            types.is_binary,
            types.is_large_binary,
            types.is_date,
            types.is_time,
            types.is_timestamp,
            types.is_duration,
        )
    )


# Readers: each may be given anything, by a kernel that forged a result.


def _read_plain(arrays: list[Any], meta: Meta) -> Any:
    name = str(meta["dtype"])
    if not _PLAIN_DTYPE.fullmatch(name):
        raise ValueError("a column has an unknown dtype")
    (array,) = arrays
    dtype: Any = pd.api.types.pandas_dtype(name)
    if not isinstance(dtype, np.dtype) and hasattr(dtype, "__from_arrow__"):
        return dtype.__from_arrow__(array)
    # A name alone does not make pandas allocate; the type of the array must fit it.
    values = _in_place(array, dtype)
    if values is None:
        values = array.to_numpy()
    return values if values.dtype == dtype else pd.Series(values).astype(dtype).array


def _in_place(array: Any, dtype: Any) -> Any:
    """Return the values where they are, if the memory may be written; else ``None``."""
    if not isinstance(array, pa.ChunkedArray) or array.num_chunks != 1:
        return None
    piece: Any = array.chunk(0)
    fits = isinstance(dtype, np.dtype) and dtype.kind in "iuf" and not piece.null_count
    if not fits or piece.type != pa.from_numpy_dtype(dtype):
        return None
    buffer = piece.buffers()[1]
    if buffer is None or not buffer.is_mutable:
        return None
    return np.frombuffer(buffer, dtype, len(piece), piece.offset * dtype.itemsize)


def _read_string(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    if meta["storage"] not in ("python", "pyarrow") or meta["missing"] not in ("nan", "na"):
        raise ValueError("a column has an unknown kind of string")
    dtype: Any
    if meta["missing"] == "na":
        dtype = pd.StringDtype(meta["storage"])
    else:
        try:
            dtype = pd.StringDtype(meta["storage"], na_value=np.nan)
        except TypeError:  # pandas before 2.3 has no such strings
            return _with_missing(array, "nan")
    return dtype.__from_arrow__(array)


def _read_arrow(arrays: list[Any], _: Meta) -> Any:
    (array,) = arrays
    return pd.ArrowDtype(array.type).__from_arrow__(array)  # type: ignore[attr-defined]


def _read_object(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    return _with_missing(array, meta["missing"])


def _with_missing(array: Any, missing: str) -> Any:
    if missing not in _MISSING:
        raise ValueError("a column has an unknown missing value")
    values = np.empty(len(array), dtype=object)
    values[:] = array.to_pylist()
    if missing != "none":
        values[np.asarray(array.is_null())] = _MISSING[missing]
    return values


def _read_cells(arrays: list[Any], _: Meta) -> Any:
    (array,) = arrays
    values = np.empty(len(array), dtype=object)
    for number, cell in enumerate(array.to_pylist()):
        values[number] = loads(cell)
    return values


def _read_categorical(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    ordered = bool(meta["ordered"])
    if "cells" in meta:
        categories = _objects_index([untagged(cell) for cell in meta["cells"]], meta)
        indices = array
    else:
        if not pa.types.is_dictionary(array.type):
            raise ValueError("a categorical column has no categories")
        unified = array.unify_dictionaries()
        chunks = unified.chunks
        kept = chunks[0].dictionary if chunks else pa.array([], type=array.type.value_type)
        values = decode_column([_chunked(kept)], meta["categories"])
        categories = as_index(values)
        indices = pa.chunked_array([chunk.indices for chunk in chunks], type=array.type.index_type)
    codes = indices.fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def _objects_index(values: list[Any], meta: Meta) -> pd.Index[Any]:
    name = str(meta["dtype"])
    index: pd.Index[Any] = pd.Index(values, dtype=object, tupleize_cols=False)
    if name == "object":
        return index
    return index.astype(name) if _PLAIN_DTYPE.fullmatch(name) else index.infer_objects()


def as_column(index: pd.Index[Any]) -> pd.Series[Any]:
    """Return the values of an index as a column, of the same dtype."""
    return pd.Series(index.array, dtype=index.dtype, copy=False)


def as_index(values: Any, name: Any = None) -> pd.Index[Any]:
    """Return an index of values; objects stay objects, for which it would infer a type."""
    kept = object if isinstance(values, np.ndarray) and values.dtype == object else None
    return pd.Index(values, dtype=kept, name=name, tupleize_cols=False)


def _read_period(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    name = str(meta["dtype"])
    if not _PERIOD.fullmatch(name) or not pa.types.is_int64(array.type):
        raise ValueError("a column has an unknown period")
    ordinals = array.fill_null(pd.NaT._value).to_numpy()  # type: ignore[attr-defined]  # noqa: SLF001
    periods: Any = pd.arrays.PeriodArray
    return periods(ordinals, dtype=pd.api.types.pandas_dtype(name))


def _read_interval(arrays: list[Any], meta: Meta) -> Any:
    left, right, missing = arrays
    if meta["closed"] not in ("left", "right", "both", "neither"):
        raise ValueError("a column has unknown intervals")
    ends = [
        pd.Index(decode_column([array], meta[side]))
        for array, side in ((left, "left"), (right, "right"))
    ]
    intervals: Any = pd.arrays.IntervalArray.from_arrays(ends[0], ends[1], closed=meta["closed"])
    if missing.to_numpy().any():
        intervals = pd.Series(intervals).mask(missing.to_numpy()).array
    return intervals


def _read_complex(arrays: list[Any], meta: Meta) -> Any:
    real, imag = (array.to_numpy() for array in arrays)
    if meta["dtype"] not in ("complex64", "complex128"):
        raise ValueError("a column has an unknown complex dtype")
    values = np.empty(len(real), dtype=meta["dtype"])
    values.real, values.imag = real, imag
    return values


def _read_geometry(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    if not pa.types.is_large_binary(array.type) and not pa.types.is_binary(array.type):
        raise ValueError("a geometry is no bytes")
    crs = meta["crs"]
    try:
        import geopandas as gpd  # noqa: PLC0415 - only where somebody has it
    except ImportError:
        return np.array(array.to_pylist(), dtype=object)
    try:
        return gpd.GeoSeries.from_wkb(
            array.to_pylist(), crs=None if crs is None else str(crs)
        ).array
    except Exception as error:
        raise ValueError(f"a geometry cannot be read: {str(error)[:200]}") from error


_READERS: dict[str, Callable[[list[Any], Meta], Any]] = {
    "plain": _read_plain,
    "string": _read_string,
    "arrow": _read_arrow,
    "object": _read_object,
    "json": _read_cells,
    "categorical": _read_categorical,
    "period": _read_period,
    "interval": _read_interval,
    "complex": _read_complex,
    "geometry": _read_geometry,
}
