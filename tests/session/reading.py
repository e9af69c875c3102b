"""Reading a run's events in tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from analyst.record import events
from analyst.session import Session

E = TypeVar("E", bound=events.EventBase)


async def collect(session: Session, question: str, **options: Any) -> list[events.Event]:
    return [event async for event in session.ask(question, **options)]


def of_kind(stream: Iterable[Any], kind: type[E]) -> list[E]:
    return [event for event in stream if isinstance(event, kind)]


def the_answer(stream: Iterable[events.EventBase]) -> events.Answer:
    (answer,) = of_kind(stream, events.Answer)
    return answer
