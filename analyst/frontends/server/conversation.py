"""One conversation: its runs as numbered events, and the session that makes them.

Here: asking, stopping, starting afresh, and what the server itself has to say. Not here: which
conversations there are (:mod:`analyst.frontends.server.conversations`), files
(:mod:`analyst.frontends.server.shelf`), the lines that are told
(:mod:`analyst.frontends.server.told`).

Everything but reading events happens in the agents' thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analyst.agent.approval import Decided
from analyst.frontends.server import remarks
from analyst.frontends.server.errors import BusyError
from analyst.frontends.server.numbered import NumberedEvents
from analyst.frontends.server.private_blobs import PrivateBlobs
from analyst.frontends.server.shelf import Hold, Record, RunPlace, now
from analyst.frontends.server.told import Told
from analyst.frontends.untrusted import one_line
from analyst.record import events as ev
from analyst.record.blobs import BlobStore
from analyst.session import Session
from kernel_sandbox import WrittenFile

_log = logging.getLogger(__name__)

TITLE_LENGTH = 80
STOP_SECONDS = 1.0
"""How long a request to stop waits for the end of the run."""

_UNSEEN = 1_000_000
"""More events than a run has: numbers that are not used again after a run without a record."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with all that goes along; see :meth:`analyst.session.Session.ask`."""

    question: str
    data: Mapping[str, object] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    findings: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


