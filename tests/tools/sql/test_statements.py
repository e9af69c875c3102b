"""What is judged a single reading, and what is not."""

from __future__ import annotations

import logging
import time

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from analyst.configuration import Database
from analyst.tools.sql.judging import judge_in_database, judge_in_session
from analyst.tools.sql.statements import MOST_CHARACTERS, read

LEVELS = {"safe", "contained", "risky", "irreversible"}
SQLITE = Database(url="sqlite:////a.db")


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("duckdb", "SELECT region, sum(price) FROM sales GROUP BY ALL"),
        ("duckdb", "FROM sales"),
        ("duckdb", "(SELECT 1) UNION ALL SELECT 2;"),
        ("duckdb", "-- a remark; DROP TABLE x\nSELECT 1 /* and ; another */"),
        ("duckdb", "SUMMARIZE sales"),
        ("duckdb", "DESCRIBE SELECT * FROM 'data/*.parquet'"),
        ("duckdb", "PIVOT sales ON region USING sum(price)"),
        ("duckdb", "SELECT * FROM read_csv('a.csv') WHERE url LIKE 'https://%'"),
        ("duckdb", "SELECT *, row_number() OVER (PARTITION BY region) FROM sales QUALIFY true"),
        ("duckdb", "EXPLAIN ANALYZE SELECT 1"),
        ("duckdb", "SHOW TABLES"),
        ("postgres", "WITH a AS (SELECT 1 AS x) SELECT count(*) FILTER (WHERE x > 0) FROM a"),
        ("postgres", "SELECT date_trunc('month', day), to_char(day, 'YYYY') FROM t"),
        ("postgres", "EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT 1"),
        ("postgres", "SELECT 'DELETE FROM t; COMMIT', $$;$$, E'a\\';b' FROM t"),
        ("postgres", "SHOW server_version"),
        ("postgres", "TABLE t"),
        ("mysql", "SHOW CREATE TABLE `t`"),
        ("mysql", "DESC t"),
        ("mysql", "SELECT `a` FROM t LIMIT 5"),
        ("sqlite", "PRAGMA table_info('t')"),
        ("sqlite", "EXPLAIN QUERY PLAN SELECT * FROM t"),
        ("sqlite", "VALUES (1), (2)"),
    ],
)
def test_one_reading_is_a_reading(dialect: str, query: str) -> None:
    assert read(query, dialect, functions="own" if dialect == "duckdb" else "known").words == ""


