"""Prompts in a log: each holds only what the one before did not.

The context of a run only grows, so writing every prompt whole would make a log of a size
that goes with the square of the steps. Here: the cut, and its undoing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analyst.record.events import Event, Prompt


class PromptUnavailableError(LookupError):
    """The log does not hold what is needed to tell the messages of that request."""


def shared_prefix(
    before: Sequence[Mapping[str, Any]], messages: Sequence[Mapping[str, Any]]
) -> int:
    """Return ``prefix`` for the event of ``messages``, sent after ``before`` in the same run.

    It is the length of ``before`` when ``messages`` continues it, else 0: then the event holds
    all of them. The event's ``messages`` are ``messages[prefix:]``.
    """
    if len(before) > len(messages):
        return 0
    same = all(old == new for old, new in zip(before, messages, strict=False))
    return len(before) if same else 0


def rebuild_messages(events: Iterable[Event], request: int) -> list[dict[str, Any]]:
    """Return the messages of request ``request`` as they were sent.

    Raises :class:`PromptUnavailableError` when the run made no such request, or when a prompt
    it builds upon is lost.
    """
    messages: list[dict[str, Any]] = []
    last: int | None = None
    for event in events:
        if not isinstance(event, Prompt):
            continue
        continues = last is not None and event.request - 1 == last
        whole = event.prefix == 0 or (continues and event.prefix <= len(messages))
        if event.request == request and not whole:
            break
        if whole:
            messages = [*messages[: event.prefix], *event.messages]
            last = event.request
        else:
            last = None
        if event.request == request:
            return messages
    raise PromptUnavailableError(f"the log does not hold the messages of request {request}")
