"""The tables of findings, as SQLAlchemy sees them.

They are made and changed by the migrations only. Full-text search is each database's own
(:mod:`analyst.memory.full_text`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

FINDINGS = Table(
    "findings",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("uid", String(64), nullable=False, unique=True),
    Column("revision", BigInteger, nullable=False, index=True),
    Column("project", Text, index=True),
    Column("superseded_by", BigInteger, index=True),
    Column("pinned", Boolean, nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""One row a finding; ``body`` is JSON with all that needs no column. Numbers are never reused."""

OUTPUTS = Table(
    "outputs",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

FINDING_OUTPUTS = Table(
    "finding_outputs",
    METADATA,
    Column("number", _NUMBER, ForeignKey("findings.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", String(64), ForeignKey("outputs.digest"), nullable=False, index=True),
    Column("mime", String(200), nullable=False),
)

FINDING_DATA = Table(
    "finding_data",
    METADATA,
    Column("number", _NUMBER, ForeignKey("findings.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("content", String(64), nullable=False, index=True),
    Column("source", Text, nullable=False, index=True),
)
"""The data of findings: by its content, and by where it comes from."""

VECTORS = Table(
    "vectors",
    METADATA,
    Column("embedding", String(200), primary_key=True),
    Column("number", _NUMBER, ForeignKey("findings.number"), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)
"""Embeddings of questions, as little-endian float16; by the name of what computed them."""

DELETIONS = Table(
    "deletions",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False, index=True),
)
"""What is no more, so that other processes take it out of their indexes."""

COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""``revision``: raised by each change, in its transaction, so that changes have one order."""
