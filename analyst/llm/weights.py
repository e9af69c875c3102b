"""The embedded model's file on this machine: found, checked, listed, removed.

Here: the cache directory, the check of a file and the memory of what was checked. Not here:
how the file gets there (:mod:`analyst.llm.weights_pull`) and who uses it
(:mod:`analyst.llm.local`).

These functions block, on disk and network: an event loop calls them in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from analyst.llm.catalogue import CATALOGUE, CatalogueEntry
from analyst.llm.sources import BLOCK_BYTES
from analyst.llm.weights_errors import (
    WeightsMissingError,
    WrongWeightsError,
)

CACHE_VARIABLE = "ANALYST_CACHE"
_PULL_AGAIN = "pull it again with `analyst model pull`"

Stage = Literal["waiting", "copying", "downloading", "checking"]
Identity = dict[str, str | int]
State = Literal["verified", "unverified", "wrong size", "partial", "absent"]


@dataclass(frozen=True, kw_only=True)
class PullProgress:
    """How far a pull is; ``done`` and ``total`` are bytes of the whole file."""

    stage: Stage
    source: str
    done: int
    total: int


ProgressCallback = Callable[[PullProgress], None]


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """What is on this machine of a model; ``bytes`` counts a partial file too."""

    entry: CatalogueEntry
    state: State
    path: Path
    bytes: int


def cache_directory() -> Path:
    """Return the cache directory: ``ANALYST_CACHE``, else the platform's for this user."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else user_cache_path("jupyter-analyst")


def model_path(entry: CatalogueEntry) -> Path:
    """Return where the model's file is, or would be."""
    return cache_directory() / "models" / entry.filename


def locate(entry: CatalogueEntry) -> Path:
    """Return the path of the checked file.

    A file that was checked once is not hashed again until its size, time or inode change.
    Raises :class:`WeightsMissingError` or :class:`WrongWeightsError`.
    """
    path = model_path(entry)
    if not path.is_file():
        raise WeightsMissingError(entry.title, path)
    if not is_stamped(entry, path):
        check(entry, path, report=None)
    return path


def verify(entry: CatalogueEntry, *, on_progress: ProgressCallback | None = None) -> Path:
    """Hash the file, whatever is remembered of it, and return its path.

    Raises :class:`WeightsMissingError` or :class:`WrongWeightsError`.
    """
    path = model_path(entry)
    if not path.is_file():
        raise WeightsMissingError(entry.title, path)
    check(entry, path, report=reporter(on_progress, entry, "checking", "cache"))
    return path


def list_models() -> list[ModelState]:
    """Return each model of the catalogue with what is here of it. Hashes nothing."""
    states = []
    for entry in CATALOGUE:
        path, partial = model_path(entry), partial_path(entry)
        size = 0
        state: State = "absent"
        if path.is_file():
            size = path.stat().st_size
            if size != entry.bytes:
                state = "wrong size"
            else:
                state = "verified" if is_stamped(entry, path) else "unverified"
        elif partial.is_file():
            size, state = partial.stat().st_size, "partial"
        states.append(ModelState(entry=entry, state=state, path=path, bytes=size))
    return states


def remove(entry: CatalogueEntry) -> int:
    """Delete the model's file and what a pull left of it; return the bytes that were freed."""
    path, partial = model_path(entry), partial_path(entry)
    if not path.parent.is_dir():
        return 0
    with pull_lock(entry):
        freed = 0
        for file in (path, partial, stamp_path(entry)):
            with contextlib.suppress(FileNotFoundError):
                size = file.stat().st_size
                file.unlink()
                freed += size
        shutil.rmtree(scratch_path(partial), ignore_errors=True)
    return freed


def check(entry: CatalogueEntry, path: Path, *, report: Callable[[int], None] | None) -> None:
    """Hash the file and remember that it is right; raises :class:`WrongWeightsError`."""
    size = path.stat().st_size
    if size != entry.bytes:
        stamp_path(entry).unlink(missing_ok=True)
        raise WrongWeightsError(path, f"{size:,} bytes instead of {entry.bytes:,}", _PULL_AGAIN)
    # Taken first: a file that changes while it is read must not count as checked.
    identity = identity_of(entry, path)
    found = digest_of(path, report)
    if found != entry.sha256:
        stamp_path(entry).unlink(missing_ok=True)
        raise WrongWeightsError(
            path, f"its SHA-256 is {found[:12]}…, not {entry.sha256[:12]}…", _PULL_AGAIN
        )
    # A cache that can only be read is hashed at every start, and works.
    with contextlib.suppress(OSError):
        write_stamp(entry, identity)


def digest_of(path: Path, report: Callable[[int], None] | None) -> str:
    """Return the SHA-256 of a file; ``report`` is told the bytes read."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            if report is not None:
                report(done)
    return digest.hexdigest()


def identity_of(entry: CatalogueEntry, path: Path) -> Identity:
    """Return what tells this file from one that was changed or replaced."""
    status = path.stat()
    return {
        "sha256": entry.sha256,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }


def is_stamped(entry: CatalogueEntry, path: Path) -> bool:
    """Say whether this very file was checked before."""
    try:
        stamp = json.loads(stamp_path(entry).read_text())
    except (OSError, ValueError):
        return False
    return bool(stamp == identity_of(entry, path)) and path.stat().st_size == entry.bytes


def write_stamp(entry: CatalogueEntry, identity: Identity) -> None:
    """Remember that the file of that identity was checked."""
    stamp = stamp_path(entry)
    fresh = stamp.with_name(f"{stamp.name}.{os.getpid()}")
    fresh.write_text(json.dumps(identity))
    fresh.replace(stamp)


def stamp_path(entry: CatalogueEntry) -> Path:
    """Return where it is remembered that the file was checked."""
    path = model_path(entry)
    return path.with_name(f".{path.name}.verified")


def partial_path(entry: CatalogueEntry) -> Path:
    """Return where a pull gathers the file: always a prefix of it."""
    path = model_path(entry)
    return path.with_name(f"{path.name}.partial")


def scratch_path(partial: Path) -> Path:
    """Return the directory of what a pull unpacks."""
    return partial.with_name(f"{partial.name}.parts")


@contextlib.contextmanager
def pull_lock(
    entry: CatalogueEntry, *, on_wait: Callable[[int], None] | None = None
) -> Iterator[None]:
    """Hold the model's file for this process; ``on_wait`` is told if another has it."""
    path = model_path(entry)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if on_wait is not None:
            on_wait(0)
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        lock.release()


def reporter(
    on_progress: ProgressCallback | None, entry: CatalogueEntry, stage: Stage, source: str
) -> Callable[[int], None]:
    """Return a callback for bytes that calls ``on_progress``."""

    def report(done: int) -> None:
        if on_progress is not None:
            on_progress(PullProgress(stage=stage, source=source, done=done, total=entry.bytes))

    return report
