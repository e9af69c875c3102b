"""The database of the session: its frames and files, asked by DuckDB inside the kernel."""

from __future__ import annotations

from typing import Any

from analyst.record.events import CallStatus
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.observation import MESSAGE_LIMIT, clean, cut_head
from analyst.tools.sql.presenting import SHOWN_ROWS, Result
from kernel_sandbox import (
    EvaluationError,
    KernelDiedError,
    KernelSandboxError,
    KernelTimeoutError,
)

MOST_ROWS = 1_000_000
"""Rows of a result that are kept. It stays in the kernel, so it may be larger than others."""

_RUN = (
    "helper.sql.run(query, namespace, save_as=save_as, most_rows=most_rows, "
    "shown_rows=shown_rows, seconds=seconds)"
)
GRACE_SECONDS = 5.0
"""From the time at which the kernel stops a query itself to an interrupt of the kernel."""


class QueryFailedError(Exception):
    """A query did not give a result; ``words`` are for the model."""

    def __init__(self, status: CallStatus, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


async def query_session(
    kernel: AnalysisKernel, query: str, save_as: str | None, *, seconds: float
) -> Result:
    """Run a query in the kernel; raises :class:`QueryFailedError`."""
    try:
        await kernel.ensure_ready()
        told: Any = await kernel.call(
            _RUN,
            deadline=seconds + GRACE_SECONDS,
            seconds=seconds,
            query=query,
            save_as=save_as,
            most_rows=MOST_ROWS,
            shown_rows=SHOWN_ROWS,
        )
        if isinstance(told, dict) and "error" in told:
            raise QueryFailedError("error", _mistake(told))
        if isinstance(told, dict) and "timeout" in told:
            raise _late(seconds)
        return Result.of_kernel(told)
    except KernelTimeoutError:
        raise _late(seconds) from None
    except KernelDiedError as error:
        raise QueryFailedError("died", str(error)) from None
    except EvaluationError as error:
        raise _of_evaluation(error) from None
    except (KernelSandboxError, ValueError) as error:
        raise QueryFailedError("error", f"The query could not be run: {error}") from None


async def tables_of_session(kernel: AnalysisKernel) -> dict[str, Any]:
    """Return frames, tables and files that a query can name; raises :class:`QueryFailedError`."""
    try:
        await kernel.ensure_ready()
        told: Any = await kernel.call("helper.sql.tables(namespace, folder)", folder=".")
    except KernelSandboxError as error:
        raise QueryFailedError("error", f"The kernel cannot tell its tables: {error}") from None
    return told if isinstance(told, dict) else {}


def _late(seconds: float) -> QueryFailedError:
    return QueryFailedError(
        "timeout", f"The query took longer than {seconds:g} seconds and was stopped."
    )


def _of_evaluation(error: EvaluationError) -> QueryFailedError:
    if error.ename in {"ModuleNotFoundError", "ImportError"}:
        words = f"The kernel has no DuckDB ({error.evalue}). Use pandas in python instead."
        return QueryFailedError("error", words)
    if error.ename == "KeyboardInterrupt":
        return QueryFailedError("interrupted", "The query was stopped.")
    return QueryFailedError(
        "error", f"The query could not be run: {cut_head(str(error), MESSAGE_LIMIT)}"
    )


def _mistake(told: dict[str, Any]) -> str:
    """Say what DuckDB says, and which frames there are where it found no table."""
    kind, text = (str(part) for part in (*told["error"], "", "")[:2])
    words = cut_head(clean(text).strip(), MESSAGE_LIMIT * 2)
    if kind == "CatalogException" or "does not exist" in text:
        frames = [
            f"{name} ({', '.join(map(str, columns))})" for name, columns in told.get("frames", ())
        ]
        words += "\nFrames there are: " + (cut_head("; ".join(frames), 1000) or "none") + "."
    return words
