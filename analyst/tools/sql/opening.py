"""Opening a configured database, and running work on it apart, with an end.

A database's driver blocks, so it works in a thread; what takes too long, or is no longer wanted,
is stopped in the database and not only waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from analyst.tools.sql.databases import Address, DatabaseError, QueryTimeoutError
from analyst.tools.sql.opened import Opened

GRACE_SECONDS = 5.0
"""From the stop of a query to giving it up."""

T = TypeVar("T")


def open_database(address: Address, *, writes: bool = False) -> Opened:
    """Open a database; for reading only, unless it is to write and may.

    Raises :class:`DatabaseError` for a kind that cannot be held to reading, and what drivers
    raise.
    """
    writes = writes and address.writes
    # Late: each takes a while to import, and few are needed.
    match address.kind:
        case "sqlite":
            from analyst.tools.sql.sqlite_files import OpenedSqlite  # noqa: PLC0415

            return OpenedSqlite(address, writes=writes)
        case "duckdb":
            from analyst.tools.sql.duckdb_files import OpenedDuckDB  # noqa: PLC0415

            return OpenedDuckDB(address, writes=writes)
        case "postgresql":
            from analyst.tools.sql.postgresql import OpenedPostgres  # noqa: PLC0415

            return OpenedPostgres(address, writes=writes)
        case "mysql" | "mariadb":
            from analyst.tools.sql.mysql import OpenedMysql  # noqa: PLC0415

            return OpenedMysql(address, writes=writes)
    if not writes:
        raise DatabaseError(
            f"How to open {address.kind} for reading only is not known here, so {address.name} is "
            'not opened. The user can allow it with writes = "ask" in its configuration, and is '
            "then asked before each query."
        )
    from analyst.tools.sql.servers import OpenedServer  # noqa: PLC0415

    return OpenedServer(address, writes=True)


async def run_apart(address: Address, work: Callable[[Opened], T], *, writes: bool = False) -> T:
    """Open a database, do ``work`` with it in a thread, and close it.

    Raises :class:`QueryTimeoutError` after the address's seconds and :class:`DatabaseError` for
    what the database or its driver raises. When the caller is cancelled the work is stopped.
    """
    job = _Job(lambda: open_database(address, writes=writes), work)
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    threading.Thread(target=job.run, args=(done,), daemon=True, name="sql query").start()
    try:
        await asyncio.wait({done}, timeout=address.seconds)
        if done.done():
            return done.result()
        job.stop_soon()
        await asyncio.wait({done}, timeout=GRACE_SECONDS)
        if done.done():
            done.exception()  # how it ended is no longer of interest
    except DatabaseError:
        raise
    except asyncio.CancelledError:
        job.stop_soon()
        raise
    except Exception as error:  # noqa: BLE001 - each driver raises its own
        raise DatabaseError(f"The database {address.name} says: {address.said(error)}") from None
    finally:
        # So that nobody is told of a result that came too late.
        done.cancel()
    raise QueryTimeoutError(
        f"The query of {address.name} took longer than {address.seconds:g} seconds and was "
        "stopped. Ask for less: aggregate, filter, or take a part first."
    )


class _Job:
    """Work on one database, in a thread of its own."""

    def __init__(self, open_it: Callable[[], Opened], work: Callable[[Opened], Any]) -> None:
        self._open = open_it
        self._work = work
        self._guard = threading.Lock()
        self._opened: Opened | None = None
        self._stopped = False

    def run(self, done: asyncio.Future[Any]) -> None:
        """Do the work, and tell its end to ``done`` in the loop that waits for it."""
        try:
            result, error = self._result(), None
        except Exception as raised:  # noqa: BLE001 - whatever it is, the caller is told
            result, error = None, raised

        def tell() -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        with contextlib.suppress(RuntimeError):  # the loop is closed
            done.get_loop().call_soon_threadsafe(tell)

    def _result(self) -> Any:
        opened = self._open()
        try:
            with self._guard:
                self._opened = opened
                if self._stopped:
                    return None
            return self._work(opened)
        finally:
            with self._guard:
                self._opened = None
                opened.close()

    def stop_soon(self) -> None:
        """Stop the work, without waiting for it: to stop it may take a connection of its own."""
        threading.Thread(target=self._stop, daemon=True, name="stop sql query").start()

    def _stop(self) -> None:
        with self._guard, contextlib.suppress(Exception):
            self._stopped = True
            if self._opened is not None:
                self._opened.interrupt()
