"""The tools of the web, as a source for a session.

Not here: the tools (:mod:`analyst.tools.web.tools`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyst.configuration import ConfigurationError, Web
from analyst.tools.registry import Tool

if TYPE_CHECKING:
    from analyst.session.toolbox import Bench


class WebTools:
    """Offers ``web_fetch`` and ``web_search`` where ``[web]`` is configured."""

    def __init__(self) -> None:
        self._web: Web | None = None
        self._tools: list[Tool] = []

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        if bench.configuration.web != self._web:
            self._web, self._tools = bench.configuration.web, []
            if self._web is not None:
                from analyst.tools.web.tools import web_tools  # noqa: PLC0415 - rarely needed

                try:
                    self._tools = web_tools(self._web)
                except ConfigurationError as error:
                    bench.notify(f"The web is not reached. {error}")
        return self._tools

    async def aclose(self) -> None:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        self._web, self._tools = None, []
