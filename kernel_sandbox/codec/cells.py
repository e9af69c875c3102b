"""Odd cells as JSON: Python values that no Arrow column holds, exactly where that is possible.

The source of this module is also run inside kernels, so it imports nothing of the package.
Reading never evaluates or imports anything: unknown tags are refused.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any

import numpy as np
import pandas as pd

TAG = "$"
TEXT_KEPT = 1000
_MAX_DEPTH = 50
_ARRAY_KINDS = "biufc"


class CellWriter:
    """Writes values as JSON; ``texts`` counts those of which only the ``repr`` was kept."""

    def __init__(self) -> None:
        self.texts = 0
        self.text_types: set[str] = set()

    def dumps(self, value: object) -> str:
        """Return ``value`` as JSON text."""
        return json.dumps(self.tagged(value), separators=(",", ":"))

    def tagged(self, value: Any, depth: int = 0) -> Any:
        """Return ``value`` as what :mod:`json` can write."""
        if value is None or value is True or value is False or type(value) in (str, int, float):
            return value
        if depth > _MAX_DEPTH:
            return self._text(value)
        if isinstance(value, dict):
            return self._mapping(value, depth)
        for kind, tag in _SEQUENCES:
            if isinstance(value, kind):
                items = [self.tagged(item, depth + 1) for item in value]
                return items if tag == "list" else {TAG: tag, "v": items}
        scalar = _scalar(value)
        return self._text(value) if scalar is None else scalar

    def _mapping(self, value: dict[Any, Any], depth: int) -> Any:
        if all(type(key) is str for key in value) and TAG not in value:
            return {key: self.tagged(item, depth + 1) for key, item in value.items()}
        pairs = [
            [self.tagged(key, depth + 1), self.tagged(item, depth + 1)]
            for key, item in value.items()
        ]
        return {TAG: "dict", "v": pairs}

    def _text(self, value: object) -> Any:
        self.texts += 1
        self.text_types.add(type(value).__name__)
        return {TAG: "text", "v": text_of(value)}


_SEQUENCES: tuple[tuple[type[Any], str], ...] = (
    (list, "list"),
    (tuple, "tuple"),
    (set, "set"),
    (frozenset, "frozenset"),
)


def text_of(value: object) -> str:
    """Return the ``repr`` of a value, cut, whatever the value does about it."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - somebody else's __repr__
        text = f"<{type(value).__name__}>"
    if len(text) > TEXT_KEPT:
        text = text[:TEXT_KEPT] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


def _scalar(value: Any) -> Any:  # noqa: C901 - a table of types
    """Return the tagged form of a scalar, ``None`` for one that has none."""
    if value is pd.NaT:
        return {TAG: "nat"}
    if value is pd.NA:
        return {TAG: "na"}
    if isinstance(value, pd.Timestamp):
        moment = value.asm8.view("i8").item()
        return {TAG: "timestamp", "v": moment, "u": value.unit, "z": _zone(value)}
    if isinstance(value, pd.Timedelta):
        return {TAG: "timedelta", "v": value.asm8.view("i8").item(), "u": value.unit}
    if isinstance(value, dt.datetime | dt.date | dt.time):
        kind = "datetime" if isinstance(value, dt.datetime) else type(value).__name__
        return {TAG: kind, "v": value.isoformat()} if kind in _TEMPORAL else None
    if isinstance(value, dt.timedelta):
        return {TAG: "pytimedelta", "v": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, pd.Period):
        return {TAG: "period", "v": value.ordinal, "f": value.freqstr}
    if isinstance(value, pd.Interval):
        ends = [_plain(value.left), _plain(value.right)]
        return None if None in ends else {TAG: "interval", "v": ends, "c": value.closed}
    if isinstance(value, decimal.Decimal):
        return {TAG: "decimal", "v": str(value)}
    if isinstance(value, uuid.UUID):
        return {TAG: "uuid", "v": str(value)}
    if isinstance(value, bytes):
        return {TAG: "bytes", "v": base64.b64encode(value).decode("ascii")}
    if isinstance(value, complex):
        return {TAG: "complex", "v": [value.real, value.imag]}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _ARRAY_KINDS or value.dtype.itemsize > 16:
            return None
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {TAG: "array", "v": data, "d": value.dtype.str, "s": list(value.shape)}
    return _plain(value)


