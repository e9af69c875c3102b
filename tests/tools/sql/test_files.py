"""SQLite and DuckDB files, which nothing can be written to."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from pathlib import Path

import duckdb
import pytest

from analyst.tools.sql.databases import DatabaseError

SQLITE_WRITES = """
INSERT INTO things VALUES (99, 'x', 1)
INSERT OR REPLACE INTO things VALUES (1, 'x', 1)
REPLACE INTO things VALUES (1, 'x', 1)
UPDATE things SET price = 0
DELETE FROM things
WITH a AS (SELECT 1) DELETE FROM things
CREATE TABLE t (a)
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t (a)
CREATE VIEW v AS SELECT 1
CREATE INDEX i ON things (price)
CREATE TRIGGER t AFTER INSERT ON things BEGIN SELECT 1; END
CREATE VIRTUAL TABLE f USING fts5(x)
DROP TABLE things
DROP VIEW cheap
DROP INDEX by_name
ALTER TABLE things ADD COLUMN x
ALTER TABLE things RENAME TO t
ATTACH 'new.db' AS new
ATTACH ':memory:' AS new
ATTACH 'file:new.db?mode=rwc' AS new
VACUUM
VACUUM INTO 'new.db'
REINDEX
ANALYZE
PRAGMA query_only = OFF
PRAGMA writable_schema = ON
PRAGMA journal_mode = WAL
PRAGMA user_version = 7
PRAGMA main.user_version(7)
PRAGMA trusted_schema = ON
PRAGMA wal_checkpoint
PRAGMA optimize
PRAGMA temp_store_directory = '/'
BEGIN IMMEDIATE
SAVEPOINT s
COMMIT
UPDATE sqlite_master SET sql = 'x'
SELECT load_extension('x')
SELECT writefile('new.txt', 'x')
SELECT 1; DELETE FROM things
EXPLAIN DELETE FROM nothing_there
""".strip().splitlines()

DUCKDB_WRITES = """
INSERT INTO things VALUES (99, 'x', 1)
INSERT OR REPLACE INTO things VALUES (1, 'x', 1)
UPDATE things SET price = 0
DELETE FROM things
TRUNCATE things
CREATE TABLE t (a INT)
CREATE TABLE t AS SELECT 1 AS a
CREATE OR REPLACE TABLE things AS SELECT 1 AS a
CREATE VIEW v AS SELECT 1
CREATE SCHEMA s
CREATE SEQUENCE s
CREATE TYPE y AS ENUM ('a')
CREATE MACRO m() AS 1
CREATE INDEX i ON things (number)
DROP TABLE things
DROP VIEW cheap
ALTER TABLE things ADD COLUMN x INT
ALTER TABLE things RENAME TO t
COPY things TO 'new.csv'
COPY (SELECT 1) TO 'new.parquet' (FORMAT parquet)
COPY things FROM '/etc/passwd'
EXPORT DATABASE 'new'
IMPORT DATABASE 'new'
ATTACH 'new.duckdb'
ATTACH 'new.duckdb' AS new (READ_WRITE)
INSTALL httpfs
LOAD httpfs
SET enable_external_access = true
SET lock_configuration = false
SET access_mode = 'read_write'
SELECT nextval('counter')
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM '/etc/passwd'
SELECT * FROM glob('/etc/*')
SELECT * FROM read_blob('https://example.org/')
SELECT 1; DELETE FROM things
EXPLAIN ANALYZE DELETE FROM things
COMMENT ON TABLE things IS 'x'
FORCE CHECKPOINT
""".strip().splitlines()

# Not the file's mode but DuckDB's own parser keeps these from a database open for reading: they
# would change nothing but memory.
DUCKDB_IN_MEMORY = ["CREATE TEMP TABLE t (a INT)", "ATTACH ':memory:' AS new", "SET VARIABLE x = 1"]


def state(path: Path) -> tuple[str, list[str]]:
    """Return what a file holds, and what is beside it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return digest, sorted(one.name for one in path.parent.iterdir())


@pytest.mark.parametrize("query", SQLITE_WRITES)
def test_sqlite_itself_refuses_to_write(lite, query, database, opened, monkeypatch) -> None:
    monkeypatch.chdir(lite.parent)
    before = state(lite)
    one = opened(database("sqlite", lite))
    with pytest.raises((sqlite3.Error, DatabaseError)):
        one.query(query, 100)
    one.close()
    assert state(lite) == before


@pytest.mark.parametrize("query", [*DUCKDB_WRITES, *DUCKDB_IN_MEMORY])
def test_duckdb_refuses_to_write(duck, query, database, opened, monkeypatch) -> None:
    monkeypatch.chdir(duck.parent)
    before = state(duck)
    one = opened(database("duckdb", duck))
    with pytest.raises((duckdb.Error, DatabaseError)):
        one.query(query, 100)
    one.close()
    assert state(duck) == before


