"""Snapshots of all frames at the start of a question, so that a failed try can be undone."""

from __future__ import annotations

from typing import Any

from .changes import know_only, known_states, remember
from .frames import frames_of, loaded_pandas
from .values import HIDDEN

SNAPSHOT_BYTES = 200 * 1024 * 1024
"""Larger frames are left out where pandas would really copy them."""

_snapshot: dict[str, Any] = {}
_before: dict[str, Any] = {}
_start: dict[str, Any] = {}
_ran: list[str] = []
_aside: dict[str, Any] = {}
_aside_states: dict[str, Any] = {}


def begin(namespace: dict[str, Any], names: list[str]) -> None:
    """Take a snapshot of all frames, so that :func:`roll_back` can undo a failed try.

    Costs nothing with pandas' copy on write; without it, large frames are left out. ``names``
    are the variables that the question asks for: what they hold now is no answer to it.
    """
    _snapshot.clear()
    _before.clear()
    _ran.clear()
    _before.update((name, namespace.get(name)) for name in names)
    _start.clear()
    _start.update(_own(namespace))
    for name, frame in frames_of(namespace).items():
        try:
            if copies_on_write() or frame.memory_usage().sum() < SNAPSHOT_BYTES:
                _snapshot[name] = frame.copy(deep=not copies_on_write())
        except Exception:  # noqa: BLE001, S112 - an odd frame must not break the run
            continue


def snapshot() -> dict[str, Any]:
    """Return the frames as they were at :func:`begin`."""
    return dict(_snapshot)


def ran(code: str) -> None:
    """Take note of code that ran for the question."""
    _ran.append(code)


def all_code() -> str:
    """Return all code that ran since :func:`begin`, or since it was undone."""
    return "\n".join(_ran)


def is_new(name: str, value: Any) -> bool:
    """Tell whether ``name`` holds something else than at :func:`begin`."""
    return name not in _before or value is not _before[name]


def roll_back(namespace: dict[str, Any]) -> None:
    """Put the frames, and the variables asked for, back as they were at :func:`begin`."""
    _ran.clear()
    for name, value in _before.items():
        if value is None:
            namespace.pop(name, None)
        else:
            namespace[name] = value
    for name, frame in _snapshot.items():
        namespace[name] = frame.copy(deep=not copies_on_write())
        remember(name, frame)


def set_aside(namespace: dict[str, Any]) -> None:
    """Put all variables away and go back to :func:`begin`, for a computation of its own."""
    _aside.clear()
    _aside.update(_own(namespace))
    _aside_states.clear()
    _aside_states.update(known_states())
    start_again(namespace)


def start_again(namespace: dict[str, Any]) -> None:
    """Go back to :func:`begin`, also in what was defined or given another value since then."""
    for name in _own(namespace).keys() - _start.keys():
        del namespace[name]
    namespace.update(_start)
    roll_back(namespace)


def bring_back(namespace: dict[str, Any]) -> None:
    """Undo all since :func:`set_aside`."""
    for name in _own(namespace).keys() - _aside.keys():
        del namespace[name]
    namespace.update(_aside)
    know_only(_aside_states)
    _aside.clear()
    _aside_states.clear()


def _own(namespace: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in HIDDEN
    }


def copies_on_write() -> bool:
    """Tell whether pandas copies only what is written to, so that snapshots are free."""
    pandas = loaded_pandas()
    return pandas is not None and int(pandas.__version__.split(".")[0]) >= 3
