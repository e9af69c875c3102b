"""Databases behind SQLAlchemy: what PostgreSQL, MySQL and others have in common.

Not here: how each is held to reading (:mod:`.postgresql`, :mod:`.mysql`).
"""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from analyst.tools.sql.databases import PRODUCTS, Address, DatabaseError
from analyst.tools.sql.frames import Fetched, fetch_rows
from analyst.tools.sql.opened import Table

CONNECT_SECONDS = 10

_TIMEOUT_ARGUMENT = {
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "mariadbconnector": "connect_timeout",
}
# What to install for a kind of database; drivers in Python alone, where there are some.
_DRIVERS = {
    "postgresql": ("pg8000", "postgresql+pg8000"),
    "mysql": ("pymysql", "mysql+pymysql"),
    "mariadb": ("pymysql", "mariadb+pymysql"),
}


class OpenedServer:
    """A connection that may write, in one transaction; see :class:`.opened.Opened`."""

    def __init__(self, address: Address, *, writes: bool) -> None:
        self.address = address
        self.writes = writes
        self._engine = engine_of(address)
        try:
            self.connection: Connection = self._engine.connect()
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Hold the connection to reading, unless it may write."""

    def query(self, text: str, most_rows: int) -> Fetched:
        """See :class:`.opened.Opened`."""
        fetched = self.fetch(text, most_rows)
        if self.writes:
            self.connection.commit()
        return fetched

    def fetch(self, text: str, most_rows: int) -> Fetched:
        """Run a statement as it is and fetch its rows, if it gives any."""
        result = self.run(text, stream=not self.writes)
        return fetched_of(result, most_rows)

    def run(self, text: str, *, stream: bool = False) -> CursorResult[Any]:
        """Run a statement as it is: no sign in it stands for a parameter."""
        return self.connection.execution_options(
            no_parameters=True, stream_results=stream
        ).exec_driver_sql(text)

    def tables(self) -> list[Table]:
        """See :class:`.opened.Opened`."""
        raise DatabaseError(
            f"How to list the tables of {self.address.name} is not known; query its own catalogue."
        )

    def interrupt(self) -> None:
        """See :class:`.opened.Opened`. Of a kind that is not known, nothing can be stopped."""

    def elsewhere(self, text: str) -> None:
        """Run a statement on a connection of its own, such as one that stops this one's."""
        engine = engine_of(self.address)
        with contextlib.suppress(SQLAlchemyError, OSError), engine.connect() as connection:
            connection.exec_driver_sql(text)
        engine.dispose()

    def close(self) -> None:
        """See :class:`.opened.Opened`."""
        connection: Connection | None = getattr(self, "connection", None)
        with contextlib.suppress(Exception):
            if connection is not None:
                connection.close()
        self._engine.dispose()


def fetched_of(result: CursorResult[Any], most_rows: int) -> Fetched:
    """Fetch the rows of a result; of one without rows, tell how many were changed."""
    if not result.returns_rows:
        batches = iter([[(max(result.rowcount, 0),)]])
        return fetch_rows(["changed_rows"], lambda _: next(batches, []), 1)
    return fetch_rows(list(map(str, result.keys())), result.fetchmany, most_rows)


def server_seconds(seconds: float) -> float:
    """Return the time limit told to the server: a little later than it is stopped from here."""
    return seconds + 1


def hold_no_semicolon(text: str) -> None:
    """Refuse a text that a server could take for several statements."""
    if ";" in text:
        raise DatabaseError(
            "A query of this database may hold no semicolon, not even in a text: several "
            "statements at once could end the read-only transaction. Give one statement, and "
            "write chr(59) or char(59) in the place of ';' in a text."
        )


def engine_of(address: Address) -> Engine:
    """Make an engine that keeps no connections; raises :class:`DatabaseError`."""
    try:
        return create_engine(address.url, poolclass=NullPool, connect_args=_arguments(address.url))
    except (ImportError, NoSuchModuleError) as error:
        raise DatabaseError(_driver_missing(address, error)) from None
    except SQLAlchemyError as error:
        raise DatabaseError(
            f"The address of {address.name} cannot be used: {address.said(error)}."
        ) from None


def _arguments(url: URL) -> dict[str, Any]:
    name = _TIMEOUT_ARGUMENT.get(url.get_driver_name())
    return {name: CONNECT_SECONDS} if name and name not in url.query else {}


def _driver_missing(address: Address, error: Exception) -> str:
    product = PRODUCTS.get(address.kind, address.kind)
    text = f"There is no driver here for the database {address.name} ({product}): {error}."
    if address.kind in _DRIVERS:
        package, prefix = _DRIVERS[address.kind]
        text += (
            f" The user can install {package} and begin the address with {prefix}://, or install "
            "the driver that it names."
        )
    return text
