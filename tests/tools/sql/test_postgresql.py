"""A PostgreSQL server of the tests' own, asked by its superuser, and still not written to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from analyst.configuration import Database

WRITES = """
INSERT INTO things VALUES (99, 'x', 1)
UPDATE things SET price = 0
DELETE FROM things
WITH a AS (DELETE FROM things RETURNING *) SELECT * FROM a
WITH a AS (INSERT INTO things VALUES (99, 'x', 1) RETURNING *) SELECT * FROM a
MERGE INTO things USING (SELECT 1 AS n) AS s ON number = s.n WHEN MATCHED THEN DELETE
TRUNCATE things
SELECT * INTO t FROM things
CREATE TABLE t (a INT)
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t (a INT)
CREATE VIEW v AS SELECT 1
CREATE INDEX i ON things (price)
CREATE FUNCTION f() RETURNS INT AS 'SELECT 1' LANGUAGE sql
CREATE SEQUENCE s
CREATE ROLE someone
CREATE EXTENSION dblink
CREATE DATABASE d
DROP TABLE things
ALTER TABLE things ADD COLUMN x INT
ALTER SYSTEM SET work_mem = '1MB'
GRANT ALL ON things TO PUBLIC
COMMENT ON TABLE things IS 'x'
COPY things TO '{file}'
COPY things TO PROGRAM 'touch {file}'
COPY (SELECT 1) TO PROGRAM 'touch {file}'
COPY things FROM PROGRAM 'touch {file}'
EXPLAIN ANALYZE DELETE FROM things
EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1
DO $$ BEGIN DELETE FROM things; END $$
CALL remove_all()
SELECT remove_one(1)
SELECT nextval('counter')
SELECT setval('counter', 7)
SELECT set_config('transaction_read_only', 'off', false)
SELECT * FROM things FOR UPDATE
LOCK TABLE things
VACUUM
ANALYZE things
REINDEX TABLE things
CLUSTER things
REFRESH MATERIALIZED VIEW m
BEGIN
COMMIT
ROLLBACK
SET TRANSACTION READ WRITE
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
RESET ALL
PREPARE p AS DELETE FROM things
NOTIFY c
SELECT 1; COMMIT; DELETE FROM things
SELECT 1; SET TRANSACTION READ WRITE; DELETE FROM things
SHOW all; COMMIT; DELETE FROM things
EXPLAIN SELECT 1; COMMIT; DELETE FROM things
/* /* */ SHOW */ COPY things TO PROGRAM 'touch {file}'
""".strip().splitlines()

SETUP = """
CREATE TABLE things (number INT PRIMARY KEY, name TEXT, price NUMERIC(10, 2));
INSERT INTO things SELECT n, 'thing ' || n, n / 2.0 FROM generate_series(0, 29) AS n;
CREATE VIEW cheap AS SELECT * FROM things WHERE price < 5;
CREATE SEQUENCE counter;
CREATE FUNCTION remove_one(n INT) RETURNS INT AS
  'DELETE FROM things WHERE number = n RETURNING 1' LANGUAGE sql;
CREATE PROCEDURE remove_all() AS $$ BEGIN COMMIT; SET TRANSACTION READ WRITE;
  DELETE FROM things; END $$ LANGUAGE plpgsql;
