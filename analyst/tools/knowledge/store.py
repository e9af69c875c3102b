"""The store of documents: files and their passages in one SQLite file.

Each file is put in or taken out in one transaction. Not here: which files there are
(:mod:`analyst.tools.knowledge.folders`), and what is near to a question.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.engine import Connection

from analyst.memory import full_text
from analyst.memory.database import Database, sqlite_url
from analyst.memory.errors import StoreDamagedError, StoreError
from analyst.memory.rows import current_revision, in_pieces, next_revision
from analyst.memory.stored_vectors import Embedded, StoredVectors
from analyst.tools.knowledge.cutting import Passage
from analyst.tools.knowledge.tables import (
    COUNTERS,
    DROPPED,
    FILES,
    FORM,
    METADATA,
    PASSAGE_VECTORS,
    PASSAGES,
    TEXT_TABLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file as it was read; ``note``: what is wrong with it, going on from its name."""

    path: str
    name: str
    size: int
    modified_ns: int
    digest: str = ""
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with its number, and the file that it is of."""

    number: int
    file: str
    title: str
    passage: Passage


class KnowledgeStore:
    """Documents of one set of folders; methods block, and raise :class:`StoreError`."""

    def __init__(self, path: Path) -> None:
        self.database: Database = _KnowledgeDatabase(sqlite_url(path))
        self.vectors = StoredVectors(
            self.database, Embedded(PASSAGES.c.number, PASSAGES.c.words, PASSAGE_VECTORS)
        )

    def close(self) -> None:
        """Let the database go."""
        self.database.close()

    def files(self) -> dict[str, KnownFile]:
        """Return all files by their path."""
        with self.database.reading() as connection:
            rows = connection.execute(select(FILES).order_by(FILES.c.name)).mappings()
            return {
                row["path"]: KnownFile(**{name: row[name] for name in row if name != "id"})
                for row in rows
            }

    def count(self) -> int:
        """Return how many passages there are."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count(PASSAGES.c.number))).scalar_one())

    def put(self, file: KnownFile, passages: Sequence[Passage]) -> None:
        """Put a file in, in the place of what was known of its path."""
        with self.database.writing() as connection:
            revision = next_revision(connection)
            _drop(connection, [file.path], revision)
            values = {name: getattr(file, name) for name in file.__slots__}
            inserted = connection.execute(insert(FILES).values(values))
            for passage in passages:
                words = "\n".join(
                    part for part in (file.title, passage.heading, passage.text) if part
                )
                result = connection.execute(
                    insert(PASSAGES).values(
                        file=inserted.inserted_primary_key[0],  # type: ignore[index]
                        revision=revision,
                        place=passage.place,
                        heading=passage.heading,
                        text=passage.text,
                        words=words,
                    )
                )
                number = int(result.inserted_primary_key[0])  # type: ignore[index]
                full_text.put(connection, number, f"{file.name}\n{words}", table=TEXT_TABLE)

    def touch(self, file: KnownFile) -> None:
        """Note that a file was written and is the same."""
        with self.database.writing() as connection:
            connection.execute(
                update(FILES)
                .where(FILES.c.path == file.path)
                .values(size=file.size, modified_ns=file.modified_ns)
            )

    def drop(self, paths: Sequence[str]) -> None:
        """Take files out that are no more."""
        with self.database.writing() as connection:
            _drop(connection, paths, next_revision(connection))

    def passages(self, numbers: Sequence[int]) -> list[StoredPassage]:
        """Return those passages that are there, in the order of ``numbers``."""
        found: dict[int, StoredPassage] = {}
        query = select(PASSAGES, FILES.c.name, FILES.c.title).join(
            FILES, FILES.c.id == PASSAGES.c.file
        )
        with self.database.reading() as connection:
            for piece in in_pieces(numbers):
                for row in connection.execute(query.where(PASSAGES.c.number.in_(piece))):
                    found[row.number] = StoredPassage(
                        row.number, row.name, row.title, Passage(row.place, row.heading, row.text)
                    )
        return [found[number] for number in numbers if number in found]

    def search_text(self, query: str, limit: int) -> list[int]:
        """Return the numbers of passages that share words with a query, best first."""
        with self.database.reading() as connection:
            return full_text.search_table(connection, query, table=TEXT_TABLE, limit=limit)

    def having(self, words: Sequence[str]) -> dict[str, int]:
        """Return how many passages have each of some words, in any of its forms."""
        statement = text(f"SELECT count(*) FROM {TEXT_TABLE} WHERE {TEXT_TABLE} MATCH :query")  # noqa: S608 - constant
        with self.database.reading() as connection:
            return {
                word: int(connection.execute(statement, {"query": f'"{word}"'}).scalar_one())
                for word in words
            }

    def sound(self) -> bool:
        """Tell whether all of the file can be read; takes a while for large ones."""
        try:
            with self.database.reading() as connection:
                found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        except StoreError:
            return False
        return bool(found == "ok")

    def revision(self) -> int:
        """Return how many changes there were."""
        with self.database.reading() as connection:
            return current_revision(connection)

    def changes(self, after: int, until: int) -> dict[int, bool]:
        """Return for each passage that changed in these revisions whether it is there."""
        with self.database.reading() as connection:
            gone = connection.execute(
                select(DROPPED.c.number).where(
                    DROPPED.c.revision > after, DROPPED.c.revision <= until
                )
            )
            new = connection.execute(
                select(PASSAGES.c.number).where(
                    PASSAGES.c.revision > after, PASSAGES.c.revision <= until
                )
            )
            return {int(row.number): False for row in gone} | {int(row.number): True for row in new}


