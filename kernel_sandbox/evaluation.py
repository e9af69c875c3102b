"""Running helper code in a kernel without a trace: how the request is made, the reply read."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from kernel_sandbox.errors import EvaluationError
from kernel_sandbox.outputs import MimeBundle, error_from, mime_bundle

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


def read_expressions(
    reply: Mapping[str, Any], expressions: Mapping[str, str]
) -> dict[str, MimeBundle]:
    """Return the values of ``expressions``; raises :class:`EvaluationError` for one that raised."""
    values = reply.get("user_expressions")
    found: dict[str, MimeBundle] = {}
    for name in expressions:
        value = values.get(name) if isinstance(values, dict) else None
        if not isinstance(value, dict):
            raise EvaluationError(ename="KeyError", evalue=f"the kernel returned no {name!r}")
        if value.get("status") != "ok":
            error = error_from(value)
            raise EvaluationError(ename=error.ename, evalue=error.evalue, traceback=error.traceback)
        found[name] = mime_bundle(value.get("data"))
    return found


def json_value(bundle: MimeBundle) -> Any:
    """Return the JSON value whose text is the value of an expression."""
    try:
        return json.loads(ast.literal_eval(str(bundle["text/plain"])))
    except (KeyError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise EvaluationError(
            ename="ValueError", evalue="the kernel returned something that is not JSON"
        ) from None
