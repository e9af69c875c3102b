"""Full-text search over findings, by what the database itself offers.

SQLite: FTS5, ranked by BM25. PostgreSQL: ``tsvector``, ranked by cover density. Others: how many
of the words occur. Other texts in SQLite are searched the same way, by their ``table``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, text

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MOST_WORDS = 40
_COMMON = frozenset(
    """
    a an and are as at be by can did do does each for from give has have how i in is it me of
    on or please show tell than that the their there these this to was we were what when where
    which who will with you your
    """.split()  # noqa: SIM905 - a list of words
)


MOST_WITH_A_WORD = 1_000
"""SQLite's search leaves out words that more findings have; FAISS finds those."""


def words_of(question: str) -> list[str]:
    """Return the words of a question that can tell findings apart."""
    words = [word.lower() for word in _WORD.findall(question.replace("_", " "))]
    return list(dict.fromkeys(word for word in words if word not in _COMMON))[:_MOST_WORDS]


def put(
    connection: Connection, number: int, searchable: str, *, table: str = "findings_text"
) -> None:
    """Make a finding be found by ``searchable``; another ``table`` is one of SQLite."""
    remove(connection, [number], table=table)
    spaced = searchable.replace("_", " ")
    match connection.dialect.name:
        case "sqlite":
            statement = f"INSERT INTO {table} (rowid, text) VALUES (:number, :text)"  # noqa: S608 - constant
        case "postgresql":
            statement = (
                "INSERT INTO findings_text (number, words) "
                "VALUES (:number, to_tsvector('english', :text))"
            )
        case _:
            statement = "INSERT INTO findings_text (number, text) VALUES (:number, :text)"
    connection.execute(text(statement), {"number": number, "text": spaced})


def remove(connection: Connection, numbers: Sequence[int], *, table: str = "findings_text") -> None:
    """Let findings be found no more."""
    key = "rowid" if connection.dialect.name == "sqlite" else "number"
    statement = text(f"DELETE FROM {table} WHERE {key} = :number")  # noqa: S608 - constant
    for number in numbers:
        connection.execute(statement, {"number": number})


def erase(connection: Connection) -> None:
    """Take what was removed out of the search's own pages; SQLite else keeps it for a while."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO findings_text (findings_text) VALUES ('optimize')"))


def _is_rare(connection: Connection, word: str, table: str = "findings_text") -> bool:
    """Whether a word tells findings apart; ranking by one that is everywhere takes seconds."""
    statement = text(
        "SELECT count(*) FROM ("  # noqa: S608 - constant
        f"SELECT rowid FROM {table} WHERE {table} MATCH :query LIMIT :most)"
    )
    found = connection.execute(statement, {"query": f'"{word}"', "most": MOST_WITH_A_WORD + 1})
    return int(found.scalar_one()) <= MOST_WITH_A_WORD


def search_table(connection: Connection, question: str, *, table: str, limit: int) -> list[int]:
    """Return the rows of a table of SQLite that share words with ``question``, best first."""
    words = [word for word in words_of(question) if _is_rare(connection, word, table)]
    if not words:
        return []
    statement = text(
        f"SELECT rowid FROM {table} WHERE {table} MATCH :query "  # noqa: S608 - constant
        f"ORDER BY bm25({table}), rowid LIMIT :limit"
    )
    query = " OR ".join(f'"{word}"' for word in words)
    return [int(row[0]) for row in connection.execute(statement, {"query": query, "limit": limit})]


def search(connection: Connection, question: str, *, project: str | None, limit: int) -> list[int]:
    """Return the numbers of current findings that share words with ``question``, best first."""
    words = words_of(question)
    if not words:
        return []
    join = "SELECT f.number FROM findings_text t JOIN findings f ON f.number = "
    alive = "f.superseded_by IS NULL AND (:project IS NULL OR f.project = :project)"
    parameters: dict[str, object] = {"project": project, "limit": limit}
    match connection.dialect.name:
        case "sqlite":
            words = [word for word in words if _is_rare(connection, word)]
            if not words:
                return []
            parameters["query"] = " OR ".join(f'"{word}"' for word in words)
            statement = (
                f"{join} t.rowid WHERE findings_text MATCH :query AND {alive} "
                "ORDER BY bm25(findings_text), f.number DESC LIMIT :limit"
            )
            # A virtual table's name cannot be replaced by an alias in MATCH.
            statement = statement.replace("findings_text t", "findings_text").replace(
                "t.rowid", "findings_text.rowid"
            )
        case "postgresql":
            parameters["query"] = " | ".join(words)
            alive = alive.replace(":project", "CAST(:project AS TEXT)")
            statement = (
                f"{join} t.number WHERE t.words @@ to_tsquery('english', :query) AND {alive} "
                "ORDER BY ts_rank_cd(t.words, to_tsquery('english', :query)) DESC, f.number DESC "
                "LIMIT :limit"
            )
        case _:
            score = []
            for position, word in enumerate(words):
                parameters[f"word_{position}"] = f"%{word}%"
                score.append(f"(CASE WHEN LOWER(t.text) LIKE :word_{position} THEN 1 ELSE 0 END)")
            total = " + ".join(score)
            statement = (
                f"{join} t.number WHERE ({total}) > 0 AND {alive} "
                f"ORDER BY ({total}) DESC, f.number DESC LIMIT :limit"
            )
    return [int(row[0]) for row in connection.execute(text(statement), parameters)]
