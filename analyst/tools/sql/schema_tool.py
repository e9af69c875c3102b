"""The sql_schema tool: which databases, tables and columns there are."""

from __future__ import annotations

import fnmatch
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.observation import clean
from analyst.tools.registry import Prepared, ToolDefaults, ToolItem, ToolResult
from analyst.tools.risk import Risk
from analyst.tools.sql.databases import SESSION, DatabaseError, address_of
from analyst.tools.sql.opened import Opened, Table
from analyst.tools.sql.opening import run_apart
from analyst.tools.sql.session_database import QueryFailedError, tables_of_session
from analyst.tools.sql.tool import SqlTool

MOST_CHARACTERS = 6000
_COLUMNS_TOLD = 25
_NAME_TOLD = 80


class SqlSchemaTool(ToolDefaults):
    """Lists what the sql tool can ask; see :class:`analyst.tools.registry.Tool`."""

    name = "sql_schema"
    pure = True
    description = (
        "List the tables of a database that sql can ask, with their columns and types, and how "
        "many rows they have."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "database": {
                "type": ["string", "null"],
                "description": f"A database that sql can ask. {SESSION} if not given.",
            },
            "table": {
                "type": ["string", "null"],
                "description": "Only tables of this name, in which * stands for anything.",
            },
        },
        "required": [],
        "additionalProperties": False,
    }

    def __init__(self, kernel: AnalysisKernel, sql: SqlTool) -> None:
        self._kernel = kernel
        self._sql = sql

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge a look-up, which changes nothing."""
        del arguments
        return Risk("safe", "It reads the names of tables and columns.")

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Name the database, so that rules speak of the one that is asked."""
        return Prepared(arguments={**arguments, "database": arguments.get("database") or SESSION})

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """List tables; see :class:`analyst.tools.registry.Tool`."""
        name = str(arguments.get("database") or SESSION)
        pattern = str(arguments.get("table") or "*")
        try:
            lines = await (self._of_session() if name == SESSION else self._of_database(name))
        except (QueryFailedError, DatabaseError) as error:
            words = error.words if isinstance(error, QueryFailedError) else str(error)
            yield ToolResult(status="error", observation=words, trouble=words, computed=False)
            return
        yield ToolResult(status="ok", observation=told(name, lines, pattern), computed=False)

    async def _of_database(self, name: str) -> list[Table]:
        address = address_of(name, self._sql.database(name))

        def work(opened: Opened) -> list[Table]:
            return opened.tables()

        return await run_apart(address, work, writes=address.writes and not address.is_known)

    async def _of_session(self) -> list[Table]:
        found = await tables_of_session(self._kernel)
        tables = [
            Table(str(name), tuple((str(c), str(k)) for c, k in columns), rows)
            for name, rows, columns in (*found.get("frames", ()), *found.get("tables", ()))
        ]
        files = [Table(f"'{name}'", (), None) for name, _ in found.get("files", ())]
        return tables + files


def told(database: str, tables: Sequence[Table], pattern: str = "*") -> str:
    """Return tables as lines, as many as there is room for, and say how many were left out."""
    wanted = [
        one for one in tables if fnmatch.fnmatchcase(one.name.lower().strip("'"), pattern.lower())
    ]
    if not wanted:
        names = ", ".join(_short(one.name) for one in tables[:40])
        what = f"named {_short(pattern)!r}; there are: {names}" if tables else "yet"
        return f"{database} has no tables {what}."
    few = len(wanted) <= 3
    lines: list[str] = []
    room = MOST_CHARACTERS
    for one in wanted:
        line = _line(one, len(one.columns) if few else _COLUMNS_TOLD)[:MOST_CHARACTERS]
        room -= len(line) + 1
        if room < 0:
            lines.append(
                f"[… {len(wanted) - len(lines)} more tables not shown: "
                + ", ".join(_short(left.name) for left in wanted[len(lines) :][:60])
                + " …]"
            )
            break
        lines.append(line)
    return "\n".join(lines)


def _line(table: Table, most: int) -> str:
    line = _short(table.name) + (" (view)" if table.is_view else "")
    if table.rows is not None:
        line += f" ({'about ' * table.estimated}{table.rows} rows)"
    if table.columns:
        line += ": " + ", ".join(
            f"{_short(n)} {_short(k)}".strip() for n, k in table.columns[:most]
        )
    if len(table.columns) > most:
        line += f", … {len(table.columns) - most} more columns"
    return line


def _short(text: str) -> str:
    return " ".join(clean(text)[:_NAME_TOLD].split())
