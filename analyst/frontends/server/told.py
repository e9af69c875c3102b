"""What one conversation has told: its events as numbered lines, and who supersedes whom.

Here: how events become lines, where their large values go, and what the server itself adds after
a run. Not here: where events come from (:mod:`analyst.frontends.server.conversation`), and who
reads the lines (:mod:`analyst.frontends.server.numbered`).
"""

from __future__ import annotations

from analyst.frontends.server import remarks
from analyst.frontends.server.numbered import Line, NumberedEvents
from analyst.frontends.server.private_blobs import PrivateBlobs
from analyst.record import events as ev
from analyst.record.blobs import BlobStore
from analyst.record.log import encode_event


class Told:
    """The lines of a conversation, and its last event.

    ``blobs``: where large values go, unless the run is ``private``.
    """

    def __init__(
        self, events: NumberedEvents, blobs: BlobStore, last_event: ev.Event | None
    ) -> None:
        self.events = events
        self.private_blobs = PrivateBlobs()
        self.private = False
        self.last_event = last_event
        self._blobs = blobs
        self._pieces: list[Line] = []

    def begin_run(self, *, private: bool) -> None:
        """Take note that what follows is another run's."""
        self._pieces.clear()
        self.private = private

    def take(self, event: ev.Event) -> None:
        """Tell an event; the pieces of a reply that is whole by it are superseded."""
        store = self.private_blobs if self.private else self._blobs
        line = self.events.add(encode_event(event, store))
        self.last_event = event
        if isinstance(event, ev.MessageDelta):
            self._pieces.append(line)
        elif isinstance(event, ev.ModelResponded):
            for piece in self._pieces:
                piece.superseded = True
            self._pieces.clear()

    def remark(self, code: str, text: str, *, level: ev.NoteLevel = "info") -> None:
        """Tell a note of the server's own, as one of the last run."""
        if self.last_event is not None:
            self._add(remarks.note_after(self.last_event, code, text, level=level))

    def end_run(self, status: ev.RunStatus, reason: str) -> None:
        """Tell the end of the last run, which told none; nothing where it did."""
        last = self.last_event
        if last is not None and not isinstance(last, ev.RunFinished):
            self._add(remarks.end_after(last, status, reason))

    def _add(self, event: ev.Event) -> None:
        self.last_event = event
        self.events.add(event.model_dump_json().encode())
