"""DuckDB over the frames of a namespace and the files that the kernel sees.

Also used outside the kernel, where a DuckDB file is read. Loaded here but imported late: the
kernel need not have DuckDB.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .frames import frames_of

CELL_LENGTH = 200
VECTORS = 64
"""Vectors, of at most 2048 rows each, that are fetched at a time."""

STOP_TRIES = 10
MOST_FILES = 50
_DATA_ENDINGS = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".json", ".jsonl", ".ndjson", ".gz"}
    | {".xlsx", ".xlsm", ".db", ".duckdb", ".sqlite"}
)
_connections: list[Any] = []


def connection() -> Any:
    """Return the kernel's one connection, which keeps what queries create."""
    if not _connections:
        import duckdb  # noqa: PLC0415 - the kernel may not have it

        settings: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(Path(tempfile.gettempdir()) / f"duckdb-{os.getpid()}"),
            "lock_configuration": "true",
        }
        if limit := memory_limit():
            settings["memory_limit"] = f"{limit // 2}B"
        _connections.append(duckdb.connect(":memory:", config=settings))
    return _connections[0]


def memory_limit() -> int | None:
    """Return how many bytes this process may write to, or None if nothing says."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def run(
    query: str,
    namespace: dict[str, Any],
    *,
    save_as: str | None,
    most_rows: int,
    shown_rows: int,
    seconds: float,
) -> dict[str, Any]:
    """Run ``query``; bind the result to ``save_as``, and return what :func:`shown` returns.

    A mistake in the query is returned as ``error``, with the names of the ``frames`` there are;
    a query that takes longer than ``seconds`` as ``timeout``. Raises ImportError where DuckDB is
    not installed.
    """
    import duckdb  # noqa: PLC0415 - the kernel may not have it

    def work() -> tuple[list[list[str]], Any, bool]:
        # A frame is found by its name among the variables of the code that calls: the user's,
        # and two that no query names.
        call = "_sql_connection_of_the_analyst.execute(_sql_query_of_the_analyst)"
        own = {
            "_sql_connection_of_the_analyst": connection(),
            "_sql_query_of_the_analyst": query,
        }
        eval(call, namespace, own)  # noqa: S307 - a constant
        return fetched(connection(), most_rows)

    try:
        columns, frame, more = _stoppable(work, seconds)
    except TimeoutError:
        return {"timeout": True}
    except duckdb.Error as error:
        with contextlib.suppress(duckdb.Error):
            # Else a transaction that a query began would refuse all that follow.
            connection().rollback()
        return {
            "error": [type(error).__name__, str(error)[:4000]],
            "frames": [
                [name, [str(label) for label in frame.columns[:30]]]
                for name, frame in itertools.islice(frames_of(namespace).items(), 20)
            ],
        }
    if save_as is not None:
        namespace[save_as] = frame
    return shown(columns, frame, more=more, rows=shown_rows)


def _stoppable(work: Callable[[], Any], seconds: float) -> Any:
    """Return what ``work`` returns, and stop its query when it is late or interrupted.

    It works in a thread, for DuckDB does not look for an interrupt all the time. Raises
    TimeoutError, and what ``work`` raises.
    """
    connection()  # made here, so that what is wrong with it is told
    ended = threading.Event()
    returned: list[Any] = []
    raised: list[BaseException] = []

    def run_it() -> None:
        try:
            returned.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            raised.append(error)
        finally:
            ended.set()

    threading.Thread(target=run_it, daemon=True, name="sql").start()
    try:
        in_time = ended.wait(seconds)
    finally:
        if not ended.is_set():
            _stop(ended)
    if not in_time:
        raise TimeoutError
    if raised:
        raise raised[0]
    return returned[0]


def _stop(ended: threading.Event) -> None:
    """Interrupt the query, also if it is between two of its parts; a deaf connection is left."""
    for _ in range(STOP_TRIES):
        connection().interrupt()
        if ended.wait(0.1):
            return
    _connections.clear()


def fetched(opened: Any, most_rows: int) -> tuple[list[list[str]], Any, bool]:
    """Fetch what a connection's last query gives: columns with types, a frame, if there is more.

    Raises what DuckDB raises: rows are computed as they are fetched.
    """
    import pandas as pd  # noqa: PLC0415 - the kernel may not need it

    columns = [[str(one[0]), str(one[1]).strip('"')] for one in opened.description or ()]
    count = 0
    chunks: list[Any] = []
    while not chunks or (len(chunks[-1]) and count <= most_rows):
        chunks.append(opened.fetch_df_chunk(VECTORS))
        count += len(chunks[-1])
    full = [chunk for chunk in chunks if len(chunk)] or chunks[:1]
    frame = full[0] if len(full) == 1 else pd.concat(full, ignore_index=True)
    return columns, frame.iloc[:most_rows] if count > most_rows else frame, count > most_rows


def shown(columns: list[list[str]], frame: Any, *, more: bool, rows: int) -> dict[str, Any]:
    """Describe a result in plain values: its columns, how many rows, and the first of them.

    ``more``: whether the result had more rows than are in ``frame``.
    """
    head = frame.iloc[:rows]
    cells = [[_cell(value) for value in head.iloc[:, at].tolist()] for at in range(head.shape[1])]
    return {
        "columns": columns,
        "rows": [list(row) for row in zip(*cells)],  # noqa: B905 - of one frame, so equally long
        "count": len(frame),
        "more": more,
    }


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN, which JSON has none of
            return None
        return value if abs(value) != float("inf") else str(value)
    text = str(value)
    if text in ("NaT", "<NA>"):
        return None
    text = text.removesuffix(" 00:00:00")
    return text if len(text) <= CELL_LENGTH else text[:CELL_LENGTH] + "…"


def tables(namespace: dict[str, Any], folder: str) -> dict[str, Any]:
    """List what a query can name: ``frames``, ``tables`` that queries made, and data ``files``.

    A table is its name, rows, and columns with types.
    """
    frames = [
        [name, len(frame), [[str(label), str(kind)] for label, kind in frame.dtypes.items()][:2000]]
        for name, frame in frames_of(namespace).items()
    ]
    made: dict[str, list[Any]] = {}
    if _connections:
        found = connection().execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        )
        for table, column, kind in found.fetchmany(5000):
            made.setdefault(table, [table, None, []])[2].append([column, kind])
    files = [
        [path.name, path.stat().st_size]
        for path in itertools.islice(sorted(Path(folder).iterdir()), 2000)
        if path.suffix.lower() in _DATA_ENDINGS and path.is_file()
    ]
    return {"frames": frames, "tables": list(made.values()), "files": files[:MOST_FILES]}
