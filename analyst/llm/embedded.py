"""The embedded model as a session uses it: see to weights and server, say what that takes.

Here: the adapter between a session and the local server. Not here: the server's life
(:mod:`analyst.llm.local`) or the weights (:mod:`analyst.llm.weights`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.endpoint import Endpoint
from analyst.settings import Settings

if TYPE_CHECKING:
    from analyst.llm.local import LocalEndpoint


class EmbeddedModel:
    """Finds the shared local server, or starts it, before each request."""

    def __init__(self) -> None:
        self._idle_minutes = 30.0
        self._last: LocalEndpoint | None = None

    async def prepare(self, settings: Settings, tell: Callable[[str], None]) -> None:
        """See to a server that answers; ``tell`` gets a sentence when one had to be started.

        Raises :class:`analyst.llm.completion.ModelError`: no weights, or no start.
        """
        self._idle_minutes = settings.embedded_idle_minutes
        last = self._last
        found = await self._ensure()
        if found.started:
            again = "again, because it had ended" if last is not None else "for this machine"
            tell(f"The embedded model's server was started {again} ({found.seconds:.1f} s).")

    async def endpoint(self) -> Endpoint:
        """Return where the server answers now; the client calls this before each attempt."""
        found = await self._ensure()
        return Endpoint(base_url=found.base_url, api_key=found.api_key)

    async def _ensure(self) -> LocalEndpoint:
        from analyst.llm.local import ensure_server  # noqa: PLC0415 - only where it is used

        self._last = await ensure_server(model=DEFAULT_MODEL, idle_seconds=self._idle_minutes * 60)
        return self._last
