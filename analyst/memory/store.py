"""The store of findings: what is saved, found, changed and deleted, in any order by anybody.

Every change happens in one transaction and raises the store's revision, so that an index can
catch up with what others did. Not here: similarity (:mod:`analyst.memory.index`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from analyst.memory import full_text
from analyst.memory.database import Database, sqlite_url
from analyst.memory.errors import UnknownFindingError
from analyst.memory.finding import DataFingerprint, Finding, Output
from analyst.memory.tables import (
    COUNTERS,
    DELETIONS,
    FINDING_DATA,
    FINDING_OUTPUTS,
    FINDINGS,
    OUTPUTS,
    VECTORS,
)

_COLUMNS = {
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
_MANY = 500
_PIECE = 20_000


class FindingStore:
    """All findings of a user, or of a team that shares a database.

    Methods block; each raises :class:`~analyst.memory.errors.StoreError`.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    @classmethod
    def in_directory(cls, directory: Path) -> Self:
        """Open the store of a data directory."""
        return cls(sqlite_url(directory / "findings.sqlite"))

    def close(self) -> None:
        """Let the database go."""
        self.database.close()

    def save(
        self,
        finding: Finding,
        *,
        outputs: Mapping[str, bytes] | None = None,
        vectors: Mapping[str, np.ndarray[Any, Any]] | None = None,
        supersedes: Sequence[int] = (),
        keep_number: bool = False,
    ) -> Finding:
        """Save a finding and return it with its number; once it returns, it is kept.

        ``outputs``: the bytes of its outputs, by digest. ``vectors``: embeddings of its question,
        by the name of what computed them. ``supersedes``: findings that it replaces; they stay as
        history. ``keep_number``: save it under the number it has. A finding whose ``uid`` is known
        is not saved again.
        """
        with self.database.writing() as connection:
            known = _one(connection, FINDINGS.c.uid == finding.uid)
            if known is not None:
                return known
            revision = _next_revision(connection)
            row = {
                **finding.model_dump(include=_COLUMNS - {"number", "revision"}),
                "revision": revision,
                "body": _body(finding),
            }
            if keep_number:
                row["number"] = finding.number
            result = connection.execute(insert(FINDINGS).values(row))
            number = int(result.inserted_primary_key[0])  # type: ignore[index]
            saved = finding.model_copy(update={"number": number, "revision": revision})
            full_text.put(connection, number, saved.searchable())
            for position, one in enumerate(saved.data):
                connection.execute(
                    insert(FINDING_DATA).values(
                        number=number, position=position, content=one.content, source=one.source
                    )
                )
            _put_outputs(connection, saved, outputs or {})
            for name, vector in (vectors or {}).items():
                _put_vector(connection, name, number, vector)
            if supersedes:
                connection.execute(
                    update(FINDINGS)
                    .where(FINDINGS.c.number.in_(supersedes), FINDINGS.c.number != number)
                    .values(superseded_by=number, revision=revision)
                )
            return saved

    def get(self, number: int) -> Finding:
        """Return a finding; raises :class:`UnknownFindingError`."""
        with self.database.reading() as connection:
            found = _one(connection, FINDINGS.c.number == number)
        if found is None:
            raise UnknownFindingError(number)
        return found

    def get_many(self, numbers: Sequence[int]) -> list[Finding]:
        """Return those findings that are there, in the order of ``numbers``."""
        found: dict[int, Finding] = {}
        with self.database.reading() as connection:
            for piece in _pieces(numbers):
                rows = connection.execute(select(FINDINGS).where(FINDINGS.c.number.in_(piece)))
                found |= {row.number: _finding(row) for row in rows}
        return [found[number] for number in numbers if number in found]

    def newest(
        self, limit: int, *, project: str | None = None, history: bool = False
    ) -> list[Finding]:
        """Return the findings saved last; ``history``: also those that newer ones superseded."""
        query = select(FINDINGS).order_by(FINDINGS.c.pinned.desc(), FINDINGS.c.number.desc())
        if project is not None:
            query = query.where(FINDINGS.c.project == project)
        if not history:
            query = query.where(FINDINGS.c.superseded_by.is_(None))
        with self.database.reading() as connection:
            return [_finding(row) for row in connection.execute(query.limit(limit))]

    def all(self) -> Iterator[Finding]:
        """Yield every finding, oldest first, also superseded ones."""
        last = 0
        while True:
            query = select(FINDINGS).where(FINDINGS.c.number > last).order_by(FINDINGS.c.number)
            with self.database.reading() as connection:
                rows = [_finding(row) for row in connection.execute(query.limit(_MANY))]
            yield from rows
            if len(rows) < _MANY:
                return
            last = rows[-1].number or 0

    def count(self) -> int:
        """Return how many findings are current."""
        query = select(func.count()).where(FINDINGS.c.superseded_by.is_(None))
        with self.database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def on_data(self, data: Sequence[DataFingerprint], *, limit: int) -> list[int]:
        """Return the newest current findings on any of this data."""
        return self._with_data(FINDING_DATA.c.content.in_([one.content for one in data]), limit)

    def on_source(self, data: Sequence[DataFingerprint], *, limit: int) -> list[int]:
        """Return the newest current findings on what any of this data is or was before."""
        return self._with_data(FINDING_DATA.c.source.in_([one.source for one in data]), limit)

    def _with_data(self, condition: ColumnElement[bool], limit: int) -> list[int]:
        query = (
            select(FINDING_DATA.c.number)
            .join(FINDINGS, FINDINGS.c.number == FINDING_DATA.c.number)
            .where(condition, FINDINGS.c.superseded_by.is_(None))
            .distinct()
            .order_by(FINDING_DATA.c.number.desc())
            .limit(limit)
        )
        with self.database.reading() as connection:
            return [int(row.number) for row in connection.execute(query)]

    def search_text(self, question: str, *, project: str | None = None, limit: int) -> list[int]:
        """Return the numbers of current findings that share words with a question, best first."""
        with self.database.reading() as connection:
            return full_text.search(connection, question, project=project, limit=limit)

    def output(self, digest: str) -> bytes | None:
        """Return the bytes of an output, if it is kept."""
        query = select(OUTPUTS.c.data).where(OUTPUTS.c.digest == digest)
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else bytes(row[0])

    def pin(self, number: int, *, pinned: bool = True) -> Finding:
        """Pin a finding, or let it go again; raises :class:`UnknownFindingError`."""
        return self._change(number, {"pinned": pinned})

    def tag(self, number: int, tags: Sequence[str]) -> Finding:
        """Replace the tags of a finding; raises :class:`UnknownFindingError`."""
        return self._change(number, {"tags": tuple(dict.fromkeys(tags))})

    def delete(self, numbers: Sequence[int]) -> None:
        """Delete findings with text, vectors and outputs; raises :class:`UnknownFindingError`."""
        with self.database.writing() as connection:
            for number in numbers:
                if _one(connection, FINDINGS.c.number == number) is None:
                    raise UnknownFindingError(number)
            revision = _next_revision(connection)
            for piece in _pieces(numbers):
                for table in (FINDING_OUTPUTS, FINDING_DATA, VECTORS):
                    connection.execute(delete(table).where(table.c.number.in_(piece)))
                full_text.remove(connection, piece)
                connection.execute(
                    update(FINDINGS)
                    .where(FINDINGS.c.superseded_by.in_(piece))
                    .values(superseded_by=None, revision=revision)
                )
                connection.execute(delete(FINDINGS).where(FINDINGS.c.number.in_(piece)))
            connection.execute(
                insert(DELETIONS), [{"number": one, "revision": revision} for one in numbers]
            )
            used = select(FINDING_OUTPUTS.c.digest)
            connection.execute(delete(OUTPUTS).where(OUTPUTS.c.digest.not_in(used)))
            full_text.erase(connection)
        self._checkpoint()

    def revision(self) -> int:
        """Return how many changes there were."""
        with self.database.reading() as connection:
            return _revision(connection)

    def changes(self, after: int, until: int) -> dict[int, bool]:
        """Return what changed in the revisions after ``after`` up to ``until``.

        For each number whether the finding is a current one now.
        """
        with self.database.reading() as connection:
            changed = connection.execute(
                select(FINDINGS.c.number, FINDINGS.c.superseded_by).where(
                    FINDINGS.c.revision > after, FINDINGS.c.revision <= until
                )
            )
            found = {int(row.number): row.superseded_by is None for row in changed}
            gone = connection.execute(
                select(DELETIONS.c.number).where(
                    DELETIONS.c.revision > after, DELETIONS.c.revision <= until
                )
            )
            return found | {int(row.number): False for row in gone}

    def vectors(
        self, embedding: str, numbers: Sequence[int]
    ) -> tuple[list[int], np.ndarray[Any, Any]]:
        """Return which of ``numbers`` have a vector, and these as float32 of shape (n, d)."""
        found: list[int] = []
        raw: list[bytes] = []
        with self.database.reading() as connection:
            for piece in _pieces(numbers):
                rows = connection.execute(
                    select(VECTORS.c.number, VECTORS.c.vector).where(
                        VECTORS.c.embedding == embedding, VECTORS.c.number.in_(piece)
                    )
                )
                for row in rows:
                    found.append(int(row.number))
                    raw.append(bytes(row.vector))
        return found, _stacked(raw)

    def current_vectors(self, embedding: str) -> Iterator[tuple[list[int], np.ndarray[Any, Any]]]:
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
            with self.database.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield [int(row.number) for row in rows], _stacked([bytes(row.vector) for row in rows])
            last = int(rows[-1].number)

    def put_vectors(
        self, embedding: str, numbers: Sequence[int], vectors: np.ndarray[Any, Any]
    ) -> None:
        """Keep embeddings of findings that are still there; known ones are replaced."""
        with self.database.writing() as connection:
            there = {
                row.number
                for piece in _pieces(numbers)
                for row in connection.execute(
                    select(FINDINGS.c.number).where(FINDINGS.c.number.in_(piece))
                )
            }
            for number, vector in zip(numbers, vectors, strict=True):
                if number in there:
                    _put_vector(connection, embedding, number, vector)

    def without_vector(self, embedding: str, *, limit: int = 1_000) -> list[tuple[int, str]]:
        """Return findings that were not embedded by ``embedding`` yet, with their questions."""
        known = select(VECTORS.c.number).where(VECTORS.c.embedding == embedding)
        query = (
            select(FINDINGS.c.number, FINDINGS.c.question)
            .where(FINDINGS.c.number.not_in(known), FINDINGS.c.superseded_by.is_(None))
            .order_by(FINDINGS.c.number)
            .limit(limit)
        )
        with self.database.reading() as connection:
            return [(int(row.number), str(row.question)) for row in connection.execute(query)]

    def _change(self, number: int, fields: Mapping[str, Any]) -> Finding:
        with self.database.writing() as connection:
            known = _one(connection, FINDINGS.c.number == number)
            if known is None:
                raise UnknownFindingError(number)
            revision = _next_revision(connection)
            changed = known.model_copy(update={**fields, "revision": revision})
            connection.execute(
                update(FINDINGS)
                .where(FINDINGS.c.number == number)
                .values(pinned=changed.pinned, body=_body(changed), revision=revision)
            )
            full_text.put(connection, number, changed.searchable())
            return changed

    def _checkpoint(self) -> None:
        """Take what was deleted out of SQLite's log too; who reads meanwhile prevents it."""
        if self.database.file is not None:
            with self.database.told(), self.database._engine.connect() as connection:  # noqa: SLF001
                connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                )


