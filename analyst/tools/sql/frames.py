"""Rows that a database's driver gives, as a frame; what had to be changed is said."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

BATCH = 500
MOST_BYTES = 512 * 1024 * 1024
"""Of a result: reading ends there, as if it were the cap on its rows."""

_INT64 = 2**63


@dataclass(frozen=True)
class Fetched:
    """A result. ``columns``: names and types. ``more``: it had more rows than were read.

    ``frame`` has the rows; its labels are those of ``columns``, made different where they are
    not. ``changes``: a sentence for each column whose values are not those of the database.
    """

    columns: tuple[tuple[str, str], ...]
    frame: pd.DataFrame
    more: bool = False
    changes: tuple[str, ...] = ()


def fetch_rows(
    names: Sequence[str], fetch_many: Callable[[int], Sequence[Sequence[Any]]], most_rows: int
) -> Fetched:
    """Fetch rows batch by batch until there are no more, or too many. Raises what drivers raise."""
    rows: list[Sequence[Any]] = []
    size = 0
    while len(rows) <= most_rows and size <= MOST_BYTES:
        batch = fetch_many(min(BATCH, most_rows + 1 - len(rows)))
        if not batch:
            break
        rows += batch
        size += sum(map(_size, batch))
    more = len(rows) > most_rows or size > MOST_BYTES
    labels = _different(names)
    changes: list[str] = []
    columns = {
        at: _column([row[at] for row in rows[:most_rows]], label, changes)
        for at, label in enumerate(labels)
    }
    frame = pd.DataFrame(columns, index=range(min(len(rows), most_rows)))
    frame.columns = pd.Index(labels, dtype=object)
    kinds = [str(frame.iloc[:, at].dtype) for at in range(frame.shape[1])]
    return Fetched(tuple(zip(names, kinds, strict=True)), frame, more, tuple(changes))


def _size(row: Sequence[Any]) -> int:
    return sum(sys.getsizeof(value) for value in row)


def _different(names: Sequence[str]) -> list[str]:
    """Return labels of which each is there once: a frame's columns are found by them."""
    labels: list[str] = []
    for name in names:
        label, number = name, 2
        while label in labels:
            label, number = f"{name}_{number}", number + 1
        labels.append(label)
    return labels


def _column(values: list[Any], label: str, changes: list[str]) -> pd.Series[Any]:
    kinds = {type(value) for value in values if value is not None}
    nulls = any(value is None for value in values)
    try:
        if kinds == {bool}:
            return pd.Series(values, dtype="boolean" if nulls else "bool")
        if kinds == {int} and all(value is None or abs(value) < _INT64 for value in values):
            return pd.Series(values, dtype="Int64" if nulls else "int64")
        if kinds and kinds <= {int, float}:
            return pd.Series(values, dtype="float64")
        if kinds and kinds <= {int, float, Decimal}:
            return _of_decimals(values, label, changes)
        if kinds and kinds <= {dt.datetime, dt.date}:
            zones = {getattr(value, "tzinfo", None) for value in values if value is not None}
            return pd.Series(pd.to_datetime(values, utc=zones != {None}))
        if kinds == {dt.timedelta}:
            return pd.Series(pd.to_timedelta(values))
    except (ValueError, OverflowError, TypeError):
        # Of a time or size that frames have no room for.
        changes.append(f"{label!r} is kept as text.")
        return pd.Series([None if value is None else str(value) for value in values], dtype="str")
    return _of_others(values, kinds, label, changes)


def _of_decimals(values: list[Any], label: str, changes: list[str]) -> pd.Series[Any]:
    floats = [None if value is None else float(value) for value in values]
    for exact, rounded in zip(values, floats, strict=True):
        if rounded is not None and exact == exact and Decimal(repr(rounded)) != Decimal(exact):  # noqa: PLR0124
            changes.append(f"{label!r} has decimals with more digits than a float64 keeps.")
            break
    return pd.Series(floats, dtype="float64")


def _of_others(
    values: list[Any], kinds: set[type], label: str, changes: list[str]
) -> pd.Series[Any]:
    if kinds == {str}:
        return pd.Series(values, dtype="str")
    if kinds == {uuid.UUID}:
        return pd.Series([None if one is None else str(one) for one in values], dtype="str")
    if kinds and kinds <= {bytes, memoryview, bytearray}:
        return pd.Series([None if one is None else bytes(one) for one in values], dtype=object)
    if kinds <= {list, dict} or (len(kinds) == 1 and kinds <= {dt.time, int}):
        return pd.Series(values, dtype=object)
    if len(kinds) > 1:
        changes.append(f"{label!r} holds values of several kinds; they are kept as text.")
    return pd.Series([None if value is None else str(value) for value in values], dtype="str")
