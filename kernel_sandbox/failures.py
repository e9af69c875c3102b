"""Why a kernel did not start, in words for whoever asked for it, in any front end.

Here: words made of what a kernel's process left. Not here: noticing that it ended
(:mod:`kernel_sandbox.provisioner`).
"""

from __future__ import annotations

import re
import sys
from typing import Any

from kernel_sandbox.errors import KernelStartError
from kernel_sandbox.supervisor import KernelExit

_NO_IPYKERNEL = re.compile(r"No module named '?ipykernel(_launcher)?'?")
_SERVER_ERROR = 500


def start_error(ended: KernelExit, *, program: str = "python") -> KernelStartError:
    """Return the error for a kernel that ended before it could be used.

    ``program``: what its command line begins with.
    """
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if _NO_IPYKERNEL.search(last):
        text = (
            "The kernel's Python has no ipykernel. Install it there: "
            f"{program} -m pip install ipykernel"
        )
    elif last.startswith("bwrap:"):
        text = (
            f"bubblewrap could not make the sandbox ({last.removeprefix('bwrap:').strip()}). "
            "Run `kernel_sandbox doctor` to see what this machine allows."
        )
    else:
        text = f"The kernel ended while starting ({ended}){f': {last}' if last else '.'}"
    return KernelStartError(text, stderr=ended.stderr, exit_code=ended.exit_code)


def for_front_end(error: KernelStartError) -> KernelStartError:
    """Return ``error`` so that a Jupyter server tells its words, if one runs in this process.

    A server hides the words of errors it does not know from who asked by REST.
    """
    web = sys.modules.get("tornado.web")
    if web is None or isinstance(error, web.HTTPError):
        return error
    told = _served(type(error), web.HTTPError)(str(error))
    told.stderr, told.exit_code = error.stderr, error.exit_code
    return told


def _served(kind: type[KernelStartError], http_error: Any) -> type[KernelStartError]:
    class Served(kind, http_error):  # type: ignore[misc, valid-type]
        """An error that is also the server's own kind."""

        def __init__(self, message: str) -> None:
            kind.__init__(self, message)
            # Last, since the other hands its message on to this one as if it were a number.
            http_error.__init__(self, _SERVER_ERROR, message)
            self.words = message

        def __str__(self) -> str:
            return self.words

    Served.__name__ = Served.__qualname__ = kind.__name__
    return Served
