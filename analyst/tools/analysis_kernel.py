"""A kernel session with our helper module in it, installed again after each restart.

Here: calling helpers in the kernel and getting plain data back. Not here: the helpers
themselves (:mod:`analyst.tools.kernel_side`) or running the model's code.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

from kernel_sandbox import HandOff, KernelSession

_MODULE = "_analyst_kernel_side"
_WARMED = ("pandas", "plotly.express", "matplotlib.pyplot", "scipy.stats")
_LOOK_UP = f"""\
import json, sys
helper = sys.modules[{_MODULE!r}]
namespace = get_ipython().user_ns
"""


@functools.cache
def _installation() -> str:
    source = resources.files("analyst.tools").joinpath("kernel_side.py").read_text("utf-8")
    return (
        f"import sys, types\nmodule = types.ModuleType({_MODULE!r})\n"
        f"sys.modules[{_MODULE!r}] = module\nexec({source!r}, module.__dict__)\n"
    )


class AnalysisKernel:
    """Helper calls into one kernel session. They leave nothing in the user's namespace.

    ``on_new_kernel`` is called when a kernel was replaced, to bring the data back. Every method
    raises a :class:`kernel_sandbox.KernelSandboxError` when the kernel cannot answer.
    """

    def __init__(self, session: KernelSession) -> None:
        self.session = session
        self.hand_off = HandOff(session)
        self.on_new_kernel: Callable[[AnalysisKernel], Awaitable[None]] | None = None
        self._installed_in: int | None = None
        self._restored_in = session.generation

    async def ensure_ready(self) -> None:
        """See to a live kernel that has the helpers and the data."""
        if not self._is_current():
            await self.call("True")
        if self._restored_in != self.session.generation:
            self._restored_in = self.session.generation
            if self.on_new_kernel is not None:
                await self.on_new_kernel(self)

    async def call(self, expression: str, **arguments: Any) -> Any:
        """Evaluate ``expression`` over ``helper``, ``namespace`` and the given JSON values."""
        code = _LOOK_UP
        if not self._is_current():
            code = _installation() + code
        code += "".join(
            f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in arguments.items()
        )
        value = await self.session.evaluate_json(expression, code=code)
        self._installed_in = self.session.generation
        return value

    def _is_current(self) -> bool:
        return self._installed_in == self.session.generation and self.session.is_alive()

    async def warm(self) -> None:
        """Begin to import what analyses mostly use, in the background."""
        await self.call("helper.warm(names)", names=list(_WARMED))

    async def begin(self) -> None:
        """Take a snapshot of all frames at the start of a question."""
        await self.call("helper.begin(namespace)")

    async def roll_back(self) -> None:
        """Undo what a failed try did to the frames."""
        await self.call("helper.roll_back(namespace)")

    async def before_cell(self, code: str) -> dict[str, Any]:
        """Import the usual libraries that ``code`` uses; return their names and the frames'."""
        report: dict[str, Any] = await self.call("helper.before_cell(code, namespace)", code=code)
        return report

    async def report(self, value_names: Sequence[str]) -> dict[str, Any]:
        """Return changed frames, named values, all column labels and variable names."""
        report: dict[str, Any] = await self.call(
            "helper.report(names, namespace)", names=list(value_names)
        )
        return report

    async def describe(self, name: str, *, rows: int = 0) -> str:
        """Describe one frame for the model; ``rows`` raw rows only where the user agreed."""
        return str(await self.call("helper.profile(name, namespace, rows)", name=name, rows=rows))

    async def load_file(self, name: str, path: str) -> dict[str, Any]:
        """Read a data file into the variable ``name``; return its rows and columns."""
        loaded: dict[str, Any] = await self.call(
            "helper.load_file(name, path, namespace)", name=name, path=path
        )
        return loaded

    async def variables(self) -> list[str]:
        """List the live variables, a line each."""
        return list(await self.call("helper.variables(namespace)"))
