"""SQLite files: opened for reading only, by the file's mode, a pragma, and an authorizer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from analyst.tools.sql.databases import Address, DatabaseError
from analyst.tools.sql.frames import Fetched, fetch_rows
from analyst.tools.sql.opened import MOST_COLUMNS, Table, grouped

MOST_VALUE_BYTES = 64 * 1024 * 1024
"""Of one value: also of those that a query makes up."""

COUNTED_BYTES = 256 * 1024 * 1024
"""Rows of larger files are not counted: it means to read them."""

_REFUSALS = ("not authorized", "attempt to write a readonly", "access to ")
_STEPS = 10_000
# Changes of rows are left to the file's mode, which refuses them: virtual tables, such as those of
# maps, prepare some when they are first read.
_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
    | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
)
_REFUSED_FUNCTIONS = frozenset(
    {"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"}
)
_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"}
    | {"foreign_key_list", "database_list", "collation_list", "function_list", "compile_options"}
)
_PRAGMAS_WITHOUT_VALUE = frozenset(
    {"data_version", "user_version", "schema_version", "encoding", "page_count", "page_size"}
)
_TABLES = """
SELECT m.name, m.type = 'view', NULL, p.name, p.type
FROM pragma_table_list AS m JOIN pragma_table_info(m.name) AS p
WHERE m.schema = 'main' AND m.type <> 'shadow' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~'
ORDER BY m.name, p.cid
"""


class OpenedSqlite:
    """An SQLite file; see :class:`analyst.tools.sql.opened.Opened`."""

    def __init__(self, address: Address, *, writes: bool) -> None:
        path = _path_of(address)
        self._size = path.stat().st_size
        self._writes = writes
        self._stopped = False
        mode = "rw" if writes else "ro"
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=min(5.0, address.seconds),
            check_same_thread=False,
            isolation_level=None,
        )
        self._connection.text_factory = _text
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self._connection.execute("PRAGMA trusted_schema=OFF")
        self._connection.set_progress_handler(lambda: self._stopped, _STEPS)
        if not writes:
            self._connection.execute("PRAGMA query_only=ON")
            self._connection.set_authorizer(_only_reading)

    def query(self, text: str, most_rows: int) -> Fetched:
        """See :class:`Opened`."""
        if self._writes:
            self._connection.execute("BEGIN IMMEDIATE")
            fetched = self._fetch(text, most_rows)
            self._connection.execute("COMMIT")
            return fetched
        try:
            return self._fetch(text, most_rows)
        except sqlite3.DatabaseError as error:
            if str(error).startswith(_REFUSALS):
                raise DatabaseError(f"The database is open for reading only: {error}.") from None
            raise

    def _fetch(self, text: str, most_rows: int) -> Fetched:
        cursor = self._connection.execute(text)
        names = [str(one[0]) for one in cursor.description or ()]
        return fetch_rows(names, cursor.fetchmany, most_rows)

    def tables(self) -> list[Table]:
        """See :class:`Opened`."""
        found = grouped(self.query(_TABLES, MOST_COLUMNS))
        if self._size > COUNTED_BYTES:
            return found
        return [
            one if one.is_view else Table(one.name, one.columns, self._count(one.name))
            for one in found
        ]

    def interrupt(self) -> None:
        """See :class:`Opened`."""
        self._stopped = True
        self._connection.interrupt()

    def close(self) -> None:
        """See :class:`Opened`."""
        self._connection.close()

    def _count(self, table: str) -> int | None:
        quoted = table.replace('"', '""')
        try:
            row = self._connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608
        except sqlite3.Error:
            return None  # such as a virtual table whose module is not there
        return int(row[0])


def _path_of(address: Address) -> Path:
    name = address.url.database
    if not name or name == ":memory:" or name.startswith("file:"):
        raise DatabaseError(
            f"The address of {address.name} names no file; write it like sqlite:////home/me/a.db."
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise DatabaseError(f"The file of the database {address.name}, {path}, is not there.")
    return path


def _only_reading(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second not in _REFUSED_FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        name = (first or "").lower()
        if name in _PRAGMAS or (name in _PRAGMAS_WITHOUT_VALUE and second is None):
            return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
