"""Runs that ask in SQL: the session's frames, and a database of the user's configuration.

The model is scripted; kernel, database and files are real.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.llm.completion import NativeToolCall
from analyst.memory.store import FindingStore
from analyst.record import events

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"region": ["north", "south", "north"], "price": [1.0, 2.0, 6.0]})


def call(tool: str, **arguments: Any) -> NativeToolCall:
    return NativeToolCall(f"call-{tool}", tool, json.dumps(arguments))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure a database named shop, for this user."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (region TEXT, amount REAL)")
        connection.executemany("INSERT INTO orders VALUES (?, ?)", [("north", 5.0), ("south", 7.0)])
    connection.close()
    folder = tmp_path / "jupyter"
    folder.mkdir()
    (folder / "analyst-tools.toml").write_text(f'[databases.shop]\nurl = "sqlite:///{path}"\n')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(folder))
    return path


async def test_a_frame_is_asked_in_sql(make_session: MakeSession) -> None:
    query = "SELECT region, sum(price) AS total FROM sales GROUP BY 1 ORDER BY 2 DESC"
    session = make_session(
        [call("sql", query=query, save_as="totals"), "North, with a total of 7."], protocol="native"
    )
    stream = await collect(session, "Which region sells most?", data={"sales": FRAME})
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.status == "ok"
    assert "north | 7" in finished.observation
    assert the_answer(stream).text == "North, with a total of 7."
    (shown,) = of_kind(stream, events.OutputEmitted)
    assert shown.output is not None
    assert "<td>north</td>" in shown.output["data"]["text/html"]


async def test_a_databases_rows_are_a_frame_and_what_rests_on_them_is_not_known_for_sure(
    make_session: MakeSession, shop: Path, tmp_path: Path
) -> None:
    replies = [
        call("sql_schema", database="shop"),
        call("sql", database="shop", query="SELECT * FROM orders", save_as="orders"),
        call("python", code="print(orders.amount.sum() / sales.price.sum())"),
        "The ratio is 1.3333.",
    ]
    session = make_session(replies, protocol="native")
    stream = await collect(session, "What is the ratio of orders to sales?", data={"sales": FRAME})
    told = [one.observation for one in of_kind(stream, events.ToolCallFinished)]
    assert told[0] == "orders (2 rows): region TEXT, amount REAL"
    assert "Kept as the frame orders." in told[1]
    assert told[2].startswith("1.3333")
    assert of_kind(stream, events.FindingSaved)
    store = FindingStore.in_directory(tmp_path / "data" / "findings")
    (finding,) = store.all()
    assert finding.unrepeatable
    store.close()


async def test_a_write_is_asked_about_and_refused_by_the_database_all_the_same(
    make_session: MakeSession, shop: Path
) -> None:
    session = make_session(
        [call("sql", database="shop", query="DELETE FROM orders"), "It could not be done."],
        protocol="native",
    )
    stream = []
    async for event in session.ask("Delete all orders.", attended=True):
        stream.append(event)
        if isinstance(event, events.ApprovalRequested):
            assert event.editable == "DELETE FROM orders"
            assert "deletes rows" in event.risk
            assert session.resolve_approval(event.call_id, "approved")
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.status == "error"
    assert "open for reading only" in finished.observation
    assert of_kind(stream, events.ApprovalRequested)
    with closing(sqlite3.connect(shop)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (2,)
    connection.close()


async def test_a_database_named_as_the_sessions_own_is_told_and_left_out(
    make_session: MakeSession, shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "jupyter" / "analyst-tools.toml"
    file.write_text(file.read_text().replace("shop]", "session]"))
    session = make_session([call("sql", query="SELECT 1 AS one"), "1"], protocol="native")
    stream = await collect(session, "What is one?")
    assert [one for one in of_kind(stream, events.Note) if "database session" in one.text]
    (finished,) = of_kind(stream, events.ToolCallFinished)
    assert finished.observation.startswith("1 row.")


@pytest.mark.parametrize("given", [{}, {"database": None}, {"database": ""}])
async def test_a_rule_meets_the_database_that_is_asked_if_none_is_named(
    make_session: MakeSession, shop: Path, given: dict[str, Any]
) -> None:
    rule = '[[permissions]]\ntool = "sql*"\nwhere = { database = "NAME" }\ndecision = "deny"\n'
    for name, status in (("session", "refused"), ("shop", "ok")):
        (shop.parent / "analyst.toml").write_text(rule.replace("NAME", name))
        replies = [call("sql", query="SELECT count(*) AS n FROM sales", **given), "Done."]
        session = make_session(replies, protocol="native", settings={"memory": False})
        stream = await collect(session, "How many?", data={"sales": FRAME})
        (finished,) = of_kind(stream, events.ToolCallFinished)
        assert finished.status == status
