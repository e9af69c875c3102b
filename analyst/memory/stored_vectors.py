"""The embeddings of what a database holds, by the name of what computed them.

Here: reading and writing them, of findings unless told otherwise. Not here: searching them
(:mod:`analyst.memory.index`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    select,
    text,
    true,
)

from analyst.memory.database import Database
from analyst.memory.rows import in_pieces
from analyst.memory.tables import FINDINGS, VECTORS

_PIECE = 20_000


@dataclass(frozen=True)
class Embedded:
    """What is embedded: rows by their number, and which column's text.

    ``vectors``: the table of embeddings, with the columns of :data:`analyst.memory.tables.VECTORS`.
    ``current``: which rows count.
    """

    number: Column[Any]
    words: Column[Any]
    vectors: Table
    current: ColumnElement[bool] = true()  # noqa: RUF009 - an expression that nothing changes


QUESTIONS = Embedded(
    FINDINGS.c.number, FINDINGS.c.question, VECTORS, FINDINGS.c.superseded_by.is_(None)
)


class StoredVectors:
    """Embeddings in a database; methods block, and raise what the store raises."""

    def __init__(self, database: Database, of: Embedded = QUESTIONS) -> None:
        self._database = database
        self._of = of
        self._vectors = of.vectors

    def texts(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        """Return the texts to embed of those that are there, with their numbers."""
        found: list[tuple[int, str]] = []
        with self._database.reading() as connection:
            for piece in in_pieces(numbers):
                query = select(self._of.number, self._of.words).where(self._of.number.in_(piece))
                found += [(int(row[0]), str(row[1])) for row in connection.execute(query)]
        return found

    def get(self, embedding: str, numbers: Sequence[int]) -> tuple[list[int], np.ndarray[Any, Any]]:
        """Return which of ``numbers`` have a vector, and these as float32 of shape (n, d)."""
        found: list[int] = []
        raw: list[bytes] = []
        with self._database.reading() as connection:
            for piece in in_pieces(numbers):
                rows = connection.execute(
                    select(self._vectors.c.number, self._vectors.c.vector).where(
                        self._vectors.c.embedding == embedding, self._vectors.c.number.in_(piece)
                    )
                )
                for row in rows:
                    found.append(int(row.number))
                    raw.append(bytes(row.vector))
        return found, _stacked(raw)

    def current(self, embedding: str) -> Iterator[tuple[list[int], np.ndarray[Any, Any]]]:
        """Yield the vectors of all current findings, in pieces of numbers and (n, d) float32."""
        last = 0
        while True:
            query = (
                select(self._vectors.c.number, self._vectors.c.vector)
                .join(self._of.number.table, self._of.number == self._vectors.c.number)
                .where(
                    self._vectors.c.embedding == embedding,
                    self._vectors.c.number > last,
                    self._of.current,
                )
                .order_by(self._vectors.c.number)
                .limit(_PIECE)
            )
            with self._database.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield [int(row.number) for row in rows], _stacked([bytes(row.vector) for row in rows])
            last = int(rows[-1].number)

    def put(self, embedding: str, numbers: Sequence[int], vectors: np.ndarray[Any, Any]) -> None:
        """Keep embeddings of findings that are still there; known ones are replaced."""
        with self._database.writing() as connection:
            if connection.dialect.name == "postgresql":
                # Else two who embed the same, or one who deletes meanwhile, would be refused.
                connection.execute(text("LOCK TABLE vectors IN SHARE ROW EXCLUSIVE MODE"))
            there = {
                row.number
                for piece in in_pieces(numbers)
                for row in connection.execute(
                    select(self._of.number).where(self._of.number.in_(piece))
                )
            }
            for number, vector in zip(numbers, vectors, strict=True):
                if number in there:
                    put_vector(connection, embedding, number, vector, self._vectors)

    def missing(
        self, embedding: str, *, after: int = 0, limit: int = 1_000
    ) -> list[tuple[int, str]]:
        """Return findings that were not embedded by ``embedding`` yet, with their questions.

        By number, and only those of a number above ``after``.
        """
        known = exists().where(
            self._vectors.c.embedding == embedding, self._vectors.c.number == self._of.number
        )
        query = (
            select(self._of.number, self._of.words)
            .where(~known, self._of.current, self._of.number > after)
            .order_by(self._of.number)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [(int(row[0]), str(row[1])) for row in connection.execute(query)]


def put_vector(
    connection: Connection,
    embedding: str,
    number: int,
    vector: np.ndarray[Any, Any],
    vectors: Table = VECTORS,
) -> None:
    """Keep an embedding, in the place of an earlier one; as halves."""
    key = (vectors.c.embedding == embedding) & (vectors.c.number == bindparam("key"))
    connection.execute(delete(vectors).where(key), {"key": number})
    data = np.asarray(vector, dtype="<f2").tobytes()
    connection.execute(insert(vectors).values(embedding=embedding, number=number, vector=data))


def _stacked(raw: Sequence[bytes]) -> np.ndarray[Any, Any]:
    if not raw:
        return np.empty((0, 0), np.float32)
    return np.stack([np.frombuffer(one, "<f2") for one in raw]).astype(np.float32)
