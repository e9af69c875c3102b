"""The tools of a session besides its kernel's: where they come from, and their end.

Here: the sources, opened when first needed and closed with the session. Not here: any tool, and
which of them one run gets (:mod:`analyst.session.composition`).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analyst.configuration import Configuration
from analyst.session.knowledge_tools import KnowledgeTools
from analyst.session.sql_tools import SqlTools
from analyst.session.web_tools import WebTools
from analyst.session.workspace import WorkspaceTools
from analyst.settings import Settings
from analyst.tools.analysis_kernel import AnalysisKernel
from analyst.tools.ask_user import AskUserTool
from analyst.tools.mcp.source import McpTools
from analyst.tools.registry import Tool
from analyst.tools.tool_shape import fault_of

if TYPE_CHECKING:
    from analyst.tools.knowledge.library import Found

ENTRY_POINTS = "analyst.tools"
"""The group under which other packages offer tools: a tool, or a function that returns some."""

RESERVED = frozenset(
    {"python", "sql", "sql_schema", "recall", "knowledge", "ask_user", "plan", "web_fetch"}
    | {"web_search", "list_files", "read_file", "search_files", "write_file", "edit_file"}
    | {"run_tests", "git_status", "git_diff"}
)
"""Names of our own tools, there or not: rules and modes speak of them, and mean these."""

_log = logging.getLogger(__name__)


class DocumentSearch(Protocol):
    """Finds passages of the user's documents for words, best first."""

    async def __call__(self, query: str, limit: int = 5) -> Sequence[Found]:
        """Search; raises :class:`~analyst.memory.errors.FindingsError`."""
        ...


Notify = Callable[[str], None]
"""Takes a sentence for the user."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a source may build its tools on. ``notify`` takes sentences for the user."""

    settings: Settings
    configuration: Configuration
    kernel: AnalysisKernel
    cwd: Path
    data_directory: Path
    notify: Notify = lambda _: None


class ToolSource(Protocol):
    """Offers tools for as long as a session lives."""

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """Return the tools for a run; what goes wrong is told by ``bench.notify``, not raised."""
        ...

    async def aclose(self) -> None:
        """Let go of all that was opened. Can be called again."""
        ...


class AskingTools:
    """The tool that asks the user."""

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`ToolSource`."""
        del bench
        return (AskUserTool(),)

    async def aclose(self) -> None:
        """See :class:`ToolSource`."""


class InstalledTools:
    """Tools of other installed packages, by their entry points."""

    async def tools(self, bench: Bench) -> Sequence[Tool]:
        """See :class:`ToolSource`."""
        found: list[Tool] = []
        for entry in metadata.entry_points(group=ENTRY_POINTS):
            try:
                offered = entry.load()
                is_maker = callable(offered) and not hasattr(offered, "run")
                for tool in offered(bench) if is_maker else [offered]:
                    if why := _why_left_out(tool):
                        bench.notify(f"A tool of {entry.name} ({entry.value}) is left out: {why}")
                    else:
                        found.append(tool)
            except Exception as error:  # noqa: BLE001 - one package must not stop the others
                _log.warning("tools of %s cannot be loaded", entry.value, exc_info=True)
                bench.notify(
                    f"The tools of {entry.name} ({entry.value}) are left out: "
                    f"{type(error).__name__}: {error}"
                )
        return found

    async def aclose(self) -> None:
        """See :class:`ToolSource`."""


def _why_left_out(offered: Tool) -> str:
    if fault := fault_of(offered):
        return fault
    if offered.name in RESERVED or "__" in offered.name:
        return (
            f"the name {offered.name} is that of another kind of tool, of which rules may speak. "
            "Give it another."
        )
    return ""


def _sources() -> list[ToolSource]:
    return [
        AskingTools(),
        WorkspaceTools(),
        SqlTools(),
        McpTools(),
        KnowledgeTools(),
        WebTools(),
        InstalledTools(),
    ]


@dataclass
class Toolbox:
    """All sources of one session."""

    sources: list[ToolSource] = field(default_factory=_sources)

    async def tools(self, bench: Bench) -> list[Tool]:
        """Return the tools for a run; an early one of a name hides later ones."""
        found: list[Tool] = []
        for source in self.sources:
            try:
                found += await source.tools(bench)
            except Exception as error:  # noqa: BLE001 - a run goes on without the tools of one source
                _log.warning("%s offers nothing", type(source).__name__, exc_info=True)
                bench.notify(f"Some tools are missing: {type(error).__name__}: {error}")
        return found

    async def document_search(self, bench: Bench) -> DocumentSearch | None:
        """Return a search of the user's documents; ``None`` where none are configured."""
        for source in self.sources:
            if isinstance(source, KnowledgeTools) and await source.tools(bench):
                return source.search
        return None

    async def aclose(self) -> None:
        """Close all sources."""
        for source in self.sources:
            with contextlib.suppress(Exception):
                await source.aclose()
