"""What the server itself has to say in a conversation: notes after the last run, and ends of runs.

Here: the words and the events. Not here: when they are said
(:mod:`analyst.frontends.server.conversation`).
"""

from __future__ import annotations

from analyst.record import events as ev

CUT_OFF = "The server ended while this run was going on; what was told until then is here."
ELSEWHERE = "This run is another Jupyter server's, where it may go on; open it there."
KERNEL_LOST = (
    "The agent's kernel of this conversation has ended: its variables are gone, and the agent has "
    "forgotten what was said. The next question starts afresh."
)
WAS_RESET = "The agent starts afresh: a new kernel, no variables, no earlier questions."


def note_after(last: ev.Event, code: str, text: str, *, level: ev.NoteLevel = "info") -> ev.Note:
    """Return a note as one of the run of ``last``."""
    return ev.Note(
        run_id=last.run_id, seq=last.seq + 1, t=last.t, level=level, code=code, text=text
    )


def end_after(last: ev.Event, status: ev.RunStatus, reason: str) -> ev.RunFinished:
    """Return the end of a run that told none."""
    return ev.RunFinished(
        run_id=last.run_id,
        seq=last.seq + 1,
        t=last.t,
        status=status,
        reason=reason,
        seconds=last.t,
    )
