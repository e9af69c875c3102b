"""The columns of a table by number, and the labels and index of a frame in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kernel_sandbox.codec.cells import CellWriter, untagged
from kernel_sandbox.codec.column_reading import decode_column
from kernel_sandbox.codec.column_writing import Encoded, encode_column
from kernel_sandbox.codec.columns import Meta, as_column, as_index


class Arrays:
    """The arrays of a table that grows; each column learns the numbers of its own."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self.changes: list[str] = []

    def add(self, encoded: Encoded, label: str) -> Meta:
        """Take the arrays of a column in; return its description with where they are."""
        first = len(self.arrays)
        self.arrays.extend(encoded.arrays)
        if encoded.change is not None:
            self.changes.append(f"{label}: {encoded.change}.")
        return encoded.meta | {"at": [first, len(encoded.arrays)]}


def read_column(table: Any, meta: Meta) -> Any:
    """Return the values of a column; raises :class:`ValueError` for one that is not there."""
    first, count = meta["at"]
    if not 0 <= first <= first + count <= table.num_columns:
        raise ValueError("a column is not in the table")
    return decode_column([table.column(first + number) for number in range(count)], meta)


def encode_labels(labels: pd.Index[Any], arrays: Arrays) -> Meta:
    """Describe column labels; what is lost is told in ``arrays``."""
    writer = CellWriter()
    meta: Meta = {"names": [writer.tagged(name) for name in labels.names]}
    if isinstance(labels, pd.RangeIndex):
        return meta | {"range": [labels.start, labels.stop, labels.step]}
    meta["values"] = [writer.tagged(label) for label in labels]
    meta["multi"] = isinstance(labels, pd.MultiIndex)
    if not meta["multi"]:
        meta["dtype"] = str(labels.dtype)
    if isinstance(labels.dtype, pd.CategoricalDtype):
        arrays.changes.append("The column labels were categorical and are plain now.")
    if writer.texts:
        arrays.changes.append("Some column labels are kept as text only.")
    return meta


_LABEL_DTYPES = {"object", "str", "int64", "float64", "bool", "string"}


def decode_labels(meta: Meta) -> pd.Index[Any]:
    """Return the labels that were described."""
    names = [untagged(name) for name in meta["names"]]
    if "range" in meta:
        start, stop, step = (int(part) for part in meta["range"])
        return pd.RangeIndex(start, stop, step, name=names[0])
    values = [untagged(label) for label in meta["values"]]
    if meta["multi"]:
        if not values:
            return pd.MultiIndex.from_arrays([[] for _ in names], names=names)
        return pd.MultiIndex.from_tuples(values, names=names)
    # A list of tuples would become a MultiIndex.
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    if meta["dtype"] in _LABEL_DTYPES:
        try:
            return pd.Index(objects, dtype=meta["dtype"], name=names[0])
        except (TypeError, ValueError):
            return pd.Index(objects, dtype=object, name=names[0])
    return pd.Index(objects, name=names[0], tupleize_cols=False).infer_objects()


def encode_index(index: pd.Index[Any], arrays: Arrays) -> Meta:
    """Describe an index, its levels as further columns."""
    writer = CellWriter()
    meta: Meta = {"names": [writer.tagged(name) for name in index.names]}
    if isinstance(index, pd.RangeIndex):
        return meta | {"range": [index.start, index.stop, index.step]}
    meta["multi"] = isinstance(index, pd.MultiIndex)
    meta["levels"] = [
        arrays.add(
            encode_column(as_column(index.get_level_values(number))),
            "The index" if index.nlevels == 1 else f"Level {number} of the index",
        )
        for number in range(index.nlevels)
    ]
    frequency = getattr(index, "freqstr", None)
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) and frequency:
        meta["freq"] = frequency
    return meta


def decode_index(table: Any, meta: Meta) -> pd.Index[Any]:
    """Return the index that was described."""
    names = [untagged(name) for name in meta["names"]]
    if "range" in meta:
        start, stop, step = (int(part) for part in meta["range"])
        return pd.RangeIndex(start, stop, step, name=names[0])
    levels = [read_column(table, level) for level in meta["levels"]]
    if meta["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=names)
    (values,) = levels
    index = as_index(values, names[0])
    if "freq" in meta and isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        try:
            index = type(index)(index, freq=str(meta["freq"]))
        except ValueError:
            return index
    return index