ANALYZE things;
"""


@pytest.fixture(scope="module")
def url(start_postgresql) -> Iterator[str]:
    with start_postgresql() as address:
        run(address, SETUP)
        yield address


def run(url: str, text: str):
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(text)
        return result.fetchall() if result.returns_rows else []


CONTENT = "SELECT count(*), sum(number), sum(price) FROM things"
STATE = """
SELECT count(*), string_agg(relname, ',' ORDER BY relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace
"""


@pytest.mark.parametrize("query", WRITES)
def test_the_server_refuses_to_write(url, opened, tmp_path, query) -> None:
    before = run(url, CONTENT), run(url, STATE), run(url, "SELECT last_value FROM counter")
    tmp_path.chmod(0o777)
    one = opened(Database(url=url))
    with pytest.raises(Exception, match=r".") as caught:
        one.query(query.format(file=tmp_path / "made"), 100)
    assert not isinstance(caught.value, AssertionError)
    one.close()
    after = run(url, CONTENT), run(url, STATE), run(url, "SELECT last_value FROM counter")
    assert after == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("query", [one for one in WRITES[:24] if "FROM a" not in one])
def test_the_transaction_refuses_without_a_cursor(url, opened, query) -> None:
    one = opened(Database(url=url))
    with pytest.raises(SQLAlchemyError):
        one.run(query)


def test_of_what_a_function_does_all_the_same_nothing_stays(url, opened) -> None:
    one = opened(Database(url=url))
    one.query("SELECT lo_from_bytea(4242, 'x')", 10)
    one.close()
    assert run(url, "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4242") == [(0,)]


async def test_it_is_read_and_the_result_is_kept(url, ask, kernel) -> None:
    mine = {"mine": Database(url=url)}
    asked = await ask("SELECT * FROM cheap ORDER BY 1;", mine, database="mine", save_as="cheap")
    assert asked.text.startswith("10 rows. Columns: number int64, name str, price float64")
    assert await kernel.session.evaluate_json("float(cheap.price.sum())") == 22.5
    for query in ("SHOW server_version", "EXPLAIN SELECT * FROM things", "TABLE things"):
        assert (await ask(query, mine, database="mine")).result.status == "ok"
    asked = await ask(
        "SELECT name FROM things WHERE name LIKE '%7%' AND ';' <> '%s'", mine, database="mine"
    )
    assert asked.text.splitlines()[1:] == ["thing 7", "thing 17", "thing 27"]


async def test_kinds_of_values(url, ask, kernel) -> None:
    query = """SELECT true AS t, 1::bigint AS i, NULL::int AS n, 1.25::numeric AS d, 'x'::text AS s,
    DATE '2024-01-02' AS day, TIMESTAMPTZ '2024-01-02 03:04:05+00' AS at, INTERVAL '1 day' AS iv,
    '{"a": [1]}'::jsonb AS j, ARRAY[1, 2] AS l, gen_random_uuid() AS u, 'x'::bytea AS b,
    TIME '01:02' AS c, 12345678901234567890.123456789::numeric AS long, '1.2.3.4'::inet AS net,
    'infinity'::timestamp AS never"""
    asked = await ask(query, {"mine": Database(url=url)}, database="mine", save_as="kinds")
    assert asked.result.status == "ok", asked.text
    assert "'long' has decimals with more digits than a float64 keeps." in asked.text
    kinds = await kernel.session.evaluate_json("{k: str(v) for k, v in kinds.dtypes.items()}")
    assert kinds["day"].startswith("datetime64")
    assert kinds["at"].endswith("UTC]")
    assert kinds["d"] == "float64"


async def test_more_rows_than_the_cap_are_not_read(url, ask) -> None:
    mine = {"mine": Database(url=url, row_cap=1200)}
    query = "SELECT generate_series(1, 100000000) AS n"
    asked = await ask(query, mine, database="mine", save_as="many")
    assert asked.text.startswith("more than 1200 rows; the first 1200 were read")
    assert asked.result.doubts


RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%%analyst_rows%%' AND state = 'active' AND pid <> pg_backend_pid()
"""


async def wait_until_none_runs(url: str) -> None:
    for _ in range(50):
        if (await asyncio.to_thread(run, url, RUNNING))[0][0] == 0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server still runs the query")


async def test_a_long_query_is_cancelled_in_the_server(url, ask) -> None:
    mine = {"mine": Database(url=url, seconds=0.5)}
    begun = time.monotonic()
    asked = await ask("SELECT pg_sleep(60)", mine, database="mine")
    assert asked.result.status == "timeout"
    assert time.monotonic() - begun < 4
    await wait_until_none_runs(url)


async def test_a_query_that_is_no_longer_wanted_is_cancelled_in_the_server(url, ask) -> None:
    task = asyncio.create_task(
        ask("SELECT pg_sleep(60)", {"mine": Database(url=url)}, database="mine")
    )
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_none_runs(url)


async def test_mistakes_are_the_servers_words(url, ask) -> None:
    mine = {"mine": Database(url=url)}
    asked = await ask("SELECT * FROM nothing", mine, database="mine")
    assert asked.text == 'The database mine says: relation "nothing" does not exist'
    asked = await ask("DELETE FROM things", mine, database="mine")
    assert "mine is open for reading only. It deletes rows." in asked.text


async def test_tables_are_listed(url, tools, call) -> None:
    _, schema = tools({"mine": Database(url=url)})
    asked = await call(schema, database="mine")
    assert asked.text.splitlines() == [
        "cheap (view): number integer, name text, price numeric(10,2)",
        "things (about 30 rows): number integer, name text, price numeric(10,2)",
    ]


async def test_a_user_may_allow_writing(url, ask, tools) -> None:
    run(url, "CREATE TABLE mine (a INT)")
    allowed = {"mine": Database(url=url, writes="ask")}
    query = "INSERT INTO mine VALUES (1), (2)"
    assert tools(allowed)[0].judge({"query": query, "database": "mine"}).level == "irreversible"
    asked = await ask(query, allowed, database="mine")
    assert asked.text.splitlines()[-1] == "2"
    assert run(url, "SELECT count(*) FROM mine") == [(2,)]
    run(url, "DROP TABLE mine")


async def test_a_server_that_is_not_there_is_a_sentence_without_a_password(ask) -> None:
    mine = {"mine": Database(url="postgresql+pg8000://someone:s3cr3t@127.0.0.1:9/x?sslmode=s3")}
    asked = await ask("SELECT 1", mine, database="mine")
    assert asked.result.status == "error"
    assert "s3cr3t" not in asked.text
    mine = {"mine": Database(url="postgresql+pg8000://someone:s3cr3t@127.0.0.1:9/x")}
    asked = await ask("SELECT 1", mine, database="mine")
    assert asked.text.startswith("The database mine says: ")
    assert "s3cr3t" not in asked.text
