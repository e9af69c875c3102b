"""The log of a run: its events as JSON lines in a private file, safe against crashes.

Here: writing and reading one log. Not here: looking over many (:mod:`analyst.record.runs`),
and the rebuilding of prompts (:mod:`analyst.record.prompts`).

A line is one event. A process that dies while writing leaves a torn last line, which costs
that one event and nothing else: readers skip it, and a writer that comes later begins on a
fresh line. What is written can be read: an event that holds values JSON has no place for is
recorded with their nearest likeness.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from analyst.record.blobs import BlobStore
from analyst.record.events import Event, EventCodec, OutputEmitted, RunFinished
from analyst.record.files import data_directory, private_directory

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_DEEPEST = 100
_LARGEST_INTEGER = 10**300


class RunLogError(Exception):
    """The log could not be written or read; the message names file and reason."""


def new_run_id(now: datetime | None = None) -> str:
    """Return an id that sorts by time: UTC to the millisecond, then six random characters."""
    now = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(3)}"


def runs_directory(directory: Path | None = None) -> Path:
    """Return where logs are kept in the data directory ``directory`` (default: the user's)."""
    return (directory or data_directory()) / "runs"


def blob_store(directory: Path | None = None) -> BlobStore:
    """Return the store of large values that all runs of the data directory share."""
    return BlobStore((directory or data_directory()) / "blobs")


def log_path(run_id: str, directory: Path | None = None) -> Path:
    """Return the file of a run; raises :class:`ValueError` for what is no run id."""
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError(f"{run_id!r} is no run id")
    return runs_directory(directory) / f"{run_id}.jsonl"


class RunLog:
    """Appends the events of one run to its file, which it creates if need be.

    ``directory`` is the data directory. Usable from several threads. While it is open, a
    shared lock on the file tells :func:`analyst.record.runs.list_runs` that the run is alive.
    Raises :class:`RunLogError` when the file cannot be opened or written.
    """

    def __init__(self, run_id: str, *, directory: Path | None = None) -> None:
        self.run_id = run_id
        self.path = log_path(run_id, directory)
        self._blobs = blob_store(directory)
        self._lock = threading.Lock()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            private_directory(self.path.parent)
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as err:
            raise RunLogError(f"cannot open the log {self.path}: {err.strerror}") from err
        self._closed = False
        with contextlib.suppress(OSError):  # without locks a run merely looks interrupted
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        size = os.fstat(self._descriptor).st_size
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def append(self, event: Event) -> None:
        """Write one event; when this returns, the event outlives this process.

        Raises :class:`RunLogError` when it cannot be written, for instance on a full disk.
        """
        if event.run_id != self.run_id:
            raise ValueError(f"event of run {event.run_id} for the log of {self.run_id}")
        with self._lock:
            if self._closed:
                raise RunLogError(f"the log {self.path} is closed")
            try:
                self._write(encode_event(event, self._blobs) + b"\n")
                if isinstance(event, RunFinished):
                    os.fsync(self._descriptor)
            except OSError as err:
                raise RunLogError(f"cannot write the log {self.path}: {err.strerror}") from err

    def _write(self, line: bytes) -> None:
        rest = memoryview(b"\n" + line if self._torn else line)
        while rest:
            # Until all of it is written, the file ends in a torn line.
            written = os.write(self._descriptor, rest)
            rest = rest[written:]
            self._torn = bool(rest)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class RunRecord:
    """What could be read of a log.

    ``skipped`` counts lines that are no events of ours: torn, garbled, or of a newer version.
    ``lost_values`` counts large values whose blob is gone. Iterating gives the events.
    """

    run_id: str
    events: list[Event]
    skipped: int = 0
    lost_values: int = 0

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def read_run(run_id: str, *, directory: Path | None = None) -> RunRecord:
    """Read a log, leaving out what cannot be read; ``directory`` is the data directory.

    Raises :class:`RunLogError` when the file is missing or may not be read. Ids the user
    typed go through :func:`analyst.record.runs.find_run` first.
    """
    path, blobs = log_path(run_id, directory), blob_store(directory)
    events: list[Event] = []
    skipped = lost_values = 0
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.strip():
                    continue
                try:
                    event, lost = decode_event(line, blobs)
                except ValueError:
                    skipped += 1
                else:
                    events.append(event)
                    lost_values += lost
    except OSError as err:
        raise RunLogError(f"cannot read the log {path}: {err.strerror}") from err
    return RunRecord(run_id, events, skipped, lost_values)


def encode_event(event: Event, blobs: BlobStore) -> bytes:
    """Return the line for ``event``, its large values put into ``blobs``."""
    references: list[dict[str, str]] = []
    if isinstance(event, OutputEmitted) and event.output is not None:
        slim, references = blobs.offload(event.output)
        if references:
            event = event.model_copy(update={"output": slim})
    try:
        line = event.model_dump_json().encode()
        EventCodec.parse(line)
    except ValueError:
        line = json.dumps(_plain(event, 0)).encode()
    if references:
        line = line[:-1] + b',"blobs":' + json.dumps(references).encode() + b"}"
    return line


def decode_event(line: bytes, blobs: BlobStore) -> tuple[Event, int]:
    """Return the event of ``line`` and how many of its large values are lost.

    Raises :class:`ValueError` when the line is no event.
    """
    event = EventCodec.parse(line)
    if not isinstance(event, OutputEmitted) or event.output is None or b'"blobs":' not in line:
        return event, 0
    try:
        references = json.loads(line).get("blobs")
    except (ValueError, RecursionError):
        references = None
    if not isinstance(references, list):
        return event, 0
    output, lost = blobs.restore(event.output, references)
    return event.model_copy(update={"output": output}), lost


def _plain(value: Any, depth: int) -> Any:
    """Return the nearest likeness of ``value`` that JSON and its readers can hold."""
    if value is None or isinstance(value, bool | str | int | float | bytes):
        return _plain_scalar(value)
    if depth > _DEEPEST:
        return "[nested too deep]"
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name), depth + 1) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {_plain_scalar(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    # Scalars of numpy and the like know themselves as Python's.
    with contextlib.suppress(AttributeError, TypeError, ValueError):
        scalar = value.item()
        if isinstance(scalar, bool | str | int | float):
            return _plain_scalar(scalar)
    return _plain_scalar(str(value))


def _plain_scalar(value: str | float | bytes | None) -> str | float | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        return f"[an integer of {value.bit_length()} bits]"
    return value
