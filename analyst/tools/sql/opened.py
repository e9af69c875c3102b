"""An open database: what the dialects have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from analyst.tools.sql.frames import Fetched


@dataclass(frozen=True)
class Table:
    """A table or view. ``rows``: how many, ``None`` if that is not cheap to tell.

    ``estimated``: the database only estimates their number.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int | None = None
    is_view: bool = False
    estimated: bool = False


class Opened(Protocol):
    """A connection to one database, used by one thread and closed by it.

    Opened for reading, it is the database that refuses to write. Methods raise what the driver
    raises, but for sentences of our own as :class:`~analyst.tools.sql.databases.DatabaseError`.
    """

    def query(self, text: str, most_rows: int) -> Fetched:
        """Run one statement and fetch at most this many rows. Of what writes, nothing stays."""
        ...

    def tables(self) -> list[Table]:
        """List tables and views with their columns."""
        ...

    def interrupt(self) -> None:
        """Stop what runs. Called in another thread, at any time before :meth:`close`."""
        ...

    def close(self) -> None:
        """Let go of the database; what was not committed is undone."""
        ...


def grouped(fetched: Fetched) -> list[Table]:
    """Make tables of rows (name, view or not, estimated rows, column, type), in their order."""
    found: dict[str, tuple[bool, int | None, list[tuple[str, str]]]] = {}
    for name, is_view, rows, column, kind in fetched.frame.itertuples(index=False):
        count = None if pd.isna(rows) or rows < 0 else int(rows)
        entry = found.setdefault(str(name), (bool(is_view), count, []))
        entry[2].append((str(column), str(kind)))
    return [
        Table(name=name, columns=tuple(columns), rows=rows, is_view=is_view, estimated=True)
        for name, (is_view, rows, columns) in found.items()
    ]


MOST_COLUMNS = 20_000
"""Columns of a whole database that are listed."""
