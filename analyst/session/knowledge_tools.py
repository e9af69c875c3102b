"""The user's documents, as a source of a tool for a session, and for whoever looks things up.

Not here: the reading and searching (:mod:`analyst.tools.knowledge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyst.configuration import Configuration
from analyst.record.files import data_directory
from analyst.settings import Settings
from analyst.tools.registry import Tool

if TYPE_CHECKING:
    from analyst.session.toolbox import Bench
    from analyst.tools.knowledge.desk import KnowledgeDesk
    from analyst.tools.knowledge.library import Found, Library


class KnowledgeTools:
    """Offers ``knowledge`` where folders are configured; reads them in the background."""

    def __init__(self) -> None:
        self._key: object = None
        self._desk: KnowledgeDesk | None = None

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        key = (bench.configuration.knowledge.folders, bench.settings.embedding)
        if key != self._key:
            await self.aclose()
            self._key = key
            if bench.configuration.knowledge.folders:
                from analyst.tools.knowledge.desk import KnowledgeDesk  # noqa: PLC0415 - rarely needed

                opened = library(bench.settings, bench.configuration, bench.data_directory)
                self._desk = KnowledgeDesk(opened)
        if self._desk is None:
            return ()
        from analyst.tools.knowledge.tool import KnowledgeTool  # noqa: PLC0415 - rarely needed

        self._desk.begin()
        return (KnowledgeTool(self._desk),)

    async def search(self, query: str, limit: int = 5) -> list[Found]:
        """Return passages that speak of what is asked, best first, without a model's asking.

        None without folders, or before :meth:`tools`. Raises
        :class:`~analyst.memory.errors.FindingsError`.
        """
        return await self._desk.search(query, limit) if self._desk is not None else []

    async def aclose(self) -> None:
        """See :class:`analyst.session.toolbox.ToolSource`."""
        desk, self._desk, self._key = self._desk, None, None
        if desk is not None:
            await desk.aclose()


def library(
    settings: Settings, configuration: Configuration, directory: Path | None = None
) -> Library:
    """Return the library of the folders that are configured; nothing is opened yet."""
    from analyst.tools.knowledge.library import Embedding, Library  # noqa: PLC0415 - slow to import

    return Library(
        configuration.knowledge.folders,
        (directory or data_directory()) / "knowledge",
        Embedding(
            settings.embedding,
            settings.base_url,
            settings.api_key.get_secret_value() if settings.api_key else None,
        ),
    )