WRITES = """
INSERT INTO t VALUES (1)
INSERT INTO t SELECT * FROM u
UPDATE t SET a = 1
DELETE FROM t
MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE
REPLACE INTO t VALUES (1)
TRUNCATE TABLE t
CREATE TABLE t (a INT)
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t (a INT)
CREATE OR REPLACE VIEW v AS SELECT 1
CREATE INDEX i ON t (a)
CREATE FUNCTION f() RETURNS INT AS 'SELECT 1' LANGUAGE sql
DROP TABLE t
ALTER TABLE t ADD COLUMN b INT
COPY t TO 'out.csv'
COPY (SELECT 1) TO PROGRAM 'sh'
COPY t FROM '/etc/passwd'
EXPORT DATABASE 'there'
IMPORT DATABASE 'there'
ATTACH 'other.db' AS other
DETACH other
INSTALL httpfs
LOAD httpfs
FORCE INSTALL spatial FROM community
SET threads = 1
RESET threads
PRAGMA journal_mode = WAL
PRAGMA writable_schema = ON
USE other
CALL pragma_version()
CHECKPOINT
VACUUM
VACUUM INTO 'copy.db'
ANALYZE t
REINDEX t
BEGIN
COMMIT
ROLLBACK
GRANT ALL ON t TO PUBLIC
REVOKE ALL ON t FROM PUBLIC
LOCK TABLE t
LISTEN c
NOTIFY c
DO $$ BEGIN DELETE FROM t; END $$
EXECUTE p
PREPARE p AS DELETE FROM t
DECLARE c CURSOR FOR SELECT 1
KILL 5
HANDLER t OPEN
COMMENT ON TABLE t IS 'x'
SELECT * INTO u FROM t
SELECT * FROM t FOR UPDATE
SELECT 1; DELETE FROM t
SELECT 1; SELECT 2
WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a
WITH a AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a
EXPLAIN ANALYZE DELETE FROM t
EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)
EXPLAIN EXPLAIN DELETE FROM t
SHOW TABLES; DROP TABLE t
SELECT nextval('s')
SELECT pg_sleep(10)
SELECT pg_catalog.pg_sleep(10)
SELECT "pg_sleep"(10)
SELECT * FROM pg_read_file('/etc/passwd')
SELECT lo_import('/etc/passwd')
SELECT dblink_exec('DELETE FROM t')
SELECT set_config('transaction_read_only', 'off', false)
SELECT pg_terminate_backend(1)
SELECT query_to_xml('DELETE FROM t', true, true, '')
SELECT load_extension('x')
SELECT readfile('/etc/passwd')
SELECT writefile('/tmp/x', 'y')
SELECT load_file('/etc/passwd')
SELECT sleep(10)
SELECT get_lock('a', 10)
SELECT * FROM query('DROP TABLE t')
SELECT * FROM postgres_query('db', 'DELETE FROM t')
SELECT * FROM 'https://example.org/a.csv'
SELECT * FROM read_parquet('s3://bucket/a.parquet')
SELECT 1 /*! INTO OUTFILE '/tmp/x' */
SELECT * FROM t INTO OUTFILE '/tmp/x'
nonsense
DELETE
;
--
SELEC 1
""".strip().splitlines()


@pytest.mark.parametrize("query", WRITES)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "sqlite", "mysql"])
def test_all_else_is_not(dialect: str, query: str) -> None:
    assert read(query, dialect, functions="own").words
    assert read(query, dialect).words


def test_functions_of_which_nothing_is_known_are_not_taken_for_harmless() -> None:
    assert (
        "'my_function', of which nothing is known"
        in read("SELECT my_function(1)", "postgres").words
    )
    assert read("SELECT my_function(1)", "duckdb", functions="own").reads


@pytest.mark.parametrize(
    "query",
    [
        None,
        5,
        [],
        "",
        "\0",
        "SELECT '\0'",
        "(" * 5000,
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT 1 " + "/**/" * 20_000 + "(",
        "/**/" * 20_000 + "-",
        "EXPLAIN " * 5000 + "SELECT 1",
        "x" * (MOST_CHARACTERS + 1),
    ],
)
def test_hostile_text_is_judged_soon_and_is_no_reading(query: object) -> None:
    begun = time.perf_counter()
    assert not read(query, "postgres").reads
    assert time.perf_counter() - begun < 5


WORDS = st.sampled_from(
    """SELECT FROM WHERE t * ( ) , ; ' " ` $$ -- /* */ /*! WITH AS DELETE UPDATE SET INTO EXPLAIN
    SHOW PRAGMA COPY 1 'a' [ ] :: lambda x: -> @ # \\ INSERT VALUES UNION FOR CALL""".split()  # noqa: SIM905 - a list of words
)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=25).map(" ".join)))
def test_judging_never_raises(query: str) -> None:
    database = SQLITE.model_copy(update={"writes": "ask"})
    for risk in (
        judge_in_session(query, hosts=("example.org",), isolated=True),
        judge_in_session(query, hosts=(), isolated=False),
        judge_in_database(query, "mine", SQLITE),
        judge_in_database(query, "mine", database),
        judge_in_database(query, "mine", Database(url=query or "x")),
    ):
        assert risk.level in LEVELS
        assert risk.words


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_what_holds_a_writing_word_in_its_place_is_never_safe(words: str) -> None:
    query = f"WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a {words}"
    assert not read(query, "postgres", functions="own").reads


