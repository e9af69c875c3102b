"""The extension as Jupyter's server loads it.

Here: its options, its start, which imports nothing of the agent, and its end, which leaves no
kernel and no thread. Not here: what it does (:mod:`analyst.frontends.server.core`).
"""

from __future__ import annotations

import asyncio
import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Callable, Int

from analyst.frontends.server.routes import routes

if TYPE_CHECKING:
    from analyst.frontends.server.core import Core


class AnalystServer(ExtensionApp):
    """The agent behind the panel."""

    name = "analyst"
    extension_url = "/analyst"

    most_kernels = Int(
        6, min=1, help="Kernels of idle conversations above this number are ended."
    ).tag(config=True)

    # No option: a program that embeds the server gives another kind of session here.
    session_factory = Callable(None, allow_none=True)

    _core: Core | None = None
    _ended = False

    @property
    def core(self) -> Core:
        """What the routes lead to; made at the first use."""
        if self._core is None:
            if self._ended:
                raise RuntimeError("the server is ending")
            # Late: it brings the agent, which a server that nobody asks has no use for.
            from analyst.frontends.server.core import Core  # noqa: PLC0415

            assert self.serverapp is not None, "a server has loaded us"
            self._core = Core(
                root=Path(self.serverapp.root_dir),
                most_kernels=self.most_kernels,
                make_session=self.session_factory,
            )
            # A server that does not come to stop_extension must not leave kernels either.
            atexit.register(self._core.close)
        return self._core

    def initialize_settings(self) -> None:
        """Let the routes find us."""
        self.settings["analyst_server"] = self

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(routes())

    def current_activity(self) -> Any:
        """Count the runs that are going on, which keep the server from ending for idleness."""
        return self._core.conversations.running if self._core is not None else 0

    async def stop_extension(self) -> None:
        """End all runs, streams, kernels and the thread."""
        self._ended = True
        core, self._core = self._core, None
        if core is not None:
            core.close_readers()
            await asyncio.to_thread(core.close)
            atexit.unregister(core.close)
