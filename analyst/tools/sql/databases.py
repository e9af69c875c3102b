"""The databases a user configured: addresses whose secrets stay here, and errors in words.

Not here: opening them (:mod:`analyst.tools.sql.opening`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from analyst.configuration import ConfigurationError, Database, expanded
from analyst.tools.registry import ToolError

SESSION = "session"
"""The name of the database of the session's own frames and files."""

DIALECTS: Mapping[str, str] = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
"""Kinds of databases that can be opened for reading only, and what sqlglot calls their SQL."""

PRODUCTS: Mapping[str, str] = {
    "sqlite": "SQLite",
    "duckdb": "DuckDB",
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
}
_MOST_SAID = 600
_SECRET_WORDS = ("pass", "token", "secret", "key", "pwd")


class DatabaseError(ToolError):
    """A database cannot be reached, or refused; the message is a sentence without secrets."""


class QueryTimeoutError(DatabaseError):
    """A query was stopped after its time."""


@dataclass(frozen=True, slots=True)
class Address:
    """A configured database. ``url`` may hold secrets; it is for opening, and nothing else."""

    name: str
    url: URL = field(repr=False)
    row_cap: int
    seconds: float
    writes: bool

    @property
    def kind(self) -> str:
        """The kind of the database, as SQLAlchemy calls it: "sqlite", "postgresql"."""
        return self.url.get_backend_name()

    @property
    def is_known(self) -> bool:
        """Whether it is known how to open this kind for reading only."""
        return self.kind in DIALECTS

    def said(self, error: BaseException) -> str:
        """Return what a driver said, short and without the address's secrets."""
        text = _message_of(getattr(error, "orig", None) or error)
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text if len(text) <= _MOST_SAID else text[:_MOST_SAID] + " …"

    def _secrets(self) -> Iterable[str]:
        held = [str(self.url.password)] if self.url.password else []
        for name, values in self.url.query.items():
            if any(word in name.lower() for word in _SECRET_WORDS):
                held += [values] if isinstance(values, str) else values
        for secret in held:
            yield from (secret, quote(secret, safe=""), quote_plus(secret))


def address_of(name: str, database: Database) -> Address:
    """Return where a configured database is; raises :class:`DatabaseError`.

    Variables of the environment are put in part by part, so that no sign in a password is taken
    for a part of the address.
    """
    try:
        try:
            url = _expanded(make_url(database.url))
        except (ArgumentError, ValueError):
            url = make_url(expanded(database.url))
        url.get_backend_name()
    except ConfigurationError as error:
        raise DatabaseError(f"The database {name} cannot be opened: {error}") from None
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold a password.
        raise DatabaseError(
            f"The address of the database {name} is none that SQLAlchemy knows. An example: "
            "postgresql+pg8000://user:${PASSWORD}@host/name."
        ) from None
    return Address(
        name=name,
        url=url,
        row_cap=database.row_cap,
        seconds=database.seconds,
        writes=database.writes == "ask",
    )


def kind_of(database: Database) -> str:
    """Return the kind of a configured database as its address says, "" if it does not."""
    with contextlib.suppress(ArgumentError, ValueError):
        return make_url(database.url).get_backend_name()
    with contextlib.suppress(ArgumentError, ValueError, ConfigurationError):
        return make_url(expanded(database.url)).get_backend_name()
    return ""


def _expanded(url: URL) -> URL:
    def whole(text: Any) -> Any:
        return expanded(text) if isinstance(text, str) else text

    query = {
        name: whole(value) if isinstance(value, str) else tuple(map(whole, value))
        for name, value in url.query.items()
    }
    return url.set(
        username=whole(url.username),
        password=None if url.password is None else whole(str(url.password)),
        host=whole(url.host),
        database=whole(url.database),
        query=query,
    )


def _message_of(error: BaseException) -> str:
    told = error.args[0] if error.args else None
    if isinstance(told, Mapping):  # pg8000 passes on the fields that the server sent
        parts = (told.get("M"), told.get("D"), told.get("H"))
        return " ".join(str(part) for part in parts if part)
    if len(error.args) > 1 and isinstance(told, int):  # drivers of MySQL: number, text
        return str(error.args[1])
    return " ".join(str(error).split()) or type(error).__name__
