"""One column from Arrow arrays. Each reader may be given anything, by a kernel that forges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kernel_sandbox.codec.cells import loads, untagged
from kernel_sandbox.codec.columns import MISSING, PERIOD, PLAIN_DTYPE, Meta, as_index, chunked


def decode_column(arrays: list[Any], meta: Meta) -> Any:
    """Return the values of a column; raises :class:`ValueError` for what no writer wrote."""
    try:
        read = _READERS[meta["as"]]
    except (KeyError, TypeError):
        raise ValueError("a column is described in an unknown way") from None
    return read(arrays, meta)


def _read_plain(arrays: list[Any], meta: Meta) -> Any:
    name = str(meta["dtype"])
    if not PLAIN_DTYPE.fullmatch(name):
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
    if missing not in MISSING:
        raise ValueError("a column has an unknown missing value")
    values = np.empty(len(array), dtype=object)
    values[:] = array.to_pylist()
    if missing != "none":
        values[np.asarray(array.is_null())] = MISSING[missing]
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
        values = decode_column([chunked(kept)], meta["categories"])
        categories = as_index(values)
        indices = pa.chunked_array([chunk.indices for chunk in chunks], type=array.type.index_type)
    codes = indices.fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def _objects_index(values: list[Any], meta: Meta) -> pd.Index[Any]:
    name = str(meta["dtype"])
    index: pd.Index[Any] = pd.Index(values, dtype=object, tupleize_cols=False)
    if name == "object":
        return index
    return index.astype(name) if PLAIN_DTYPE.fullmatch(name) else index.infer_objects()


def _read_period(arrays: list[Any], meta: Meta) -> Any:
    (array,) = arrays
    name = str(meta["dtype"])
    if not PERIOD.fullmatch(name) or not pa.types.is_int64(array.type):
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
