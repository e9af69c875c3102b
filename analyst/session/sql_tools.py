"""The tools that ask in SQL, as a source for a session.

Not here: the tools (:mod:`analyst.tools.sql`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyst.tools.registry import Tool

if TYPE_CHECKING:
    from analyst.session.toolbox import Bench


class SqlTools:
    """Offers ``sql`` and ``sql_schema`` over the session's data and the configured databases."""

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        from analyst.tools.sql import SESSION, sql_tools  # noqa: PLC0415 - takes a while to import

        if SESSION in bench.configuration.databases:
            bench.notify(
                f"The database {SESSION} is left out: this is the name of the session's own data; "
                "give it another name."
            )
        return sql_tools(
            bench.kernel,
            bench.configuration.databases,
            deadline_seconds=bench.settings.cell_deadline_seconds,
        )

    async def aclose(self) -> None:
        """See :class:`analyst.session.toolbox.ToolSource`; connections end with their queries."""
