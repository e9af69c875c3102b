"""The database of findings: opened, migrated, and its errors in words.

SQLite in write-ahead mode by default; any other SQLAlchemy URL for a team. Not here: what the
tables are for (:mod:`analyst.memory.store`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError

from analyst.memory.errors import StoreDamagedError, StoreError
from analyst.record.files import private_directory

HEAD = "0001"
"""The newest migration; databases of newer ones are refused."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_SECONDS = 30
_WRITES = "analyst_writes"
_DAMAGED = ("malformed", "not a database", "disk image", "corrupt")


class Database:
    """Connections to one database. Safe in any thread, and for several processes at once."""

    def __init__(self, url: str) -> None:
        try:
            self.url: URL = make_url(url)
            self._engine = _engine(self.url)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise StoreError(
                f"{_without_password(url)} is no address of a database that can be used here: "
                f"{error}. An example: postgresql+psycopg://user@host/findings."
            ) from error
        try:
            with self.told():
                self._migrate()
        except StoreError:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The address without a password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        known = self.url.get_backend_name() == "sqlite" and self.url.database
        return Path(str(known)) if known else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads; raises :class:`StoreError`."""
        with self.told(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that holds as a whole or not at all; raises :class:`StoreError`."""
        with (
            self.told(),
            self._engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Let all connections go."""
        self._engine.dispose()

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Raise the database's errors as sentences."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise self._in_words(error) from error

    def _in_words(self, error: Exception) -> StoreError:
        said = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        if self.file is not None and isinstance(error, DatabaseError):
            if any(word in said.lower() for word in _DAMAGED):
                return StoreDamagedError(
                    f"The findings in {self.file} are damaged ({said}). The file was left as it "
                    "is; analyst findings repair saves what can be read into a new one and keeps "
                    "the old one beside it."
                )
            if "full" in said.lower():
                return StoreError(
                    f"There is no room left to save findings in {self.file.parent}; free some "
                    "space. Nothing that was saved before is lost."
                )
        return StoreError(f"The database of findings ({self.name}) failed: {said}.")

    def _migrate(self) -> None:
        if self._version() == HEAD:
            return
        with self._alone(), self.writing() as connection:
            found = _version_of(connection)
            if found == HEAD:
                return
            if found is not None and found > HEAD:
                raise StoreError(
                    f"The database of findings ({self.name}) was made by a newer version of the "
                    "analyst; upgrade this one."
                )
            _upgrade(connection)

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            return _version_of(connection)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process migrate at a time."""
        if self.file is None:
            yield
            return
        with FileLock(f"{self.file}.migrating", timeout=_BUSY_SECONDS):
            yield


def sqlite_url(path: Path) -> str:
    """Return the address of a database in a file; its directory is made."""
    private_directory(path.parent)
    return URL.create("sqlite", database=str(path)).render_as_string()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        # Transactions are begun below: the driver would not begin one for a read, or for DDL.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    path = url.database
    if path and not Path(path).exists():
        # Made here, so that nobody else may ever read it.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return engine


def _version_of(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection) -> None:
    # Late: it takes a while to import, and is needed once in the life of a database.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7077303712)"))
        if _version_of(connection) == HEAD:
            return
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "What the setting findings_url says"
