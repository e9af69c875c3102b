"""Mistakes of the user, and states of a session that the user can end, as typed exceptions.

Each message is one sentence or two that say what to do; front ends show it without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FrontEndError(Exception):
    """Something the user can put right; the message says how."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this; our own frames would tell the user nothing.
        return [str(self)]


class OptionError(FrontEndError):
    """The options of a magic or command are not right."""


class EmptyQuestionError(FrontEndError):
    """A run was started without a question."""


class UnknownDataError(FrontEndError):
    """A frame or file that was named is not there, or is not data."""


class RunInProgressError(FrontEndError):
    """The session answers another question already."""


class RunNotStoppedError(FrontEndError):
    """A run was stopped but did not come to its end in time."""


class RunFailedError(FrontEndError):
    """A strict run did not end well; ``status`` and ``reason`` are those of the run."""

    def __init__(self, status: str, reason: str | None) -> None:
        told = f": {reason}" if reason else "."
        super().__init__(f"The agent's run did not end well ({status}){told}")
        self.status = status
        self.reason = reason


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean X?" for the known word most like ``word``, or an empty string."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {matches[0]}?" if matches else ""
