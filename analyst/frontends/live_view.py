"""A run as it happens, in the output area of a notebook cell.

The run is published as a row of displays in the order of events: a part of HTML a step, charts
and tables as outputs of their own between the parts (so that the notebook's renderers draw
them, and the saved notebook has them), the answer last. Only the last part changes often, so
what the reader has unfolded stays unfolded and an update stays small. Nothing needs a kernel or
a widget to be seen again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from analyst.frontends import html, text
from analyst.frontends.cell_control import CONTROL
from analyst.frontends.outputs import Bundle, rich_bundle
from analyst.frontends.reducer import advance
from analyst.frontends.transcript import Remark, Step, Transcript
from analyst.record.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    MessageDelta,
    RunFinished,
)

INTERVAL = 0.1
"""Seconds between updates; longer when drawing is slow, so that it takes a tenth of the time."""

IDLE_INTERVAL = 1.0
"""Seconds between updates of the clock while nothing else happens."""


class Publisher(Protocol):
    """Where displays go."""

    def __call__(self, bundle: Bundle, display_id: str, *, update: bool) -> None:
        """Publish a MIME bundle, or replace the one that was published under its id."""
        ...


def publish_in_notebook(bundle: Bundle, display_id: str, *, update: bool) -> None:
    """Publish as an output of the cell that is running."""
    from IPython.display import display, update_display  # noqa: PLC0415  # late: not for the CLI

    publish = update_display if update else display
    publish(bundle, raw=True, display_id=display_id)  # type: ignore[no-untyped-call]


@dataclass
class _Part:
    """A display of HTML: some remarks, at most one step; the last one also holds the end."""

    display_id: str
    first: bool
    start: int
    has_step: bool = False
    drawn: tuple[object, ...] = ()
    sent: Bundle | None = None


@dataclass
class _Rich:
    """An output that has a display of its own, unless its bundle is None."""

    output: Mapping[str, Any]
    bundle: Bundle | None
    display_id: str


@dataclass
class LiveView:
    """Draws a run from its events; give it every event, and a tick now and then.

    ``quiet`` leaves out the steps: charts, tables, warnings and the answer remain.
    """

    publish: Publisher = publish_in_notebook
    quiet: bool = False
    clock: Callable[[], float] = time.monotonic
    transcript: Transcript = field(default_factory=Transcript)
    stopping: bool = False

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._flushed = float("-inf")
        self._interval = INTERVAL
        self._dirty = True
        self._id = uuid.uuid4().hex[:12]
        self._count = 0
        self._parts: list[_Part] = []
        self._placed = 0
        self._sealed = False
        self._rich: dict[str, _Rich] = {}

    def apply(self, event: Event) -> None:
        """Take an event in; it shows at once or with one of the next."""
        first_words = isinstance(event, MessageDelta) and not self.transcript.streaming
        self.transcript = advance(self.transcript, event)
        self._dirty = True
        if first_words or isinstance(event, ApprovalRequested | ApprovalResolved | RunFinished):
            self.flush()
        else:
            self.tick()

    def tick(self) -> None:
        """Draw what is due."""
        waited = self.clock() - self._flushed
        if waited >= (self._interval if self._dirty else IDLE_INTERVAL):
            self.flush()

    def fail(self, sentence: str) -> None:
        """End the view of a run whose end never came."""
        if self.transcript.status is None:
            self.transcript = replace(
                self.transcript,
                status="error",
                reason=sentence,
                streaming="",
                seconds=self.clock() - self._began,
            )
            self.flush()

    def flush(self) -> None:
        """Draw everything now."""
        began = self.clock()
        transcript = self.transcript
        if not self._parts:
            self._open_part(0)
        for index, item in enumerate(transcript.items):
            if index >= self._placed:
                self._place(index, item)
            if isinstance(item, Step):
                self._publish_rich(item)
        if self._sealed and (transcript.streaming or transcript.answer or transcript.status):
            self._open_part(len(transcript.items))
        self._publish_parts()
        self._dirty = False
        self._flushed = self.clock()
        self._interval = max(INTERVAL, 10 * (self._flushed - began))

    def _place(self, index: int, item: Step | Remark) -> None:
        part = self._parts[-1]
        is_step = isinstance(item, Step)
        if self._sealed or (is_step and part.has_step):
            part = self._open_part(index)
        part.has_step = part.has_step or is_step
        self._placed = index + 1

    def _open_part(self, start: int) -> _Part:
        part = _Part(display_id=self._new_id(), first=not self._parts, start=start)
        self._parts.append(part)
        self._sealed = False
        return part

    def _publish_rich(self, step: Step) -> None:
        """Give each chart or table of a step a display, after the part that is last by now."""
        for shown in step.outputs:
            known = self._rich.get(shown.key)
            if known is not None and known.output is shown.output:
                continue
            bundle = rich_bundle(shown.output)
            if known is not None and known.bundle is not None:
                known.output, known.bundle = shown.output, bundle or _EMPTY
                self.publish(known.bundle, known.display_id, update=True)
                continue
            rich = _Rich(shown.output, bundle, self._new_id())
            self._rich[shown.key] = rich
            if bundle is not None:
                self._publish_parts()
                self.publish(bundle, rich.display_id, update=False)
                self._sealed = True
        kept = {shown.key for shown in step.outputs}
        for key, rich in self._rich.items():
            gone = key.startswith(f"{step.call_id}/") and key not in kept
            if gone and rich.bundle is not None and rich.bundle is not _EMPTY:
                rich.bundle = _EMPTY
                self.publish(_EMPTY, rich.display_id, update=True)

    def _publish_parts(self) -> None:
        for number, part in enumerate(self._parts):
            last = number + 1 == len(self._parts)
            end = self._placed if last else self._parts[number + 1].start
            drawn = (last, *self.transcript.items[part.start : end])
            if not last and not part.first and _same(drawn, part.drawn):
                continue
            bundle = self._draw(part, drawn[1:], last=last)
            if bundle != part.sent:
                self.publish(bundle, part.display_id, update=part.sent is not None)
                part.sent, part.drawn = bundle, drawn

    def _draw(self, part: _Part, items: tuple[Any, ...], *, last: bool) -> Bundle:
        published = {key for key, rich in self._rich.items() if rich.bundle is not None}
        transcript = self.transcript
        pieces, lines = [], []
        if part.first:
            pieces += [html.style(), html.header(transcript), html.plan(transcript.plan)]
            lines += [text.header(transcript), text.plan(transcript.plan)]
        for item in items:
            if isinstance(item, Step):
                if not self.quiet:
                    pieces.append(html.step(item, published=published))
                    lines.append(text.step(item, published=published))
            elif not self.quiet or item.level != "info":
                pieces.append(html.remark(item))
                lines.append(text.remark(item))
        if last:
            end_pieces, end_lines = self._draw_end()
            pieces += end_pieces
            lines += end_lines
        bundle = {"text/html": html.part(*pieces), "text/plain": "\n".join(filter(None, lines))}
        if last and transcript.status is None:
            return {CONTROL: self._control(), **bundle}
        return bundle

    def _control(self) -> dict[str, Any]:
        """Return what the extension needs for its buttons."""
        waiting = self.transcript.waiting
        asked = asdict(waiting[0]) if waiting else None
        return {"run_id": self.transcript.run_id, "stopping": self.stopping, "approval": asked}

    def _draw_end(self) -> tuple[list[str], list[str]]:
        transcript = self.transcript
        pieces, lines = [], []
        if transcript.answer is not None:
            shown = (transcript.answer, transcript.values, transcript.ungrounded)
            pieces.append(html.answer(*shown))
            lines.append(text.answer(*shown))
        elif transcript.streaming and not self.quiet:
            pieces.append(html.draft(transcript.draft))
            lines.append(text.draft(transcript.draft))
        seconds = transcript.seconds if transcript.status else self.clock() - self._began
        pieces.append(html.footer(transcript, seconds=seconds, stopping=self.stopping))
        lines.append(text.footer(transcript, seconds=seconds, stopping=self.stopping))
        return pieces, lines

    def _new_id(self) -> str:
        self._count += 1
        return f"analyst-{self._id}-{self._count}"


_EMPTY: Bundle = {"text/plain": ""}


def _same(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    return len(new) == len(old) and all(a is b for a, b in zip(new, old, strict=True))
