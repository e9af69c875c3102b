"""The store of findings: what is saved, found, changed and deleted, in any order by anybody.

Every change happens in one transaction and raises the store's revision, so that an index can
catch up with what others did. Not here: similarity (:mod:`analyst.memory.index`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sqlalchemy import (
    ColumnElement,
    delete,
    func,
    insert,
    select,
    update,
)

from analyst.memory import full_text
from analyst.memory.database import Database, sqlite_url
from analyst.memory.errors import UnknownFindingError
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.rows import (
    COLUMNS,
    ROWS_AT_ONCE,
    body_of,
    current_revision,
    find_row,
    in_pieces,
    next_revision,
    put_outputs,
    read_row,
)
from analyst.memory.stored_vectors import StoredVectors, put_vector
from analyst.memory.tables import (
    DELETIONS,
    FINDING_DATA,
    FINDING_OUTPUTS,
    FINDINGS,
    OUTPUTS,
    VECTORS,
)


class FindingStore:
    """All findings of a user, or of a team that shares a database.

    Methods block; each raises :class:`~analyst.memory.errors.StoreError`.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.vectors = StoredVectors(self.database)

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
            known = find_row(connection, FINDINGS.c.uid == finding.uid)
            if known is not None:
                return known
            revision = next_revision(connection)
            row = {
                **finding.model_dump(include=COLUMNS - {"number", "revision"}),
                "revision": revision,
                "body": body_of(finding),
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
            put_outputs(connection, saved, outputs or {})
            for name, vector in (vectors or {}).items():
                put_vector(connection, name, number, vector)
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
            found = find_row(connection, FINDINGS.c.number == number)
        if found is None:
            raise UnknownFindingError(number)
        return found

    def get_many(self, numbers: Sequence[int]) -> list[Finding]:
        """Return those findings that are there, in the order of ``numbers``."""
        found: dict[int, Finding] = {}
        with self.database.reading() as connection:
            for piece in in_pieces(numbers):
                rows = connection.execute(select(FINDINGS).where(FINDINGS.c.number.in_(piece)))
                found |= {row.number: read_row(row) for row in rows}
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
            return [read_row(row) for row in connection.execute(query.limit(limit))]

    def all(self) -> Iterator[Finding]:
        """Yield every finding, oldest first, also superseded ones."""
        last = 0
        while True:
            query = select(FINDINGS).where(FINDINGS.c.number > last).order_by(FINDINGS.c.number)
            with self.database.reading() as connection:
                rows = [read_row(row) for row in connection.execute(query.limit(ROWS_AT_ONCE))]
            yield from rows
            if len(rows) < ROWS_AT_ONCE:
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
                if find_row(connection, FINDINGS.c.number == number) is None:
                    raise UnknownFindingError(number)
            revision = next_revision(connection)
            for piece in in_pieces(numbers):
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
            return current_revision(connection)

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

    def _change(self, number: int, fields: Mapping[str, Any]) -> Finding:
        with self.database.writing() as connection:
            known = find_row(connection, FINDINGS.c.number == number)
            if known is None:
                raise UnknownFindingError(number)
            revision = next_revision(connection)
            changed = known.model_copy(update={**fields, "revision": revision})
            connection.execute(
                update(FINDINGS)
                .where(FINDINGS.c.number == number)
                .values(pinned=changed.pinned, body=body_of(changed), revision=revision)
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
