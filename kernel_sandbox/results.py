"""How the end of a request is told: status and sentences."""

from __future__ import annotations

from kernel_sandbox.limits import MIB
from kernel_sandbox.outputs import (
    ErrorOutput,
    ExecutionResult,
    ExecutionStatus,
    error_from,
)
from kernel_sandbox.request import Finished

LOST = "All variables are lost."


def result_of(
    end: Finished, *, deadline: float | None, output_bytes: int, replaced: str | None
) -> ExecutionResult:
    """Return the result of a cell. ``replaced``: why its kernel was a new one, if it was."""
    status, sentence = _status_of(end, deadline=deadline, output_bytes=output_bytes)
    sentences = [text for text in (replaced, sentence) if text is not None]
    if end.killed:
        sentences.append(
            f"It did not stop when interrupted, so the kernel was started anew. {LOST}"
        )
    count = (end.reply or {}).get("execution_count")
    return ExecutionResult(
        status,
        end.seconds,
        restarted=end.killed or replaced is not None,
        detail=" ".join(sentences) or None,
        execution_count=count if isinstance(count, int) else None,
    )


def unpublished_error(end: Finished) -> ErrorOutput | None:
    """Return the exception that only the reply tells of.

    A kernel without a thread or memory to spare may fail to publish what its code raised.
    """
    reply = end.reply
    if reply is None or reply.get("status") != "error" or "ename" not in reply:
        return None
    return error_from(reply)


def _status_of(
    end: Finished, *, deadline: float | None, output_bytes: int
) -> tuple[ExecutionStatus, str | None]:
    if end.exit is not None and not end.killed:
        return "died", (
            f"The kernel ended while the code ran ({end.exit}). {LOST} "
            "A new kernel starts with the next code."
        )
    ok = end.reply is not None and end.reply.get("status") == "ok"
    match end.reason:
        case "timeout":
            return "timeout", f"The code was stopped after {deadline:g} seconds."
        case "not_taken_up":
            return "timeout", "The kernel did not begin with the code; it may be out of memory."
        case "output_limit":
            limit = f"{output_bytes / MIB:g} MiB"
            return "output_limit", (
                end.lost_detail
                or f"The code was stopped because it wrote more than {limit} of output."
            )
        case "interrupted" if not ok:
            return "interrupted", "The code was interrupted."
    if end.reply is None:
        return "error", "The kernel did not say how the code ended; it may be out of memory."
    return ("ok" if ok else "error"), end.lost_detail
