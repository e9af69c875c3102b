"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "findings",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("uid", sa.String(64), nullable=False, unique=True),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
        sa.Column("project", sa.Text, index=True),
        sa.Column("superseded_by", sa.BigInteger, index=True),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outputs",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "finding_outputs",
        sa.Column("number", _NUMBER, sa.ForeignKey("findings.number"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column(
            "digest", sa.String(64), sa.ForeignKey("outputs.digest"), nullable=False, index=True
        ),
        sa.Column("mime", sa.String(200), nullable=False),
    )
    op.create_table(
        "finding_data",
        sa.Column("number", _NUMBER, sa.ForeignKey("findings.number"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("content", sa.String(64), nullable=False, index=True),
        sa.Column("source", sa.Text, nullable=False, index=True),
    )
    op.create_table(
        "vectors",
        sa.Column("embedding", sa.String(200), primary_key=True),
        sa.Column("number", _NUMBER, sa.ForeignKey("findings.number"), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "deletions",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    )
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "revision", "value": 0}])
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE findings_text USING fts5(text, tokenize='porter unicode61')"
        )
    elif dialect == "postgresql":
        op.execute(
            "CREATE TABLE findings_text ("
            "number BIGINT PRIMARY KEY REFERENCES findings (number), words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX findings_text_words ON findings_text USING GIN (words)")
    else:
        op.create_table(
            "findings_text",
            sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("text", sa.Text, nullable=False),
        )
