"""The embedded model as a session uses it: see to weights and server, say what that takes.

Here: the adapter between a session and the local server. Not here: the server's life
(:mod:`analyst.llm.local`), its caches (:mod:`analyst.llm.local_slots`) or the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.completion import Message
from analyst.llm.endpoint import Endpoint
from analyst.settings import Settings

if TYPE_CHECKING:
    from analyst.llm.local import LocalEndpoint
    from analyst.llm.local_slots import SlotLease

_begun: set[tuple[str, int, str]] = set()
"""Server, slot and opening that this process has warmed: what such a slot holds by now begins
with the opening, and probably goes on with something worth keeping."""


class EmbeddedModel:
    """Finds the shared local server, or starts it, before each request.

    It holds one of the server's cache slots for as long as it is open, so that conversations
    side by side do not push each other's prompts out of the cache.
    """

    def __init__(self) -> None:
        self._idle_minutes = 30.0
        self._opening: Sequence[Message] = ()
        self._tell: Callable[[str], None] = lambda _: None
        self._last: LocalEndpoint | None = None
        self._lease: SlotLease | None = None

    async def prepare(
        self, settings: Settings, opening: Sequence[Message], tell: Callable[[str], None]
    ) -> None:
        """See to a server that answers, its cache warm with ``opening``.

        ``tell`` gets a sentence, now and during the run, whenever one had to be started. Raises
        :class:`analyst.llm.completion.ModelError`: no weights, or no start.
        """
        self._idle_minutes = settings.embedded_idle_minutes
        self._opening = opening
        self._tell = tell
        await self._ensure()

    async def endpoint(self) -> Endpoint:
        """Return where the server answers now; the client calls this before each attempt."""
        found = await self._ensure()
        slot = self._lease.number if self._lease is not None else None
        return Endpoint(base_url=found.base_url, api_key=found.api_key, slot=slot)

    def release(self) -> None:
        """Give the cache slot back. The server goes on for other sessions."""
        if self._lease is not None:
            self._lease.release()
        self._lease = None
        self._last = None

    async def _ensure(self) -> LocalEndpoint:
        from analyst.llm.local import ensure_server  # noqa: PLC0415 - only where it is used
        from analyst.llm.local_slots import lease_slot, warm  # noqa: PLC0415 - as above

        found = await ensure_server(
            model=DEFAULT_MODEL, previous=self._last, idle_seconds=self._idle_minutes * 60
        )
        if found.restarted:
            self._tell("The embedded model's server had died and was started again.")
        elif found.started:
            self._tell(f"The embedded model's server was started ({found.seconds:.1f} s).")
        if self._last is None or self._last.instance != found.instance:
            if self._lease is None:
                self._lease = lease_slot(found.slots)
            begun = (found.instance, self._lease.number, str(self._opening))
            if begun not in _begun:
                await warm(found, self._opening, slot=self._lease.number)
                _begun.add(begun)
        self._last = found
        return found
