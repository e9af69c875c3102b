"""A conversation's events from the logs of its runs, with the numbers they had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from analyst.frontends.server.numbered import NumberedEvents
from analyst.frontends.server.shelf import RunPlace
from analyst.record import events as ev
from analyst.record.log import log_path

_PROMPT = b'"type":"prompt"'
_HEAD = 300


def add_run(events: NumberedEvents, place: RunPlace, data_directory: Path) -> ev.Event | None:
    """Add what a log holds of a run; return its last event, ``None`` if nothing could be read.

    Pieces of replies that are there as a whole keep their numbers and are left out.
    """
    events.skip_to(place.first)
    found = list(_lines(place.run_id, data_directory))
    whole = {event.request for _, event in found if isinstance(event, ev.ModelResponded)}
    for line, event in found:
        if isinstance(event, ev.MessageDelta) and event.request in whole:
            events.skip_to(events.last + 2)
        else:
            events.add(line)
    return found[-1][1] if found else None


def _lines(run_id: str, data_directory: Path) -> Iterator[tuple[bytes, ev.Event]]:
    """Yield the lines of a log that go to the panel; its large values stay references."""
    try:
        with log_path(run_id, data_directory).open("rb") as file:
            for line in file:
                if _PROMPT in line[:_HEAD]:
                    continue
                try:
                    event = ev.EventCodec.parse(line)
                except ValueError:
                    continue  # torn by a crash, so that it was never told
                if not isinstance(event, ev.Prompt):
                    yield line.rstrip(b"\r\n"), event
    except (OSError, ValueError):
        return
