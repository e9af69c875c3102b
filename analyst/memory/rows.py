"""Rows of the store: a finding written as one, and read back.

Here: what stands in which column, and the store's revision. Not here: transactions
(:mod:`analyst.memory.store`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from analyst.memory.finding import Finding, Output
from analyst.memory.tables import COUNTERS, FINDING_OUTPUTS, FINDINGS, OUTPUTS

COLUMNS = {
    "number",
    "uid",
    "revision",
    "project",
    "superseded_by",
    "pinned",
    "created_at",
    "question",
    "answer",
}
"""Fields with a column of their own; the others stand in the column ``body``."""

ROWS_AT_ONCE = 500


def finding_from(row: Mapping[str, Any]) -> Finding:
    """Read a finding from the columns of its row; raises :class:`ValueError`."""
    columns = {name: row[name] for name in COLUMNS}
    return Finding(**json.loads(row["body"]), **columns)


def body_of(finding: Finding) -> str:
    """Return what stands in the column ``body``."""
    return finding.model_dump_json(exclude=COLUMNS)


def read_row(row: Row[Any]) -> Finding:
    """Read a row of the table of findings."""
    return finding_from(dict(row._mapping))  # noqa: SLF001 - public in spite of its name


def find_row(connection: Connection, condition: Any) -> Finding | None:
    """Return the first finding that meets a condition."""
    row = connection.execute(select(FINDINGS).where(condition)).first()
    return None if row is None else read_row(row)


def current_revision(connection: Connection) -> int:
    """Return how many changes there were."""
    query = select(COUNTERS.c.value).where(COUNTERS.c.name == "revision")
    return int(connection.execute(query).scalar_one())


def next_revision(connection: Connection) -> int:
    """Raise the revision; other writers wait for the end of this transaction."""
    connection.execute(
        update(COUNTERS).where(COUNTERS.c.name == "revision").values(value=COUNTERS.c.value + 1)
    )
    return current_revision(connection)


def put_outputs(connection: Connection, finding: Finding, outputs: Mapping[str, bytes]) -> None:
    """Keep those outputs of a finding whose bytes are given, each once for all findings."""
    kept: list[Output] = [output for output in finding.outputs if output.digest in outputs]
    for position, output in enumerate(kept):
        there = select(OUTPUTS.c.digest).where(OUTPUTS.c.digest == output.digest)
        if connection.execute(there).first() is None:
            data = outputs[output.digest]
            connection.execute(insert(OUTPUTS).values(digest=output.digest, data=data))
        connection.execute(
            insert(FINDING_OUTPUTS).values(
                number=finding.number, position=position, digest=output.digest, mime=output.mime
            )
        )


def in_pieces(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Yield numbers in pieces that a statement can take."""
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        yield [int(number) for number in numbers[start : start + ROWS_AT_ONCE]]