def test_risk_goes_by_the_database() -> None:
    ask = SQLITE.model_copy(update={"writes": "ask"})
    other = Database(url="oracle://u@host/x")
    other_ask = other.model_copy(update={"writes": "ask"})
    assert judge_in_session("FROM df", hosts=(), isolated=True).level == "safe"
    assert judge_in_session("COPY df TO 'a'", hosts=(), isolated=True).level == "contained"
    assert judge_in_session("COPY df TO 'a'", hosts=(), isolated=False).level == "risky"
    assert judge_in_database("SELECT 1", "x", SQLITE).level == "safe"
    assert judge_in_database("DELETE FROM t", "x", SQLITE).level == "risky"
    assert judge_in_database("SELECT 1", "x", ask).level == "safe"
    assert judge_in_database("DELETE FROM t", "x", ask).level == "irreversible"
    assert judge_in_database("SELECT mine(1)", "x", ask).level == "irreversible"
    assert judge_in_database("SELECT 1", "x", other).level == "risky"
    assert judge_in_database("SELECT 1", "x", other_ask).level == "irreversible"


def test_nothing_is_logged_of_statements_that_are_no_reading(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        for query in WRITES:
            read(query, "postgres")
    assert [record for record in caplog.records if record.name == sqlglot.__name__] == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/home/me/.ssh/id_rsa')",
        "SELECT * FROM read_csv(concat('https', ':', '//evil/?x'))",
        "SELECT * FROM read_text(getvariable('name'))",
        "SELECT * FROM read_csv(['a.csv', '../b.csv'])",
        "SELECT * FROM glob('/home/*')",
        "SELECT * FROM read_parquet()",
        "SELECT * FROM '~/a.csv'",
        'SELECT * FROM "/etc/a.csv"',
        "SELECT * FROM 'https://h.example/a.csv'",
        "SELECT (SELECT content FROM read_text('/etc/' || 'passwd')) FROM df",
        "SELECT my_function(a) FROM df",
        "FROM duckdb_secrets()",
        "COPY df TO 'a.csv'",
    ],
)
def test_where_nothing_holds_a_query_what_it_reads_must_be_known(query: str) -> None:
    assert judge_in_session(query, hosts=(), isolated=False).level == "risky"
    assert judge_in_session(query, hosts=("its gateway",), isolated=True, private=False).level == (
        "risky"
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT region, sum(price) AS total FROM sales GROUP BY ALL ORDER BY total DESC",
        "SELECT *, row_number() OVER (PARTITION BY a ORDER BY b) FROM df QUALIFY true",
        "WITH a AS (SELECT date_trunc('year', d) AS m FROM t) SELECT m, count(*) FROM a GROUP BY m",
        "SELECT * FROM 'data/*.parquet'",
        "SELECT * FROM read_csv('a.csv', delim = ';', header = true) LIMIT 5",
        "SELECT * FROM read_csv_auto(['a.csv', 'b.csv'])",
        "SELECT * FROM read_json_auto('a.json')",
        "SELECT regexp_extract(url, 'https?://([^/]+)', 1) FROM df WHERE url LIKE 'https://%'",
        "SUMMARIZE sales",
    ],
)
def test_everyday_queries_never_ask(query: str) -> None:
    assert judge_in_session(query, hosts=(), isolated=True).level == "safe"
    assert judge_in_session(query, hosts=("h.example",), isolated=True).level == "safe"
    assert judge_in_session(query, hosts=(), isolated=False).level == "contained"
    assert judge_in_session(query, hosts=("its gateway",), isolated=True, private=False).level == (
        "safe"
    )


def test_a_sandbox_with_hosts_still_holds_the_files_of_its_machine() -> None:
    query = "SELECT * FROM read_text('/etc/passwd')"
    assert judge_in_session(query, hosts=("h.example",), isolated=True).level == "safe"
    computed = "SELECT * FROM read_text('s3' || '://b/x')"
    assert judge_in_session(computed, hosts=("h.example",), isolated=True).level == "risky"
