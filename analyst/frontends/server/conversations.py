"""All conversations: found, made, renamed, deleted, and given up when there are too many.

Here: which are in memory, and which of those have a kernel. Not here: what one does
(:mod:`analyst.frontends.server.conversation`). All of it happens in the agents' thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analyst.frontends.server import rebuilding
from analyst.frontends.server.conversation import Conversation
from analyst.frontends.server.errors import BusyError, NotThereError
from analyst.frontends.server.numbered import NumberedEvents, Wake
from analyst.frontends.server.shelf import Record, Shelf
from analyst.record import events as ev
from analyst.record.log import blob_store
from analyst.session import Session

MOST_IN_MEMORY = 32
"""Conversations whose events are in memory, besides those that somebody reads."""

_KEPT_TITLE = 200


class Conversations:
    """The conversations of one server.

    ``most_kernels``: idle kernels above this number are ended, those first that were not used for
    longest. ``make_session`` gets the notebook of the conversation.
    """

    def __init__(
        self,
        *,
        wake: Wake,
        make_session: Callable[[str | None], Session],
        data_directory: Path,
        most_kernels: int,
    ) -> None:
        self._wake = wake
        self._make_session = make_session
        self._data_directory = data_directory
        self._most_kernels = most_kernels
        self._shelf = Shelf(data_directory)
        self._blobs = blob_store(data_directory)
        self._loaded: OrderedDict[str, Conversation] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Conversation]] = {}

    @property
    def running(self) -> int:
        """How many runs are going on."""
        return sum(one.busy for one in list(self._loaded.values()))

    async def listed(self) -> list[dict[str, Any]]:
        """Describe all, newest first."""
        records = {record.id: record.described() for record in await self._on_shelf()}
        records |= {one.record.id: one.described() for one in self._loaded.values()}
        return sorted(records.values(), key=lambda one: one["created_at"], reverse=True)

    async def create(self, title: str, notebook: str | None) -> dict[str, Any]:
        """Make a conversation; raises :class:`OSError` when it cannot be kept."""
        record = Record(title=title[:_KEPT_TITLE], notebook=notebook)
        self._shelf.keep(record)
        conversation = self._conversation(record, NumberedEvents(self._wake), None)
        self._loaded[record.id] = conversation
        return conversation.described()

    async def change(self, conversation_id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Set title or notebook."""
        conversation = await self.get(conversation_id)
        if "title" in changes:
            conversation.record.title = str(changes["title"])[:_KEPT_TITLE]
        if "notebook" in changes:
            conversation.record.notebook = changes["notebook"]
        self._shelf.keep(conversation.record)
        return conversation.described()

    async def delete(self, conversation_id: str) -> Conversation:
        """Stop and forget a conversation; its runs stay on record. Its readers are to be ended."""
        conversation = await self.get(conversation_id)
        self._loaded.pop(conversation_id, None)
        self._shelf.remove(conversation_id)
        await conversation.aclose()
        # A run that was stopped just now has noted its end.
        self._shelf.remove(conversation_id)
        return conversation

    async def get(self, conversation_id: str) -> Conversation:
        """Return a conversation, from disk if need be; raises :class:`NotThereError`."""
        conversation = self._loaded.get(conversation_id)
        if conversation is None:
            task = self._loading.get(conversation_id)
            if task is None:
                task = asyncio.create_task(self._load(conversation_id))
                self._loading[conversation_id] = task
                task.add_done_callback(lambda _: self._loading.pop(conversation_id, None))
            loaded = await asyncio.shield(task)
            conversation = self._loaded.setdefault(conversation_id, loaded)
        self._loaded.move_to_end(conversation_id)
        return conversation

    async def claim(self, conversation_id: str) -> Conversation:
        """Return a conversation that nobody else can ask until it is released."""
        conversation = await self.get(conversation_id)
        if conversation.hold is None:
            conversation = await self._held(conversation)
        conversation.claim()
        await self._make_room()
        return conversation

    async def _held(self, conversation: Conversation) -> Conversation:
        """Take a conversation from other servers, with what they have added to it."""
        name = conversation.record.id
        hold = self._shelf.hold(name)
        if hold is None:
            raise BusyError(
                "This conversation is open in another Jupyter server; go on there, end that "
                "server, or begin a new conversation."
            )
        try:
            kept = await asyncio.to_thread(self._shelf.get, name)
            if kept is not None and kept != conversation.record:
                self._loaded.pop(name, None)
                self._wake(conversation.events.close)
                conversation = await self.get(name)
        except BaseException:
            hold.release()
            raise
        conversation.hold = hold
        return conversation

    def private_value(self, digest: str) -> bytes | None:
        """Return a large value of a private run."""
        for conversation in list(self._loaded.values()):
            value = conversation.private_blobs.get(digest)
            if value is not None:
                return value
        return None

    async def aclose(self) -> None:
        """Stop all runs and end all sessions."""
        conversations = [*self._loaded.values()]
        self._loaded.clear()
        await asyncio.gather(*(one.aclose() for one in conversations), return_exceptions=True)

    def close_readers(self) -> None:
        """End all streams; called in the server's loop."""
        for conversation in list(self._loaded.values()):
            conversation.events.close()

    async def _on_shelf(self) -> list[Record]:
        return await asyncio.to_thread(self._shelf.all)

    async def _load(self, conversation_id: str) -> Conversation:
        record = self._shelf.get(conversation_id)
        if record is None:
            raise NotThereError(
                "There is no such conversation any more; choose another one, or begin one."
            )
        conversation = await asyncio.to_thread(self._rebuilt, record)
        self._loaded[conversation_id] = conversation
        return conversation

    def _rebuilt(self, record: Record) -> Conversation:
        events = NumberedEvents(self._wake)
        elsewhere = self._shelf.is_held_elsewhere(record.id)
        last: ev.Event | None = None
        for place in record.runs:
            found = rebuilding.add_run(events, place, self._data_directory)
            if found is None:
                continue
            last = found
            if not isinstance(found, ev.RunFinished):
                # The run after it began behind the numbers of these.
                conversation = self._conversation(record, events, found)
                conversation.cut_off(elsewhere=elsewhere)
                last = conversation.last_event
        events.skip_to(record.next)
        conversation = self._conversation(record, events, last)
        conversation.tell_of_end()
        return conversation

    def _conversation(
        self, record: Record, events: NumberedEvents, last: ev.Event | None
    ) -> Conversation:
        return Conversation(
            record,
            events,
            blobs=self._blobs,
            keep=self._shelf.keep,
            make_session=self._make_session,
            last_event=last,
        )

    async def _make_room(self) -> None:
        """End kernels, and then forget events, of what was not used for longest."""
        idle = [one for one in self._loaded.values() if not one.busy]
        resting = [one for one in idle if one.session is not None]
        kernels = sum(one.session is not None for one in self._loaded.values())
        for conversation in resting[: max(0, kernels - self._most_kernels + 1)]:
            if not conversation.busy:
                await conversation.rest()
        unread = [one for one in idle if not one.events.readers and not one.has_private_runs]
        for conversation in unread[: max(0, len(self._loaded) - MOST_IN_MEMORY)]:
            if not conversation.busy and conversation.record.id in self._loaded:
                del self._loaded[conversation.record.id]
                await conversation.aclose()
