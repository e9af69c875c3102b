"""One kernel that the tests of SQL share, databases of their own, and a short way to ask."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analyst.configuration import Database
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.registry import ToolOutput, ToolResult
from analyst.tools.sql import SqlTool, sql_tools
from analyst.tools.sql.databases import Address, address_of
from analyst.tools.sql.opening import open_database
from kernel_sandbox import KernelSession, Limits, Policy

ROWS = 30


@dataclass(frozen=True)
class Asked:
    """What a call gave: outputs that the user sees, and its result."""

    outputs: list[ToolOutput]
    result: ToolResult

    @property
    def text(self) -> str:
        return self.result.observation


@pytest.fixture(scope="session")
def session() -> Iterator[KernelSession]:
    policy = Policy(limits=Limits(grace_seconds=1.5, memory=1_500_000_000))
    session = asyncio.run(KernelSession.start(policy=policy))
    yield session
    asyncio.run(session.shutdown())


@pytest.fixture
def kernel(session) -> AnalysisKernel:
    return AnalysisKernel(session)


@pytest.fixture
def tools(kernel):
    """Return what makes both tools over some databases."""

    def make(databases: Mapping[str, Database] | None = None, *, seconds: float = 20.0):
        return sql_tools(kernel, databases or {}, deadline_seconds=seconds)

    return make


@pytest.fixture
def ask(tools):
    """Return what runs one call of sql, over some databases."""

    async def run(query: str, databases: Any = None, *, seconds: float = 20.0, **more: Any):
        return await run_call(tools(databases, seconds=seconds)[0], query=query, **more)

    return run


async def run_call(tool: SqlTool, **arguments: Any) -> Asked:
    items = [item async for item in tool.run(arguments)]
    assert isinstance(items[-1], ToolResult)
    return Asked([one for one in items if isinstance(one, ToolOutput)], items[-1])


@pytest.fixture
def call():
    return run_call


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    """Return an SQLite file with a table of thirty rows."""
    path = tmp_path / "here" / "a %20b?.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (number INTEGER PRIMARY KEY, name TEXT, price REAL)")
    rows = [(number, f"thing {number}", number / 2) for number in range(ROWS)]
    connection.executemany("INSERT INTO things VALUES (?, ?, ?)", rows)
    connection.execute("CREATE VIEW cheap AS SELECT * FROM things WHERE price < 5")
    connection.execute("CREATE INDEX by_name ON things (name)")
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def duck(tmp_path: Path) -> Path:
    """Return a DuckDB file with a table of thirty rows."""
    path = tmp_path / "there" / "a.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE things AS SELECT range::INTEGER AS number, 'thing ' || range AS name, "
            f"range / 2 AS price FROM range({ROWS})"
        )
        connection.execute("CREATE VIEW cheap AS SELECT * FROM things WHERE price < 5")
        connection.execute("CREATE SEQUENCE counter")
    return path


@pytest.fixture
def file(request):
    """Return the file of a kind of database."""
    return lambda kind: request.getfixturevalue({"sqlite": "lite", "duckdb": "duck"}[kind])


def database_of(kind: str, path: Path, **more: Any) -> Database:
    from sqlalchemy.engine import URL

    url = URL.create(kind, database=str(path)).render_as_string(hide_password=False)
    return Database(url=url, **more)


@pytest.fixture
def database() -> Callable[..., Database]:
    return database_of


@pytest.fixture
def opened():
    """Return what opens a database for reading, closed after the test."""
    all_opened = []

    def make(database: Database, **how: Any):
        address: Address = address_of("mine", database)
        all_opened.append(open_database(address, **how))
        return all_opened[-1]

    yield make
    for one in all_opened:
        one.close()
