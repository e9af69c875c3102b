"""DuckDB files: opened for reading only, without access to anything but the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from analyst.tools.kernel_side import sql as kernel_sql
from analyst.tools.sql.databases import Address, DatabaseError
from analyst.tools.sql.frames import Fetched
from analyst.tools.sql.opened import MOST_COLUMNS, Table, grouped
from kernel_sandbox.limits import machine_memory

_SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    # Else a query could name the variables of this process.
    "python_enable_replacements": "false",
    # Else what has no room in memory would be written beside the user's file.
    "temp_directory": "",
    "lock_configuration": "true",
}
_MEMORY_SHARE = 4
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_TABLES = """
SELECT CASE WHEN c.schema_name = 'main' THEN c.table_name
            ELSE c.schema_name || '.' || c.table_name END,
       t.table_name IS NULL, t.estimated_size, c.column_name, c.data_type
FROM duckdb_columns() AS c LEFT JOIN duckdb_tables() AS t
ON c.database_name = t.database_name AND c.schema_name = t.schema_name
   AND c.table_name = t.table_name
WHERE NOT c.internal ORDER BY c.schema_name, c.table_name, c.column_index
"""


class OpenedDuckDB:
    """A DuckDB file; see :class:`analyst.tools.sql.opened.Opened`."""

    def __init__(self, address: Address, *, writes: bool) -> None:
        name = address.url.database
        if not name or name.startswith(":memory:"):
            raise DatabaseError(
                f"The address of {address.name} names no file; write it like "
                "duckdb:////home/me/a.duckdb."
            )
        path = Path(name).expanduser()
        if not path.is_file():
            raise DatabaseError(f"The file of the database {address.name}, {path}, is not there.")
        self._writes = writes
        memory = f"{machine_memory() // _MEMORY_SHARE}B"
        self._connection = duckdb.connect(
            str(path), read_only=not writes, config={**_SETTINGS, "memory_limit": memory}
        )

    def query(self, text: str, most_rows: int) -> Fetched:
        """See :class:`Opened`."""
        if not self._writes:
            self._check(text)
        self._connection.execute(text)
        columns, frame, more = kernel_sql.fetched(self._connection, most_rows)
        return Fetched(tuple((one[0], one[1]) for one in columns), frame, more)

    def _check(self, text: str) -> None:
        """Refuse what DuckDB's own parser says is no reading, as temporary tables would be."""
        statements: list[Any] = self._connection.extract_statements(text)
        if len(statements) != 1 or statements[0].type not in _READING:
            kinds = ", ".join(str(one.type).rpartition(".")[2] for one in statements)
            raise DatabaseError(
                f"The database is open for reading only; this is {kinds or 'no statement'}. "
                "Give one SELECT."
            )

    def tables(self) -> list[Table]:
        """See :class:`Opened`."""
        return grouped(self.query(_TABLES, MOST_COLUMNS))

    def interrupt(self) -> None:
        """See :class:`Opened`."""
        self._connection.interrupt()

    def close(self) -> None:
        """See :class:`Opened`."""
        self._connection.close()
