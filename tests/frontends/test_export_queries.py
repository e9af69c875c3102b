"""Queries in the notebook of a run: they run there, without the analyst and without an address."""

from __future__ import annotations

import ast
import json
import sqlite3
from contextlib import closing
from typing import Any

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbclient import NotebookClient

from analyst.frontends import cli
from analyst.frontends.export_queries import code_of_query
from analyst.llm.completion import NativeToolCall
from analyst.llm.scripted import ScriptedModel
from analyst.session import Session
from analyst.settings import Settings


def calling(name: str, **arguments: Any) -> NativeToolCall:
    return NativeToolCall(call_id="", name=name, arguments=json.dumps(arguments))


async def test_a_notebook_makes_the_frames_that_queries_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "analyst-tools.toml").write_text(
        f'[databases.shop-2]\nurl = "sqlite:///{tmp_path}/shop.db"\n'
    )
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE sold (region TEXT, at TEXT)")
        connection.executemany("INSERT INTO sold VALUES (?, ?)", [("n", "9:30"), ("s", "9:45")])
        connection.commit()
    (tmp_path / "plan.csv").write_text("region,qty\nn,5\nn,2\ns,4\n")
    model = ScriptedModel(
        [
            calling(
                "sql",
                query="SELECT region, at\nFROM sold\nWHERE at <> '9:45'",
                database="shop-2",
                save_as="sold",
            ),
            calling(
                "sql", query="SELECT region, sum(qty) AS qty FROM df GROUP BY 1", save_as="sums"
            ),
            calling("sql", query="SELECT nothing FROM df"),
            calling("python", code="print(sold.merge(sums)['qty'].tolist())"),
            "North sold 7.",
        ],
        context_window=50_000,
    )
    settings = Settings(memory=False)
    async with Session(cwd=tmp_path, model=model, protocol="native", settings=settings) as session:
        async for _ in session.ask("How many were sold?", files=[tmp_path / "plan.csv"]):
            pass
    place = tmp_path / "made.ipynb"
    assert cli.main(["runs", "notebook", "last", "-o", "made"]) == 0
    written = place.read_text()
    assert "shop.db" not in written
    assert "SELECT nothing" not in written
    monkeypatch.setenv("SHOP_2_URL", f"sqlite:///{tmp_path}/shop.db")
    notebook = nbformat.read(place, 4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources=resources).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    assert outputs[-1]["text"] == "[7.0]\n"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT ':a', b::int FROM t", r"SELECT '\:a', b::int FROM t"),
        ("SELECT t[1:n] FROM t", "SELECT t[1:n] FROM t"),
    ],
)
def test_colons_are_no_parameters(query, expected):
    import sqlalchemy as sa

    code = code_of_query({"query": query, "database": "shop"})
    (literal,) = [
        node.args[0].value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sa.text"
    ]
    assert literal == expected
    assert str(sa.text(literal)) == query
    assert not sa.text(literal)._bindparams


@example("SELECT 1\r\n", "session")
@example("SELECT\r\n1", "session")
@example("SELECT\n\x00", "shop")
@given(st.text(min_size=1), st.sampled_from(["session", "shop", 'a"\nimport os']))
def test_any_query_is_python_that_asks_just_that(query: str, database: str) -> None:
    code = code_of_query({"query": query, "database": database, "save_as": "found"})
    if not query.strip():
        assert code == ""
        return
    tree = ast.parse(code)
    assert isinstance(tree.body[-2], ast.Assign)
    if database == "session":
        assert isinstance(tree.body[-2].value, ast.Call)
        (text,) = [n.value for n in ast.walk(tree.body[-2]) if isinstance(n, ast.Constant)]
        assert text.strip() == query.strip()
