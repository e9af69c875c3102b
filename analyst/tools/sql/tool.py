"""The sql tool: a query of the session's frames and files, or of a configured database.

Here: where a query goes, and what is told of its result. Not here: the databases themselves, and
what a query may do (:mod:`.judging`).
"""

from __future__ import annotations

import difflib
import keyword
from collections.abc import AsyncIterator, Mapping
from typing import Any

from analyst.configuration import Database
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.reach import reach_of
from analyst.tools.registry import Prepared, ToolDefaults, ToolItem, ToolResult
from analyst.tools.risk import Risk, unknown
from analyst.tools.sql.databases import (
    DIALECTS,
    PRODUCTS,
    SESSION,
    DatabaseError,
    QueryTimeoutError,
    address_of,
    kind_of,
)
from analyst.tools.sql.frames import Fetched
from analyst.tools.sql.judging import judge_in_database, judge_in_session
from analyst.tools.sql.opened import Opened
from analyst.tools.sql.opening import run_apart
from analyst.tools.sql.presenting import Result
from analyst.tools.sql.session_database import QueryFailedError, query_session
from analyst.tools.sql.statements import read
from kernel_sandbox import KernelSandboxError

_LONGEST_NAME = 64


class SqlTool(ToolDefaults):
    """Runs one query; see :class:`analyst.tools.registry.Tool`."""

    name = "sql"
    editable = "query"

    def __init__(
        self, kernel: AnalysisKernel, databases: Mapping[str, Database], *, deadline_seconds: float
    ) -> None:
        self._kernel = kernel
        self._databases = {name: one for name, one in databases.items() if name != SESSION}
        self._deadline = deadline_seconds
        self.description = (
            "Run one SQL query and see the first rows of its result. Databases: "
            + "; ".join([_SESSION_TOLD, *map(self._told, self._databases)])
            + "."
        )
        names = ", ".join((SESSION, *self._databases))
        self.parameters: Mapping[str, Any] = {
            "type": "object",
            "properties": {
                "query": {"type": "string", "minLength": 1, "description": "One SQL statement."},
                "database": {
                    "type": ["string", "null"],
                    "description": f"One of: {names}. {SESSION} if not given.",
                },
                "save_as": {
                    "type": ["string", "null"],
                    "description": (
                        "Keep the result as a pandas DataFrame of this name, for python and for "
                        "queries of the session."
                    ),
                },
            },
            "required": ["query"],
            "additionalProperties": False,
        }

    def judge(self, arguments: Mapping[str, Any]) -> Risk:
        """Judge a query by its text and its database."""
        name = arguments.get("database") or SESSION
        query = arguments.get("query")
        if name == SESSION:
            session = self._kernel.session
            reach = reach_of(session.policy, elsewhere=session.gateway is not None)
            return judge_in_session(
                query, hosts=reach.hosts, isolated=reach.isolated, private=reach.private
            )
        if not isinstance(name, str) or name not in self._databases:
            return unknown(self.name)
        return judge_in_database(query, name, self._databases[name])

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """Name the database, so that rules speak of the one that is asked."""
        return Prepared(arguments={**arguments, "database": arguments.get("database") or SESSION})

    async def run(self, arguments: Mapping[str, Any]) -> AsyncIterator[ToolItem]:
        """Run one query; see :class:`analyst.tools.registry.Tool`."""
        name = str(arguments.get("database") or SESSION)
        query = str(arguments["query"])
        save_as = arguments.get("save_as") or None
        generation = self._kernel.session.generation
        try:
            check_name(save_as)
            if name == SESSION:
                result = await query_session(self._kernel, query, save_as, seconds=self._deadline)
                remarks: tuple[str, ...] = ()
            else:
                result, remarks = await self._ask(name, query, save_as)
        except QueryFailedError as trouble:
            lost = self._kernel.session.generation != generation
            yield _failed(trouble, lost=lost)
            return
        yield result.output()
        text = result.observation()
        if save_as is not None:
            text += f"\nKept as the frame {save_as}."
        yield ToolResult(
            status="ok",
            observation="\n".join((text, *remarks)),
            doubts=(_CUT.format(count=result.count),) if result.more else (),
        )

    async def _ask(
        self, name: str, query: str, save_as: str | None
    ) -> tuple[Result, tuple[str, ...]]:
        """Ask a configured database; return the result and what is to be said of it."""
        words = ""
        try:
            address = address_of(name, self.database(name))
            statement = read(query, DIALECTS[address.kind]) if address.is_known else None
            writes = address.writes and not (statement is not None and statement.reads)
            if statement is not None and not writes:
                words = statement.words

            def work(opened: Opened) -> Fetched:
                return opened.query(query, address.row_cap)

            fetched = await run_apart(address, work, writes=writes)
        except QueryTimeoutError as error:
            raise QueryFailedError("timeout", str(error)) from None
        except DatabaseError as error:
            # The database refused to write by a word of its own, such as a syntax error.
            hint = f"\n{name} is open for reading only. {words}" if words else ""
            raise QueryFailedError("error", f"{error}{hint}") from None
        remarks = fetched.changes
        if save_as is not None:
            try:
                handed = await self._kernel.hand_off.hand_over(save_as, fetched.frame)
            except KernelSandboxError as error:
                raise QueryFailedError(
                    "error", f"The query ran, but its result could not be kept: {error}"
                ) from None
            remarks += handed.changes
        return Result.of_fetched(fetched), remarks

    def database(self, name: str) -> Database:
        """Return a configured database; raises :class:`DatabaseError` naming those there are."""
        if name in self._databases:
            return self._databases[name]
        known = (SESSION, *self._databases)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise DatabaseError(
            f"There is no database named {name[:60]!r}; there are: {', '.join(known)}.{hint}"
        )

    def _told(self, name: str) -> str:
        database = self._databases[name]
        kind = kind_of(database)
        product = PRODUCTS.get(kind, kind or "unknown")
        return f"{name} ({product}){': ' + database.description if database.description else ''}"


_SESSION_TOLD = (
    f"{SESSION} (DuckDB): DataFrames by their variables' names, data files by quoted paths"
)
_CUT = (
    "The result has more than {count} rows and was cut there: what is computed from it leaves the "
    "rest out. Aggregate or filter in the query."
)


def check_name(name: object) -> None:
    """See that a result can be kept under ``name``; raises :class:`QueryFailedError`."""
    if name is None:
        return
    if (
        not isinstance(name, str)
        or not (name.isidentifier() and name.isascii())
        or keyword.iskeyword(name)
        or name.startswith("_")
        or len(name) > _LONGEST_NAME
    ):
        raise QueryFailedError(
            "refused",
            f"save_as must be a variable's name, such as result; {str(name)[:40]!r} is none.",
        )


def _failed(trouble: QueryFailedError, *, lost: bool) -> ToolResult:
    text = trouble.words
    if lost:
        text += "\nAll variables but the data handed over are gone."
    return ToolResult(
        status=trouble.status,
        observation=text,
        trouble=trouble.words,
        state_lost=lost,
        computed=False,
    )
