"""The tables of documents, as SQLAlchemy sees them.

All is derived from the user's files, so there are no migrations: an older form is dropped. Names
and columns that the pieces of :mod:`analyst.memory` look for are theirs.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

FORM = 1
"""Raised with each change of the tables, or of how documents are cut."""

TEXT_TABLE = "passages_text"

FILES = Table(
    "files",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("note", Text, nullable=False),
)
"""``name``: within its folder. ``note``: what is wrong with it, going on from its name."""

PASSAGES = Table(
    "passages",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("file", Integer, ForeignKey("files.id"), nullable=False, index=True),
    Column("revision", BigInteger, nullable=False, index=True),
    Column("place", Text, nullable=False),
    Column("heading", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""``words``: what is embedded and searched: title, headings and text. Numbers are not reused."""

PASSAGE_VECTORS = Table(
    "vectors",
    METADATA,
    Column("embedding", String(200), primary_key=True),
    Column("number", Integer, ForeignKey("passages.number"), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

DROPPED = Table(
    "deletions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False, index=True),
)

COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
