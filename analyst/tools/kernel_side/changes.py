"""Noticing what a cell did to the frames, and what it lost in doing so."""

from __future__ import annotations

import ast
from typing import Any

from .columns import parsed
from .frames import frames_of
from .nulls import lost_values, meant

LOST_SHARE = 0.05

_seen: dict[str, dict[str, Any]] = {}


def remember(name: str, frame: Any) -> None:
    """Take note of a frame's state, so that :func:`changes` tells what differs from it."""
    try:
        _seen[name] = _state(frame)
    except Exception:  # noqa: BLE001 - an odd frame must not break the run
        _seen.pop(name, None)


def known_states() -> dict[str, Any]:
    """Return what was taken note of, to be put back by :func:`know_only`."""
    return dict(_seen)


def know_only(states: dict[str, Any]) -> None:
    """Know of the frames what ``states`` say, and nothing else."""
    _seen.clear()
    _seen.update(states)


def changes(
    namespace: dict[str, Any],
    code: str = "",
    question: str = "",
    held: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Say which frames are new or differ in shape, types or nulls since the last call.

    Each entry: ``name``, ``rows``, ``columns`` (count), ``new``, ``text`` (a line for the model)
    and ``doubt`` (a sentence, or ``None``): values that a conversion turned into nulls. None are
    doubted that the ``code`` makes on purpose, or the ``question`` names; ``held`` are the frames
    as they were before.
    """
    result = []
    tree = parsed(code)
    frames = frames_of(namespace)
    before_all = dict(_seen)
    for name, frame in frames.items():
        try:
            state = _state(frame)
        except Exception:  # noqa: BLE001, S112 - an odd frame must not break the cell's report
            continue
        before = _seen.get(name)
        _seen[name] = state
        if before == state:
            continue
        origin = name if before else _origin(state, before_all)
        text, gone = _difference(name, frame, before_all.get(origin), state)
        older = (held or {}).get(origin)
        lost = [
            sentence
            for label, sentence in gone.items()
            if not _is_meant(label, older, frame, tree, question)
        ]
        result.append(
            {
                "name": name,
                "rows": state["rows"],
                "columns": frame.shape[1],
                "new": before is None,
                "text": text if before else f"new {_headline(name, frame)}",
                "doubt": f"In {name}, " + "; ".join(lost) + "." if lost else None,
            }
        )
    for name in set(_seen) - set(frames):
        del _seen[name]
    return result


def _state(frame: Any) -> dict[str, Any]:
    labels = [str(label) for label in frame.columns]
    if len(set(labels)) != len(labels):
        return {"rows": len(frame), "columns": {}}
    kinds = (str(kind) for kind in frame.dtypes)
    nulls = (int(count) for count in frame.isna().sum())
    return {
        "rows": len(frame),
        "columns": dict(zip(labels, zip(kinds, nulls, strict=True), strict=True)),
    }


def _is_meant(label: str, before: Any, after: Any, tree: ast.Module, question: str) -> bool:
    try:
        lost = None if before is None else lost_values(before[label], after[label])
        return meant(label, [*map(str, after.columns)], tree, question, lost)
    except Exception:  # noqa: BLE001 - odd labels or cells; what is lost is then doubted
        return False


def _origin(state: dict[str, Any], others: dict[str, dict[str, Any]]) -> str:
    """Name the older frame a new one was most likely copied from: same rows, shared columns."""
    for name, other in others.items():
        if other["rows"] == state["rows"] and other["columns"].keys() <= state["columns"].keys():
            return name
    return ""


def _headline(name: str, frame: Any) -> str:
    labels = [repr(label) for label in frame.columns[:12]]
    more = ", …" if frame.shape[1] > len(labels) else ""
    return f"{name}: {len(frame)} rows x {frame.shape[1]} columns: {', '.join(labels)}{more}"


def _difference(
    name: str, frame: Any, before: dict[str, Any] | None, state: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    """Word the difference; besides, by column, that values became nulls."""
    if before is None:
        return _headline(name, frame), {}
    lost: dict[str, str] = {}
    shape = (state["rows"], len(state["columns"]))
    parts = []
    if shape != (before["rows"], len(before["columns"])):
        parts.append(f"{shape[0]} rows x {shape[1]} columns")
    for label, (kind, nulls) in state["columns"].items():
        old = before["columns"].get(label)
        if old is None:
            parts.append(f"{label!r} added ({kind}" + (f", {nulls} null)" if nulls else ")"))
            continue
        if old == (kind, nulls):
            continue
        parts.append(f"{label!r} {old[0]} → {kind}, nulls {old[1]} → {nulls}")
        if nulls - old[1] > LOST_SHARE * state["rows"] and state["rows"] == before["rows"]:
            lost[label] = f"{label!r} had {old[1]} nulls and now has {nulls}"
    gone = [label for label in before["columns"] if label not in state["columns"]]
    if gone:
        parts.append("dropped " + ", ".join(map(repr, gone[:12])))
    return f"{name} changed: " + "; ".join(parts[:12]), lost
