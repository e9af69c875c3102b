"""MySQL and MariaDB, held to reading by a read-only transaction, and by what is sent to them.

The transaction refuses to write tables. It lets files be written (``INTO OUTFILE``) where the
user has the privilege, and procedures end it: so only a statement goes there that was read as
a single reading.
"""

from __future__ import annotations

import contextlib
import re

from sqlalchemy.exc import SQLAlchemyError

from analyst.tools.sql.databases import DatabaseError
from analyst.tools.sql.frames import Fetched
from analyst.tools.sql.opened import MOST_COLUMNS, Table, grouped
from analyst.tools.sql.servers import OpenedServer, hold_no_semicolon, server_seconds
from analyst.tools.sql.statements import read

_INTO_FILE = re.compile(r"\binto\s+(?:outfile|dumpfile)\b|/\*M?!", re.IGNORECASE)
_TABLES = """
SELECT CASE WHEN c.table_schema = DATABASE() THEN c.table_name
            ELSE CONCAT(c.table_schema, '.', c.table_name) END,
       t.table_type LIKE '%VIEW%', t.table_rows, c.column_name, c.column_type
FROM information_schema.columns AS c JOIN information_schema.tables AS t
  ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
ORDER BY c.table_schema, c.table_name, c.ordinal_position
"""


class OpenedMysql(OpenedServer):
    """A MySQL or MariaDB server; see :class:`analyst.tools.sql.opened.Opened`."""

    def begin(self) -> None:
        """Begin a read-only transaction, and see that it is."""
        self._thread = int(self.run("SELECT CONNECTION_ID()").scalar_one())
        maria = bool(getattr(self.connection.dialect, "is_mariadb", False))
        seconds = server_seconds(self.address.seconds)
        limit = (
            f"max_statement_time = {seconds}"
            if maria
            else f"max_execution_time = {int(seconds * 1000)}"
        )
        self.run(f"SET SESSION {limit}")
        if self.writes:
            return
        self.run("SET SESSION TRANSACTION READ ONLY")
        self.run("START TRANSACTION READ ONLY")
        if not self._is_read_only():
            raise DatabaseError(f"The database {self.address.name} would not be held to reading.")

    def _is_read_only(self) -> bool:
        # The first is MySQL's name of it and MariaDB's newer one, the second MariaDB's older one.
        for variable in ("transaction_read_only", "tx_read_only"):
            with contextlib.suppress(SQLAlchemyError):
                return bool(self.run(f"SELECT @@session.{variable}").scalar_one())
        return False

    def fetch(self, text: str, most_rows: int) -> Fetched:
        """Run one reading, of which the text tells that it is one."""
        if self.writes:
            return super().fetch(text, most_rows)
        text = text.strip().removesuffix(";").rstrip()
        hold_no_semicolon(text)
        statement = read(text, "mysql", functions="all")
        if not statement.reads or _INTO_FILE.search(text):
            raise DatabaseError(
                f"{self.address.name} is open for reading only. {statement.words}".rstrip()
            )
        return super().fetch(text, most_rows)

    def tables(self) -> list[Table]:
        """See :class:`analyst.tools.sql.opened.Opened`."""
        return grouped(super().fetch(_TABLES, MOST_COLUMNS))

    def interrupt(self) -> None:
        """See :class:`analyst.tools.sql.opened.Opened`."""
        self.elsewhere(f"KILL QUERY {self._thread}")