def _zone(moment: pd.Timestamp) -> str | None:
    """Return a name of the time zone that the reader finds; the offset where there is none."""
    if moment.tz is None:
        return None
    name = str(moment.tz)
    try:
        pd.Timestamp(0).tz_localize(name)
    except (ValueError, KeyError, TypeError):
        minutes = int((moment.utcoffset() or dt.timedelta()).total_seconds() // 60)
        sign = "-" if minutes < 0 else "+"
        return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return name


def _plain(value: Any) -> Any:
    """Return NumPy scalars and subclasses of the JSON types as these; else ``None``."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return _scalar(pd.Series([value]).iloc[0])
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return _scalar(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating) and value.dtype.itemsize <= 8:
        return float(value)
    # An enumeration's member is more than its number; its repr says so.
    if isinstance(value, enum.Enum):
        return None
    for kind, exactly in _EXACTLY:
        if isinstance(value, kind):
            return exactly(value)
    return None


_EXACTLY: tuple[tuple[type, Any], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
)
_TEMPORAL = {"datetime": dt.datetime, "date": dt.date, "time": dt.time}


def loads(text: str) -> Any:
    """Read what :class:`CellWriter` wrote; raises :class:`ValueError` for anything else."""
    return untagged(json.loads(text))


def untagged(value: Any) -> Any:
    """Return the value whose tagged form ``value`` is; raises :class:`ValueError`."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: untagged(item) for key, item in value.items()}
    try:
        read = _READERS[value[TAG]]
    except (KeyError, TypeError):
        raise ValueError(f"unknown kind of cell: {text_of(value[TAG])[:100]}") from None
    try:
        return read(value)
    except ValueError:
        raise
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"malformed cell: {error}") from error


def _read_timestamp(cell: dict[str, Any]) -> pd.Timestamp:
    moment = pd.Timestamp(np.datetime64(int(cell["v"]), _unit(cell)))
    if cell["z"] is None:
        return moment
    return moment.tz_localize("UTC").tz_convert(str(cell["z"]))


def _unit(cell: dict[str, Any]) -> Any:
    if cell["u"] not in ("s", "ms", "us", "ns"):
        raise ValueError("unknown unit of time")
    return cell["u"]


def _read_array(cell: dict[str, Any]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(str(cell["d"]))
    if dtype.kind not in _ARRAY_KINDS:
        raise ValueError("unknown kind of array")
    flat = np.frombuffer(base64.b64decode(cell["v"]), dtype=dtype)
    return flat.reshape([int(size) for size in cell["s"]]).copy()


def _read_interval(cell: dict[str, Any]) -> Any:
    left, right = _items(cell)
    return pd.Interval(left, right, closed=cell["c"])


def _items(cell: dict[str, Any]) -> list[Any]:
    if not isinstance(cell["v"], list):
        raise TypeError("a list is missing")
    return [untagged(item) for item in cell["v"]]


_READERS: dict[str, Any] = {
    "text": lambda cell: str(cell["v"]),
    "tuple": lambda cell: tuple(_items(cell)),
    "set": lambda cell: set(_items(cell)),
    "frozenset": lambda cell: frozenset(_items(cell)),
    "dict": lambda cell: {_key(untagged(key)): untagged(item) for key, item in cell["v"]},
    "nat": lambda _: pd.NaT,
    "na": lambda _: pd.NA,
    "timestamp": _read_timestamp,
    "timedelta": lambda cell: pd.Timedelta(np.timedelta64(int(cell["v"]), _unit(cell))),
    "datetime": lambda cell: dt.datetime.fromisoformat(cell["v"]),
    "date": lambda cell: dt.date.fromisoformat(cell["v"]),
    "time": lambda cell: dt.time.fromisoformat(cell["v"]),
    "pytimedelta": lambda cell: dt.timedelta(*[int(part) for part in cell["v"]]),
    "period": lambda cell: pd.Period(ordinal=int(cell["v"]), freq=str(cell["f"])),
    "interval": _read_interval,
    "decimal": lambda cell: decimal.Decimal(str(cell["v"])),
    "uuid": lambda cell: uuid.UUID(str(cell["v"])),
    "bytes": lambda cell: base64.b64decode(cell["v"]),
    "complex": lambda cell: complex(*[float(part) for part in cell["v"]]),
    "array": _read_array,
}


def _key(value: Any) -> Any:
    hash(value)
    return value
