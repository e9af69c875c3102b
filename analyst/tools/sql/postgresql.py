"""PostgreSQL, held to reading by a read-only transaction, and by a cursor that takes one query.

A transaction of this kind refuses to write, but not to write files or to run programs on the
server (``COPY ... TO PROGRAM``), where the role may; and a text of several statements could end
it and begin another. So a query is the query of a ``DECLARE CURSOR``, which takes nothing but
a reading, and it goes to the server as one statement, or must hold no semicolon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult

from analyst.tools.sql.databases import DatabaseError
from analyst.tools.sql.frames import BATCH, Fetched, fetch_rows
from analyst.tools.sql.opened import MOST_COLUMNS, Table, grouped
from analyst.tools.sql.servers import OpenedServer, fetched_of, hold_no_semicolon, server_seconds
from analyst.tools.sql.statements import read

_AS_IT_IS = re.compile(r"\s*(?:show|explain)\b", re.IGNORECASE)
_CURSOR = "analyst_rows"
_TABLES = """
SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
       c.relkind IN ('v', 'm'),
       CASE WHEN c.relkind IN ('v', 'p') OR c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END,
       a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema' AND has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname, a.attnum
"""


class OpenedPostgres(OpenedServer):
    """A PostgreSQL server; see :class:`analyst.tools.sql.opened.Opened`."""

    def begin(self) -> None:
        """Make the transaction read-only, before anything else, and see that it is."""
        milliseconds = int(server_seconds(self.address.seconds) * 1000)
        if not self.writes:
            self.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            self.run("SET TRANSACTION READ ONLY")
        self.run(f"SET statement_timeout = {milliseconds}")
        self.run(f"SET lock_timeout = {milliseconds}")
        self._process = int(self.run("SELECT pg_backend_pid()").scalar_one())
        if not self.writes and self.run("SHOW transaction_read_only").scalar_one() != "on":
            raise DatabaseError(f"The database {self.address.name} would not be held to reading.")

    def fetch(self, text: str, most_rows: int) -> Fetched:
        """Run one reading through a cursor."""
        if self.writes:
            return super().fetch(text, most_rows)
        text = text.strip().removesuffix(";").rstrip()
        if _AS_IT_IS.match(text):
            # A read-only transaction lets EXPLAIN ANALYZE create a table, until it is undone.
            statement = read(text, "postgres", functions="all")
            if not statement.reads:
                raise DatabaseError(f"The database is open for reading only. {statement.words}")
            hold_no_semicolon(text)
            return fetched_of(self.run(text), most_rows)
        self._alone(f"DECLARE {_CURSOR} NO SCROLL CURSOR WITHOUT HOLD FOR {text}")
        first = self._next(min(BATCH, most_rows + 1))
        waiting = [first.fetchall()]

        def fetch_many(count: int) -> Sequence[Sequence[Any]]:
            return waiting.pop() if waiting else self._next(count).fetchall()

        return fetch_rows(list(map(str, first.keys())), fetch_many, most_rows)

    def _next(self, count: int) -> CursorResult[Any]:
        return self.run(f"FETCH FORWARD {count} FROM {_CURSOR}")

    def _alone(self, text: str) -> None:
        """Send a text that the server takes for one statement, or refuses."""
        raw = self.connection.connection.driver_connection
        if self.address.url.get_driver_name() == "pg8000" and raw is not None:
            # By the extended protocol, which takes one statement.
            raw.execute_unnamed(text)
            return
        hold_no_semicolon(text)
        self.run(text)

    def tables(self) -> list[Table]:
        """See :class:`.opened.Opened`."""
        return grouped(self.query(_TABLES, MOST_COLUMNS))

    def interrupt(self) -> None:
        """See :class:`.opened.Opened`."""
        self.elsewhere(f"SELECT pg_cancel_backend({self._process})")
