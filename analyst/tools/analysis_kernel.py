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

from analyst.tools.kernel_side import MODULES
from kernel_sandbox import HandOff, KernelSession

_PACKAGE = "_analyst_kernel_side"
_WARMED = ("pandas", "plotly.express", "matplotlib.pyplot", "scipy.stats")
_LOOK_UP = f"""\
import json, sys
helper = sys.modules[{_PACKAGE!r}]
namespace = get_ipython().user_ns
"""
_INSTALL = """\
import sys, types
package = types.ModuleType(PACKAGE)
package.__path__ = []
sys.modules[PACKAGE] = package
for name, source in SOURCES.items():
    module = types.ModuleType(PACKAGE + "." + name)
    module.__package__ = PACKAGE
    sys.modules[module.__name__] = module
    exec(compile(source, "<" + name + " of the analyst>", "exec"), module.__dict__)
    setattr(package, name, module)
"""


class DataLostError(Exception):
    """The data could not be brought into a kernel: nothing that is computed there would hold."""


@functools.cache
def _installation() -> str:
    directory = resources.files("analyst.tools.kernel_side")
    sources = {name: directory.joinpath(f"{name}.py").read_text("utf-8") for name in MODULES}
    return f"PACKAGE = {_PACKAGE!r}\nSOURCES = {sources!r}\n{_INSTALL}"


class AnalysisKernel:
    """Helper calls into one kernel session. They leave nothing in the user's namespace.

    ``on_new_kernel`` is called when a kernel was replaced, to bring the data back; it raises a
    :class:`DataLostError` when it cannot. Every method raises a
    :class:`kernel_sandbox.KernelSandboxError` when the kernel cannot answer.
    """

    def __init__(self, session: KernelSession) -> None:
        self.session = session
        self.hand_off = HandOff(session)
        self.on_new_kernel: Callable[[AnalysisKernel], Awaitable[None]] | None = None
        self._installed_in: int | None = None
        self._settled_in: int | None = None
        self._restored_in = session.generation

    async def ensure_ready(self) -> None:
        """See to a live kernel that has the helpers and the data."""
        if not self._is_current() or self._settled_in != self.session.generation:
            await self.call("helper.cells.settle()")
            self._settled_in = self.session.generation
        if self._restored_in != self.session.generation:
            self._restored_in = self.session.generation
            if self.on_new_kernel is not None:
                await self.on_new_kernel(self)

    async def call(
        self, expression: str, *, deadline: float | None = 30.0, **arguments: Any
    ) -> Any:
        """Evaluate ``expression`` over ``helper``, ``namespace`` and the given JSON values.

        ``deadline``: seconds it may take.
        """
        code = _LOOK_UP
        if not self._is_current():
            code = _installation() + code
        code += "".join(
            f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in arguments.items()
        )
        value = await self.session.evaluate_json(expression, code=code, deadline=deadline)
        self._installed_in = self.session.generation
        return value

    def _is_current(self) -> bool:
        return self._installed_in == self.session.generation and self.session.is_alive()

    async def warm(self) -> None:
        """Begin to import what analyses mostly use, in the background."""
        await self.call("helper.cells.warm(names)", names=list(_WARMED))

    async def begin(self, value_names: Sequence[str] = ()) -> None:
        """Take a snapshot of all frames at the start of a question that asks for these names."""
        await self.call("helper.snapshots.begin(namespace, names)", names=list(value_names))

    async def roll_back(self) -> None:
        """Undo what a failed try did to the frames and to the variables asked for."""
        await self.call("helper.snapshots.roll_back(namespace)")

    async def set_aside(self) -> None:
        """Put all variables away and go back to the start of the question."""
        await self.call("helper.snapshots.set_aside(namespace)")

    async def start_again(self) -> None:
        """Go back to the start of the question, also in what was defined since then."""
        await self.call("helper.snapshots.start_again(namespace)")

    async def bring_back(self) -> None:
        """Put back what was put away."""
        await self.call("helper.snapshots.bring_back(namespace)")

    async def before_cell(self, code: str) -> dict[str, Any]:
        """Import the usual libraries that ``code`` uses; return their names and the frames'."""
        report: dict[str, Any] = await self.call(
            "helper.cells.before_cell(code, namespace)", code=code
        )
        return report

    async def report(
        self, code: str, value_names: Sequence[str], *, question: str = ""
    ) -> dict[str, Any]:
        """Return what the cell ``code`` left; see the helper of this name."""
        report: dict[str, Any] = await self.call(
            "helper.cells.report(code, names, namespace, question)",
            code=code,
            names=list(value_names),
            question=question,
        )
        return report

    async def describe(self, name: str, *, rows: int = 0) -> str:
        """Describe one frame for the model; ``rows`` raw rows only where the user agreed."""
        return str(
            await self.call("helper.cells.profile(name, namespace, rows)", name=name, rows=rows)
        )

    async def load_file(self, name: str, path: str) -> dict[str, Any]:
        """Read a data file into the variable ``name``; return its rows and columns.

        It may take as long as it takes: how long is for the user to say, by stopping the run or
        by its limit.
        """
        loaded: dict[str, Any] = await self.call(
            "helper.frames.load_file(name, path, namespace)", deadline=None, name=name, path=path
        )
        return loaded

    async def variables(self) -> list[str]:
        """List the live variables, a line each."""
        return list(await self.call("helper.values.variables(namespace)"))