class Conversation:
    """A session and what it has told so far.

    ``keep`` writes the record down; ``make_session`` is called when the first question comes.
    ``copies``: what was taken of the files that the agent's code wrote, and where it is.
    """

    def __init__(
        self,
        record: Record,
        events: NumberedEvents,
        *,
        blobs: BlobStore,
        keep: Callable[[Record], None],
        make_session: Callable[[str | None], Session],
        last_event: ev.Event | None = None,
    ) -> None:
        self.record = record
        self.has_private_runs = False
        self.copies: dict[tuple[WrittenFile, Path], Path] = {}
        self.hold: Hold | None = None
        self.run_ids = [place.run_id for place in record.runs]
        self._told = Told(events, blobs, last_event)
        self._keep = keep
        self._make_session = make_session
        self._session: Session | None = None
        self._pump: asyncio.Task[None] | None = None
        self._claimed = False
        self._withdrawn = False

    @property
    def busy(self) -> bool:
        """Whether a run is going on, or about to."""
        return self._claimed or (self._pump is not None and not self._pump.done())

    @property
    def session(self) -> Session | None:
        """The session, if one was needed so far."""
        return self._session

    @property
    def events(self) -> NumberedEvents:
        """What was told, for readers."""
        return self._told.events

    @property
    def private_blobs(self) -> PrivateBlobs:
        """The large values of private runs."""
        return self._told.private_blobs

    @property
    def last_event(self) -> ev.Event | None:
        """What was told last."""
        return self._told.last_event

    def described(self) -> dict[str, Any]:
        """Return what the panel's list shows of it."""
        return self.record.described() | {
            "runs": list(self.run_ids),
            "busy": self.busy,
            "number": self.events.last,
        }

    def claim(self) -> None:
        """Keep others from asking while a question's data are fetched; raises BusyError."""
        if self.busy:
            raise BusyError("A run is going on in this conversation; stop it, or wait for its end.")
        self._claimed, self._withdrawn = True, False

    def release(self) -> None:
        """Undo :meth:`claim`; any thread may call this."""
        self._claimed = False

    async def ask(self, asked: Asked, settings: Any) -> tuple[str, int]:
        """Start a run; return its id and the number of its first event, when it has begun.

        Raises what :meth:`Session.ask` raises, and :class:`BusyError`. Call it with a claim.
        """
        if self._withdrawn:
            raise BusyError("The question was withdrawn before it reached the agent.")
        if self._session is None:
            self._session = self._make_session(self.record.notebook)
        self._session.settings = settings
        self.events.forget_superseded()
        begun: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self._pump = asyncio.create_task(self._play(self._session, asked, begun))
        return await begun

    async def stop(self) -> bool:
        """Stop the run; return whether it has ended, after :data:`STOP_SECONDS` at the latest."""
        self._withdrawn = True
        pump, session = self._pump, self._session
        if pump is None or pump.done() or session is None:
            return True
        stopping = asyncio.create_task(session.stop())
        await asyncio.wait({pump}, timeout=STOP_SECONDS)
        # It goes on stopping; the reference keeps it from being collected meanwhile.
        stopping.add_done_callback(_tell_failure)
        return pump.done()

    def resolve(self, call_id: str, decision: Decided, text: str | None, *, always: bool) -> bool:
        """Decide what waits; False if nothing waits under that id."""
        if self._session is None:
            return False
        return self._session.resolve_approval(call_id, decision, text=text, always=always)

    def material(self) -> tuple[list[bytes], dict[str, object], dict[str, Path]]:
        """Return what a notebook is made from: the events, the frames and files handed over."""
        lines = [
            line.data for line in self.events.lines_after(0, superseded_after=self.events.last)
        ]
        if self._session is None:
            return lines, {}, {}
        room = self._session.data_room
        return lines, dict(room.frames), dict(room.files)

    async def reset(self) -> None:
        """Stop the run, and give the session a new kernel and a fresh conversation."""
        self._withdrawn = True
        if self._session is None:
            return
        await self._session.reset()
        if self._pump is not None:
            await asyncio.wait({self._pump})
        self._told.remark("conversation_reset", remarks.WAS_RESET)
        self._note_end()

    async def rest(self) -> None:
        """End the kernel of an idle conversation; the next question starts another."""
        session, self._session = self._session, None
        if session is None:
            return
        # First: who asks while the kernel ends gets another one, and holds the conversation anew.
        self._told.remark("kernel_lost", remarks.KERNEL_LOST)
        self._let_go()
        await session.aclose()

    async def aclose(self) -> None:
        """Stop the run, and end the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()
        if self._pump is not None and not self._pump.done():
            await asyncio.wait({self._pump}, timeout=STOP_SECONDS)
        self._let_go()

    def tell_of_end(self) -> None:
        """Say of a conversation that was read from disk what is no more."""
        self._told.remark("kernel_lost", remarks.KERNEL_LOST)

    def cut_off(self, *, elsewhere: bool) -> None:
        """Say that the last run has no end, and give it one.

        ``elsewhere``: it may well go on in another server.
        """
        if elsewhere:
            self._told.remark("elsewhere", remarks.ELSEWHERE, level="warning")
            self._told.end_run("stopped", "it is another server's")
            return
        self._told.remark("cut_off", remarks.CUT_OFF, level="warning")
        self._told.end_run("stopped", "the server ended while it was going on")

    def _let_go(self) -> None:
        hold, self.hold = self.hold, None
        if hold is not None:
            hold.release()

    async def _play(
        self, session: Session, asked: Asked, begun: asyncio.Future[tuple[str, int]]
    ) -> None:
        playing = session.ask(
            asked.question,
            data=asked.data,
            files=asked.files,
            findings=asked.findings,
            values=asked.values,
            overrides=asked.overrides,
            notebook=self.record.notebook,
            attended=True,
        )
        try:
            async for event in playing:
                self._take(event)
                if not begun.done():
                    begun.set_result((event.run_id, self.events.last))
        except Exception as error:  # noqa: BLE001  # raised in the caller, or told and logged
            if not begun.done():
                begun.set_exception(error)
                return
            _log.exception("a run ended by an error in the analyst")
        finally:
            if not begun.done():
                begun.set_exception(BusyError("The server is ending."))
        self._told.end_run("error", "it ended without saying why; the server's log may say more")
        self._note_end()

    def _take(self, event: ev.Event) -> None:
        if isinstance(event, ev.Prompt):
            return
        if isinstance(event, ev.RunStarted):
            self._note_start(event)
        self._told.take(event)

    def _note_start(self, event: ev.RunStarted) -> None:
        private = bool(event.settings.get("private"))
        self._told.begin_run(private=private)
        self.run_ids.append(event.run_id)
        record = self.record
        if private:
            self.has_private_runs = True
            record.next = max(record.next, self.events.last + _UNSEEN)
        else:
            record.runs.append(RunPlace(event.run_id, self.events.last + 1))
            record.title = record.title or one_line(event.question, TITLE_LENGTH)
        self._keep_record()

    def _note_end(self) -> None:
        if not self._told.private:
            self.record.next = self.events.last + 1
        self._keep_record()

    def _keep_record(self) -> None:
        self.record.last = now()
        try:
            self._keep(self.record)
        except OSError as error:
            text = f"This conversation cannot be kept: {error.strerror or error}."
            _log.warning(text)
            self._told.remark("not_kept", text, level="warning")


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.warning("a run could not be stopped", exc_info=task.exception())
