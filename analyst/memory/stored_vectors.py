"""The embeddings of findings in the store, by the name of what computed them.

Here: reading and writing them. Not here: searching them (:mod:`analyst.memory.index`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, delete, exists, insert, select, text

from analyst.memory.database import Database
from analyst.memory.rows import in_pieces
from analyst.memory.tables import FINDINGS, VECTORS

_PIECE = 20_000


class StoredVectors:
    """Embeddings in a database; methods block, and raise what the store raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, embedding: str, numbers: Sequence[int]) -> tuple[list[int], np.ndarray[Any, Any]]:
        """Return which of ``numbers`` have a vector, and these as float32 of shape (n, d)."""
        found: list[int] = []
        raw: list[bytes] = []
        with self._database.reading() as connection:
            for piece in in_pieces(numbers):
                rows = connection.execute(
                    select(VECTORS.c.number, VECTORS.c.vector).where(
                        VECTORS.c.embedding == embedding, VECTORS.c.number.in_(piece)
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
                select(VECTORS.c.number, VECTORS.c.vector)
                .join(FINDINGS, FINDINGS.c.number == VECTORS.c.number)
                .where(
                    VECTORS.c.embedding == embedding,
                    VECTORS.c.number > last,
                    FINDINGS.c.superseded_by.is_(None),
                )
                .order_by(VECTORS.c.number)
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
                    select(FINDINGS.c.number).where(FINDINGS.c.number.in_(piece))
                )
            }
            for number, vector in zip(numbers, vectors, strict=True):
                if number in there:
                    put_vector(connection, embedding, number, vector)

    def missing(
        self, embedding: str, *, after: int = 0, limit: int = 1_000
    ) -> list[tuple[int, str]]:
        """Return findings that were not embedded by ``embedding`` yet, with their questions.

        By number, and only those of a number above ``after``.
        """
        known = exists().where(
            VECTORS.c.embedding == embedding, VECTORS.c.number == FINDINGS.c.number
        )
        query = (
            select(FINDINGS.c.number, FINDINGS.c.question)
            .where(~known, FINDINGS.c.superseded_by.is_(None), FINDINGS.c.number > after)
            .order_by(FINDINGS.c.number)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [(int(row.number), str(row.question)) for row in connection.execute(query)]


def put_vector(
    connection: Connection, embedding: str, number: int, vector: np.ndarray[Any, Any]
) -> None:
    """Keep the embedding of a finding, in the place of an earlier one; as halves."""
    key = (VECTORS.c.embedding == embedding) & (VECTORS.c.number == bindparam("key"))
    connection.execute(delete(VECTORS).where(key), {"key": number})
    data = np.asarray(vector, dtype="<f2").tobytes()
    connection.execute(insert(VECTORS).values(embedding=embedding, number=number, vector=data))


def _stacked(raw: Sequence[bytes]) -> np.ndarray[Any, Any]:
    if not raw:
        return np.empty((0, 0), np.float32)
    return np.stack([np.frombuffer(one, "<f2") for one in raw]).astype(np.float32)
