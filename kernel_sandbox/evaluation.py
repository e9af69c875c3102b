"""Running helper code in a kernel without a trace: how the request is made, the reply read."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from kernel_sandbox.errors import (
    EvaluationError,
    KernelDiedError,
    KernelSandboxError,
    KernelTimeoutError,
)
from kernel_sandbox.outputs import (
    ErrorOutput,
    ExecutionResult,
    MimeBundle,
    error_from,
    mime_bundle,
)
from kernel_sandbox.request import Finished

# The helper's namespace is a copy of the user's, so that reading works and assigning does not
# reach it. It lives under one name only until the last expression has taken it away.
_NAME = "__kernel_sandbox__"
_LAST = "__kernel_sandbox_end__"

_FRAME = """\
globals()[{name!r}] = dict(globals())
try:
    exec(compile({code!r}, "<helper>", "exec"), globals()[{name!r}])
except BaseException:
    globals().pop({name!r}, None)
    raise
"""


def evaluation_content(code: str, expressions: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of an execute request that runs ``code`` apart."""
    wrapped = {
        name: f"eval({expression!r}, globals()[{_NAME!r}])"
        for name, expression in expressions.items()
    }
    wrapped[_LAST] = f"globals().pop({_NAME!r}, None) and None"
    return {
        "code": _FRAME.format(name=_NAME, code=code),
        "silent": True,
        "store_history": False,
        "user_expressions": wrapped,
        "allow_stdin": False,
        "stop_on_error": False,
    }


def values_of(
    end: Finished,
    result: ExecutionResult,
    expressions: Mapping[str, str],
    *,
    raised: ErrorOutput | None,
    deadline: float | None,
) -> dict[str, MimeBundle]:
    """Return the values of ``expressions``, or raise what prevented them.

    ``raised`` is the error output the code gave, if any. See
    :meth:`kernel_sandbox.session.KernelSession.evaluate` for what is raised.
    """
    reply = reply_of(end, result, deadline=deadline)
    if reply.get("status") != "ok":
        raise _evaluation_error(raised or error_from(reply))
    values = reply.get("user_expressions")
    found: dict[str, MimeBundle] = {}
    for name in expressions:
        value = values.get(name) if isinstance(values, dict) else None
        if not isinstance(value, dict):
            raise EvaluationError(ename="KeyError", evalue=f"the kernel returned no {name!r}")
        if value.get("status") != "ok":
            raise _evaluation_error(error_from(value))
        found[name] = mime_bundle(value.get("data"))
    return found


def reply_of(end: Finished, result: ExecutionResult, *, deadline: float | None) -> dict[str, Any]:
    """Return the content of a reply, or raise what prevented it."""
    why = result.detail or "The kernel gave no reply."
    if result.status == "timeout":
        raise KernelTimeoutError(why, seconds=deadline or 0.0)
    if end.exit is not None:
        raise KernelDiedError(why)
    if end.reply is None:
        raise KernelSandboxError(why)
    return end.reply


def _evaluation_error(error: ErrorOutput) -> EvaluationError:
    return EvaluationError(ename=error.ename, evalue=error.evalue, traceback=error.traceback)


def json_value(bundle: MimeBundle) -> Any:
    """Return the JSON value whose text is the value of an expression."""
    try:
        return json.loads(ast.literal_eval(str(bundle["text/plain"])))
    except (KeyError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise EvaluationError(
            ename="ValueError", evalue="the kernel returned something that is not JSON"
        ) from None
