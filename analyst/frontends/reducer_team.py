"""How the turns of a team are told in what a run looks like: a line when one begins and ends.

Pure functions for :mod:`analyst.frontends.reducer`, which has the rest; the panel does the same in
TypeScript.
"""

from __future__ import annotations

from dataclasses import replace

from analyst.frontends.transcript import Remark, Transcript
from analyst.record import events as ev

MOST_CHARACTERS = 300
"""Of what a role said that its line holds; the record has all of it."""


def turn_started(transcript: Transcript, event: ev.TeamTurnStarted) -> Transcript:
    """Say whose turn it is, and why."""
    return _told(transcript, "team_turn_started", f"{event.role}'s turn: {event.reason}")


def turn_finished(transcript: Transcript, event: ev.TeamTurnFinished) -> Transcript:
    """Say what a role said; it is no draft of the answer any more."""
    does = "came to nothing" if event.failed else ev.TEAM_VERBS[event.kind]
    line = " ".join(event.text.split())
    if len(line) > MOST_CHARACTERS:
        line = line[: MOST_CHARACTERS - 1] + "…"
    text = f"{event.role} {does}: {line}" if line else f"{event.role} {does}."
    return _told(replace(transcript, streaming=""), "team_turn_finished", text)


def finished(transcript: Transcript, event: ev.TeamFinished) -> Transcript:
    """Say why nobody else has a turn."""
    return _told(transcript, "team_finished", f"The team is done: {event.reason}")


def _told(transcript: Transcript, code: str, text: str) -> Transcript:
    remark = Remark(level="info", code=code, text=text)
    return replace(transcript, items=(*transcript.items, remark))