def finding_from(row: Mapping[str, Any]) -> Finding:
    """Read a finding from the columns of its row; raises :class:`ValueError`."""
    columns = {name: row[name] for name in _COLUMNS}
    return Finding(**json.loads(row["body"]), **columns)


def _body(finding: Finding) -> str:
    return finding.model_dump_json(exclude=_COLUMNS)


def _finding(row: Row[Any]) -> Finding:
    return finding_from(dict(row._mapping))  # noqa: SLF001 - public in spite of its name


def _one(connection: Connection, condition: Any) -> Finding | None:
    row = connection.execute(select(FINDINGS).where(condition)).first()
    return None if row is None else _finding(row)


def _revision(connection: Connection) -> int:
    query = select(COUNTERS.c.value).where(COUNTERS.c.name == "revision")
    return int(connection.execute(query).scalar_one())


def _next_revision(connection: Connection) -> int:
    """Raise the revision; other writers wait for the end of this transaction."""
    connection.execute(
        update(COUNTERS).where(COUNTERS.c.name == "revision").values(value=COUNTERS.c.value + 1)
    )
    return _revision(connection)


def _put_outputs(connection: Connection, finding: Finding, outputs: Mapping[str, bytes]) -> None:
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


def _put_vector(
    connection: Connection, embedding: str, number: int, vector: np.ndarray[Any, Any]
) -> None:
    key = (VECTORS.c.embedding == embedding) & (VECTORS.c.number == bindparam("key"))
    connection.execute(delete(VECTORS).where(key), {"key": number})
    data = np.asarray(vector, dtype="<f2").tobytes()
    connection.execute(insert(VECTORS).values(embedding=embedding, number=number, vector=data))


def _stacked(raw: Sequence[bytes]) -> np.ndarray[Any, Any]:
    if not raw:
        return np.empty((0, 0), np.float32)
    return np.stack([np.frombuffer(one, "<f2") for one in raw]).astype(np.float32)


def _pieces(numbers: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _MANY):
        yield [int(number) for number in numbers[start : start + _MANY]]