@pytest.mark.parametrize("query", [one for one in DUCKDB_WRITES if "CHECKPOINT" not in one])
def test_duckdb_refuses_without_a_look_at_the_statement(
    duck, query, database, opened, monkeypatch
) -> None:
    monkeypatch.chdir(duck.parent)
    before = state(duck)
    one = opened(database("duckdb", duck))
    monkeypatch.setattr(one, "_check", lambda text: None)
    with pytest.raises(duckdb.Error):
        one.query(query, 100)
    one.close()
    assert state(duck) == before


def test_the_mode_of_an_sqlite_file_holds_without_the_authorizer(lite, database, opened) -> None:
    one = opened(database("sqlite", lite))
    one._connection.set_authorizer(None)
    one._connection.execute("PRAGMA query_only=OFF")
    for query in ("DELETE FROM things", "DROP TABLE things", "PRAGMA user_version=7"):
        with pytest.raises(DatabaseError, match="readonly"):
            one.query(query, 100)


def test_variables_of_this_process_are_no_tables_of_a_duckdb_file(duck, database, opened) -> None:
    import pandas as pd

    secret = pd.DataFrame({"password": ["x"]})
    one = opened(database("duckdb", duck))
    with pytest.raises(duckdb.CatalogException):
        one.query("SELECT * FROM secret", 10)
    assert len(secret) == 1


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
async def test_files_are_read_and_the_result_is_kept(kind, file, database, ask, kernel) -> None:
    mine = {"mine": database(kind, file(kind))}
    query = "SELECT number, name, price FROM cheap ORDER BY number"
    asked = await ask(query, mine, database="mine", save_as="cheap")
    assert asked.result.status == "ok"
    assert asked.text.startswith("10 rows. Columns: number ")
    assert "3 | thing 3 | 1.5" in asked.text
    assert await kernel.session.evaluate_json("list(cheap.price[:3])") == [0.0, 0.5, 1.0]
    assert (await ask("SELECT count(*) AS n FROM cheap")).text.endswith("\n10")


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
async def test_more_rows_than_the_cap_are_not_read(kind, file, database, ask) -> None:
    mine = {"mine": database(kind, file(kind), row_cap=7)}
    asked = await ask("SELECT * FROM things", mine, database="mine")
    assert asked.text.startswith("more than 7 rows; the first 7 were read")
    assert asked.result.doubts
    assert not (await ask("SELECT * FROM things LIMIT 7", mine, database="mine")).result.doubts


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n",
    "duckdb": "SELECT count(*) FROM range(100000000) a, range(100000000) b",
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_long_query_is_stopped_and_its_thread_ends(kind, file, database, ask) -> None:
    mine = {"mine": database(kind, file(kind), seconds=0.5)}
    begun = time.monotonic()
    asked = await ask(ENDLESS[kind], mine, database="mine")
    assert asked.result.status == "timeout"
    assert "longer than 0.5 seconds" in asked.text
    assert time.monotonic() - begun < 4
    for thread in threading.enumerate():
        if thread.name == "sql query":
            thread.join(2)
            assert not thread.is_alive()


def test_a_value_that_a_query_makes_up_has_a_size(lite, database, opened) -> None:
    with pytest.raises(sqlite3.DataError, match="too big"):
        opened(database("sqlite", lite)).query("SELECT randomblob(900000000)", 1)


def test_virtual_tables_can_be_read(tmp_path, database, opened) -> None:
    path = tmp_path / "v.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(x)")
    connection.execute("INSERT INTO words VALUES ('hello world')")
    connection.execute("CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)")
    connection.execute("INSERT INTO boxes VALUES (1, 2, 3)")
    connection.commit()
    connection.close()
    one = opened(database("sqlite", path))
    assert one.query("SELECT x FROM words WHERE words MATCH 'hello'", 9).frame.x[0] == "hello world"
    assert one.query("SELECT id FROM boxes WHERE a < 5", 9).frame.id[0] == 1
    assert one.query("SELECT value FROM json_each('[3]')", 9).frame.value[0] == 3
    assert [table.name for table in one.tables()] == ["boxes", "words"]
    with pytest.raises((sqlite3.Error, DatabaseError)):
        one.query("INSERT INTO boxes VALUES (2, 2, 3)", 9)


def test_files_that_are_not_there_are_not_made(tmp_path, database, opened) -> None:
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(DatabaseError, match="is not there"):
            opened(database(kind, tmp_path / "no.db"))
        with pytest.raises(DatabaseError, match="names no file"):
            opened(database(kind, ":memory:"))
    assert list(tmp_path.iterdir()) == []
