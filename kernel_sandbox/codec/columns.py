"""What writers and readers of a column share: names of types, and small conversions.

Each way of writing a column ("plain", "object", "json", …) has a name, kept beside the arrays
with what else is needed to restore the column; the reader accepts the names it knows only.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Meta = dict[str, Any]


PLAIN_DTYPE = re.compile(
    r"bool|boolean|u?int\d{1,2}|U?Int\d{1,2}|float\d{2}|Float\d{2}|str|string|object"
    r"|datetime64\[(s|ms|us|ns)(, [\w:+/\- ]+)?\]|timedelta64\[(s|ms|us|ns)\]"
)


PERIOD = re.compile(r"period\[[\w\-]+\]")

MISSING: dict[str, Any] = {"none": None, "nan": float("nan"), "nat": pd.NaT, "na": pd.NA}


def chunked(array: Any) -> Any:
    """Return an array as a chunked one."""
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


def as_column(index: pd.Index[Any]) -> pd.Series[Any]:
    """Return the values of an index as a column, of the same dtype."""
    return pd.Series(index.array, dtype=index.dtype, copy=False)


def as_index(values: Any, name: Any = None) -> pd.Index[Any]:
    """Return an index of values; objects stay objects, for which it would infer a type."""
    kept = object if isinstance(values, np.ndarray) and values.dtype == object else None
    return pd.Index(values, dtype=kept, name=name, tupleize_cols=False)