class _KnowledgeDatabase(Database):
    """The same connections and locks; what it holds can be made again, so it is never mended."""

    def _migrate(self) -> None:
        if self._form() == FORM:
            return
        with self._alone(), self.writing() as connection:
            if _form_of(connection) == FORM:
                return
            connection.execute(text(f"DROP TABLE IF EXISTS {TEXT_TABLE}"))
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
            connection.execute(insert(COUNTERS).values(name="revision", value=0))
            connection.execute(
                text(
                    f"CREATE VIRTUAL TABLE {TEXT_TABLE} "
                    "USING fts5(text, tokenize='porter unicode61')"
                )
            )
            connection.execute(text(f"PRAGMA user_version = {FORM}"))
            if self.file is not None:
                # Of the older form: its numbers mean nothing any more.
                shutil.rmtree(self.file.parent / "index", ignore_errors=True)

    def _form(self) -> int:
        with self.reading() as connection:
            return _form_of(connection)

    def _in_words(self, error: Exception) -> StoreError:
        told = super()._in_words(error)
        where = self.file or self.name
        if isinstance(told, StoreDamagedError):
            return StoreDamagedError(f"The index of your documents ({where}) is damaged.")
        said = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        return StoreError(f"The index of your documents ({where}) failed: {said}.")


def _form_of(connection: Connection) -> int:
    return int(connection.execute(text("PRAGMA user_version")).scalar_one())


def _drop(connection: Connection, paths: Sequence[str], revision: int) -> None:
    for path in paths:
        of_file = select(FILES.c.id).where(FILES.c.path == path).scalar_subquery()
        numbers = [
            int(row.number)
            for row in connection.execute(
                select(PASSAGES.c.number).where(PASSAGES.c.file == of_file)
            )
        ]
        for piece in in_pieces(numbers):
            connection.execute(delete(PASSAGE_VECTORS).where(PASSAGE_VECTORS.c.number.in_(piece)))
            full_text.remove(connection, piece, table=TEXT_TABLE)
            connection.execute(
                insert(DROPPED), [{"number": number, "revision": revision} for number in piece]
            )
            connection.execute(delete(PASSAGES).where(PASSAGES.c.number.in_(piece)))
        connection.execute(delete(FILES).where(FILES.c.path == path))
