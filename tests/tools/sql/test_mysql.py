"""A MariaDB server of the tests' own, asked by root, and still not written to."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from analyst.configuration import Database
from analyst.tools.sql.databases import DatabaseError
from analyst.tools.sql.servers import OpenedServer

HELD_BY_THE_SERVER = """
INSERT INTO things VALUES (99, 'x', 1)
REPLACE INTO things VALUES (1, 'x', 1)
UPDATE things SET price = 0
DELETE FROM things
TRUNCATE things
CREATE TABLE t (a INT)
CREATE TABLE t AS SELECT 1 AS a
CREATE TEMPORARY TABLE t (a INT)
CREATE VIEW v AS SELECT 1
CREATE INDEX i ON things (price)
CREATE DATABASE d
CREATE USER someone
GRANT ALL ON *.* TO someone
DROP TABLE things
ALTER TABLE things ADD COLUMN x INT
RENAME TABLE things TO t
LOAD DATA INFILE '/etc/passwd' INTO TABLE things
LOCK TABLES things WRITE
OPTIMIZE TABLE things
SELECT * FROM things FOR UPDATE; DELETE FROM things
""".strip().splitlines()

HELD_HERE = """
SELECT * FROM things INTO OUTFILE '{file}'
SELECT * FROM things INTO DUMPFILE '{file}'
SELECT * FROM things /*! INTO OUTFILE '{file}' */
SELECT * FROM things /*M! INTO OUTFILE '{file}' */
SELECT name INTO @x FROM things
CALL remove_all()
COMMIT
START TRANSACTION READ WRITE
SET SESSION TRANSACTION READ WRITE
SET GLOBAL max_connections = 7
FLUSH TABLES
ANALYZE TABLE things
HANDLER things OPEN
DO sleep(1)
KILL 1
SELECT 1; SELECT 2
""".strip().splitlines()


@pytest.fixture(scope="module")
def url(start_mariadb) -> Iterator[str]:
    with start_mariadb() as address:
        run(
            address, "CREATE TABLE things (number INT PRIMARY KEY, name TEXT, price DECIMAL(10, 2))"
        )
        run(
            address,
            "INSERT INTO things SELECT seq, concat('thing ', seq), seq / 2 FROM seq_0_to_29",
        )
        run(
            address,
            "CREATE PROCEDURE remove_all() BEGIN COMMIT; START TRANSACTION READ WRITE; "
            "DELETE FROM things; COMMIT; END",
        )
        yield address


def run(url: str, text: str):
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(text)
        return result.fetchall() if result.returns_rows else []


STATE = """
SELECT count(*), sum(number), sum(price), (SELECT count(*) FROM information_schema.tables)
FROM things
"""


@pytest.mark.parametrize("query", [*HELD_BY_THE_SERVER, *HELD_HERE])
def test_nothing_is_written(url, opened, query, tmp_path) -> None:
    before = run(url, STATE)
    tmp_path.chmod(0o777)
    one = opened(Database(url=url))
    with pytest.raises(DatabaseError):
        one.query(query.format(file=tmp_path / "made"), 100)
    one.close()
    assert run(url, STATE) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("query", HELD_BY_THE_SERVER)
def test_the_server_itself_refuses(url, opened, query) -> None:
    before = run(url, STATE)
    one = opened(Database(url=url))
    with pytest.raises(SQLAlchemyError):
        OpenedServer.fetch(one, query, 100)
    one.close()
    assert run(url, STATE) == before


async def test_it_is_read_and_the_result_is_kept(url, ask, kernel) -> None:
    mine = {"mine": Database(url=url, row_cap=20)}
    query = "SELECT number, price FROM things WHERE name LIKE 'thing%' AND name <> '%s' ORDER BY 1"
    asked = await ask(query, mine, database="mine", save_as="things")
    assert asked.text.startswith("more than 20 rows")
    assert await kernel.session.evaluate_json("float(things.price.sum())") == 95.0
    for query in ("SHOW TABLES", "DESCRIBE things", "EXPLAIN SELECT * FROM things"):
        assert (await ask(query, mine, database="mine")).result.status == "ok"


async def test_a_long_query_is_stopped_in_the_server(url, ask) -> None:
    mine = {"mine": Database(url=url, seconds=0.5)}
    begun = time.monotonic()
    asked = await ask("SELECT sleep(60)", mine, database="mine")
    assert asked.result.status == "timeout"
    assert time.monotonic() - begun < 4
    running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%%'"
    assert run(url, running) == [(0,)]


async def test_tables_are_listed(url, tools, call) -> None:
    asked = await call(tools({"mine": Database(url=url)})[1], database="mine")
    told = r"things \(about (\d+) rows\): number int\(11\), name text, price decimal\(10,2\)"
    found = re.fullmatch(told, asked.text)
    # The server estimates, and may be off by some.
    assert found is not None, asked.text
    assert 20 <= int(found[1]) <= 40


async def test_a_user_may_allow_writing(url, ask) -> None:
    run(url, "CREATE TABLE mine (a INT)")
    mine = {"mine": Database(url=url, writes="ask")}
    await ask("INSERT INTO mine VALUES (1), (2)", mine, database="mine")
    assert run(url, "SELECT count(*) FROM mine") == [(2,)]
    run(url, "DROP TABLE mine")
