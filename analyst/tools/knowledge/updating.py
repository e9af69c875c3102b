"""Bringing the store up to date with the files: only what changed is read again.

Not here: where files are looked for (:mod:`analyst.tools.knowledge.folders`), how they are read
(:mod:`analyst.tools.documents.reading`) and cut.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyst.tools.documents.document import DocumentError
from analyst.tools.documents.reading import read
from analyst.tools.knowledge.cutting import MOST_PASSAGES, Passage, cut
from analyst.tools.knowledge.folders import MOST_BYTES, FoundFile, read_bytes, survey
from analyst.tools.knowledge.store import KnowledgeStore, KnownFile

MOST_IN_ALL = 200_000
"""Passages of one set of folders."""

Progress = Callable[[int, int], None]
"""Takes how many of how many files are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What an update did. ``notes``: one sentence for each thing that is left out or broken."""

    read: int = 0
    dropped: int = 0
    unchanged: int = 0
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is different now."""
        return bool(self.read or self.dropped)


def update(
    store: KnowledgeStore,
    folders: Sequence[Path],
    *,
    progress: Progress = lambda _done, _all: None,
    stopped: threading.Event | None = None,
) -> Updated:
    """Read what is new or changed, drop what is gone; blocks.

    What was done when it is stopped stays done. Raises what the store raises.
    """
    found = survey(folders)
    known = store.files()
    if gone := [path for path in known if path not in found.files]:
        store.drop(gone)
    waiting = [file for path, file in found.files.items() if _may_differ(file, known.get(path))]
    count = store.count() if waiting else 0
    read_now = 0
    for done, file in enumerate(waiting):
        if stopped is not None and stopped.is_set():
            break
        progress(done, len(waiting))
        one, passages = _read(file, known.get(file.key))
        if one is None:
            continue
        if passages is None:
            store.touch(one)
            continue
        if count + len(passages) > MOST_IN_ALL:
            one = _noted(file, f"is left out: there are more than {MOST_IN_ALL} passages already")
            passages = []
        store.put(one, passages)
        count += len(passages)
        read_now += 1
    else:
        if waiting:
            progress(len(waiting), len(waiting))
    notes = [
        *found.notes,
        *(f"{one.name} {one.note}." for one in store.files().values() if one.note),
    ]
    return Updated(
        read=read_now,
        dropped=len(gone),
        unchanged=len(found.files) - read_now,
        notes=tuple(dict.fromkeys(notes)),
    )


def _may_differ(file: FoundFile, known: KnownFile | None) -> bool:
    return known is None or (known.size, known.modified_ns, known.name) != (
        file.size,
        file.modified_ns,
        file.name,
    )


def _read(
    file: FoundFile, known: KnownFile | None
) -> tuple[KnownFile | None, list[Passage] | None]:
    """Return what is known of a file now, and its passages; no passages if it is the same.

    Nothing for a file that went away meanwhile.
    """
    if file.size > MOST_BYTES:
        return _noted(file, f"is left out: it is larger than {MOST_BYTES // 1_000_000} MB"), []
    try:
        data = read_bytes(file)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return _noted(file, f"cannot be read: {error.strerror}"), []
    if len(data) > MOST_BYTES:
        return _noted(file, f"is left out: it is larger than {MOST_BYTES // 1_000_000} MB"), []
    digest = hashlib.sha256(data).hexdigest()
    if known is not None and (known.digest, known.name) == (digest, file.name):
        return _noted(file, known.note), None
    if not data.strip():
        return _noted(file, "is empty", digest), []
    try:
        document = read(file.name, data)
        passages = cut(document)
    except DocumentError as error:
        return _noted(file, str(error), digest), []
    except Exception as error:  # noqa: BLE001 - one file must not keep the others out
        return _noted(file, f"cannot be read: {type(error).__name__}", digest), []
    note = document.remark
    if len(passages) >= MOST_PASSAGES:
        note = f"is long: its first {MOST_PASSAGES} passages are found"
    one = KnownFile(
        path=file.key,
        name=file.name,
        size=file.size,
        modified_ns=file.modified_ns,
        digest=digest,
        title=document.title,
        note=note,
    )
    return one, passages


def _noted(file: FoundFile, note: str, digest: str = "") -> KnownFile:
    return KnownFile(
        path=file.key,
        name=file.name,
        size=file.size,
        modified_ns=file.modified_ns,
        digest=digest,
        note=note,
    )
