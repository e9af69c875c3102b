"""The tools as the agent calls them: names, errors in words, secrets, and what is listed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import jsonschema
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyst.configuration import Database
from analyst.tools.registry import ToolRegistry
from analyst.tools.sql.databases import DatabaseError, address_of
from analyst.tools.sql.frames import fetch_rows
from analyst.tools.sql.presenting import Result


def test_the_model_is_told_which_databases_there_are(tools) -> None:
    sql, schema = tools(
        {
            "sales": Database(url="postgresql://u:s3cr3t@h/x", description="orders since 2020"),
            "other": Database(url="sqlite:////a.db"),
        }
    )
    assert "sales (PostgreSQL): orders since 2020; other (SQLite)." in sql.description
    assert "session, sales, other" in sql.parameters["properties"]["database"]["description"]
    assert "s3cr3t" not in str((sql.description, sql.parameters, vars(sql).get("name")))
    for tool in (sql, schema):
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
    registry = ToolRegistry([sql, schema])
    registry.validate("sql", {"query": "SELECT 1"})
    registry.validate("sql", {"query": "SELECT 1", "database": None, "save_as": None})
    assert (sql.pure, sql.editable, schema.pure, schema.editable) == (False, "query", True, None)


async def test_an_unknown_database_is_told_with_those_there_are(ask, tools, call) -> None:
    mine = {"sales": Database(url="sqlite:////a.db")}
    for asked in (
        await ask("SELECT 1", mine, database="sale"),
        await call(tools(mine)[1], database="sale"),
    ):
        assert asked.result.status == "error"
        assert "there are: session, sales. Did you mean sales?" in asked.text
    assert tools(mine)[0].judge({"query": "SELECT 1", "database": "sale"}).level == "risky"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql+nodriver://u:s3cr3t@h/x", "install pg8000"),
        ("postgresql+psycopg2://u:s3cr3t@h/x", "install pg8000"),
        ("oracle+oracledb://u:s3cr3t@h/x", 'writes = "ask"'),
        ("nonsense s3cr3t", "none that SQLAlchemy knows"),
        ("sqlite:////nowhere/s3.db", "is not there"),
        ("sqlite://", "names no file"),
        ("duckdb:////nowhere/a.duckdb", "is not there"),
        ("postgresql://u:${NO_SUCH_VARIABLE}@h/x", "NO_SUCH_VARIABLE is not set"),
    ],
)
async def test_addresses_that_cannot_be_used_are_sentences(ask, url, words) -> None:
    asked = await ask("SELECT 1", {"mine": Database(url=url)}, database="mine")
    assert asked.result.status == "error"
    assert words in asked.text
    assert "s3cr3t" not in asked.text
    assert "Traceback" not in asked.text


def test_variables_are_put_in_part_by_part(monkeypatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "p@ss/w:rd?#%40")
    monkeypatch.setenv("A_URL", "postgresql+pg8000://u:pw@h:5432/x")
    address = address_of("x", Database(url="postgresql+pg8000://u:${A_PASSWORD}@h/x"))
    assert str(address.url.password) == "p@ss/w:rd?#%40"
    assert address.url.host == "h"
    assert "p@ss" not in repr(address)
    assert address.said(ValueError("no p@ss/w:rd?#%40 here")) == "no *** here"
    assert address_of("x", Database(url="${A_URL}")).url.port == 5432


async def test_a_database_that_may_be_written_to_is_opened_for_reading_all_the_same(
    lite, database, ask, tools, monkeypatch
) -> None:
    mine = {"mine": database("sqlite", lite, writes="ask")}
    query = "DELETE FROM things WHERE number > 9"
    assert tools(mine)[0].judge({"query": query, "database": "mine"}).level == "irreversible"
    assert tools(mine)[0].judge({"query": "SELECT 1", "database": "mine"}).level == "safe"
    await ask(query, mine, database="mine")
    with closing(sqlite3.connect(lite)) as left:
        assert left.execute("SELECT count(*) FROM things").fetchone() == (10,)
    seen = []
    from analyst.tools.sql import opening

    original = opening.open_database

    def watch(address, *, writes=False):
        seen.append(writes)
        return original(address, writes=writes)

    monkeypatch.setattr(opening, "open_database", watch)
    await ask("SELECT count(*) FROM things", mine, database="mine")
    await ask("SELECT count(*) FROM things", {"mine": database("sqlite", lite)}, database="mine")
    assert seen == [False, False]


async def test_the_tables_of_the_session_are_listed(tools, call, kernel, tmp_path) -> None:
    await kernel.hand_off.hand_over("sales", pd.DataFrame({"region": ["n"], "price": [1.5]}))
    path = tmp_path / "numbers.csv"
    path.write_text("a\n1\n")
    await kernel.hand_off.send_file(path)
    asked = await call(tools()[1])
    assert "sales (1 rows): region str, price float64" in asked.text
    assert "'numbers.csv'" in asked.text
    asked = await call(tools()[1], table="no*")
    assert "session has no tables named 'no*'; there are: " in asked.text


async def test_the_tables_of_files_are_listed(tools, call, lite, duck, database) -> None:
    schema = tools({"lite": database("sqlite", lite), "duck": database("duckdb", duck)})[1]
    assert (await call(schema, database="lite")).text.splitlines() == [
        "cheap (view): number INTEGER, name TEXT, price REAL",
        "things (30 rows): number INTEGER, name TEXT, price REAL",
    ]
    assert (await call(schema, database="duck", table="TH*")).text == (
        "things (about 30 rows): number INTEGER, name VARCHAR, price DOUBLE"
    )


async def test_a_large_schema_is_cut(tools, call, tmp_path, database) -> None:
    path = tmp_path / "large.db"
    connection = sqlite3.connect(path)
    connection.execute("BEGIN")
    columns = ", ".join(f"column_{number}" for number in range(60))
    for number in range(200):
        connection.execute(f"CREATE TABLE table_{number} ({columns})")
    connection.execute('CREATE TABLE "odd "" name; --" ("a\nb", "<i>")')
    connection.commit()
    connection.close()
    schema = tools({"large": database("sqlite", path)})[1]
    asked = await call(schema, database="large")
    assert len(asked.text) < 9000
    assert "35 more columns" in asked.text
    assert "more tables not shown" in asked.text
    assert "column_59" in (await call(schema, database="large", table="table_7")).text
    asked = await call(schema, database="large", table="odd*")
    assert asked.text == 'odd " name; -- (0 rows): a b, <i>'


NAMES = st.lists(st.text(max_size=30), min_size=1, max_size=5)
CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.binary()
) | st.one_of(st.datetimes(), st.dates(), st.times(), st.timedeltas(), st.uuids())


@settings(suppress_health_check=list(HealthCheck))
@given(names=NAMES, data=st.data())
def test_any_rows_of_a_driver_become_a_frame_that_is_shown(names, data) -> None:
    row = st.tuples(*[CELLS for _ in names])
    rows = data.draw(st.lists(row, max_size=6))
    batches = [rows[:3], rows[3:], []]
    fetched = fetch_rows(names, lambda _: batches.pop(0), 4)
    assert len(fetched.frame) == min(len(rows), 4)
    assert fetched.more == (len(rows) > 4)
    assert len(set(fetched.frame.columns)) == len(names)
    result = Result.of_fetched(fetched)
    assert result.count == len(fetched.frame)
    # A last row of an empty text is an empty line, which splitlines would not count.
    assert len(f"{result.observation()}|".splitlines()) == 1 + len(result.rows)
    assert result.output().output["data"]["text/html"].count("<th>") == len(names)


def test_numbers_stay_the_numbers_they_were() -> None:
    rows = [(2**60 + 1, None, True, "a"), (None, None, False, 5)]
    fetched = fetch_rows(["i", "n", "b", "m"], lambda _: [rows.pop(0)] if rows else [], 9)
    assert fetched.frame["i"].tolist()[0] == 2**60 + 1
    assert fetched.columns == (("i", "Int64"), ("n", "object"), ("b", "bool"), ("m", "str"))
    assert fetched.changes == ("'m' holds values of several kinds; they are kept as text.",)


def test_no_secret_is_in_an_error_of_an_address() -> None:
    with pytest.raises(DatabaseError) as caught:
        address_of("x", Database(url="postgresql//u:s3cr3t@h"))
    assert "s3cr3t" not in str(caught.value)
