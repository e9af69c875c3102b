"""The user's hands on findings: searched, changed, deleted, exchanged, and computed again.

Here: what front ends do with findings apart from runs. Not here: how runs save and recall
(:mod:`analyst.session.recollection`), or how a finding is computed again
(:mod:`analyst.session.verification`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from analyst.memory.errors import FindingsError
from analyst.memory.exchange import export, import_file
from analyst.memory.finding import Finding
from analyst.memory.memory import MemoryPlace, OpenMemory
from analyst.memory.repair import repair
from analyst.record.files import data_directory
from analyst.session.verification import Verified, computed_again, sources_of
from analyst.settings import Settings


class Findings:
    """All findings of the user, or of the team. Methods block but :meth:`verify`.

    Raise :class:`~analyst.memory.errors.FindingsError`. Use it in a ``with`` block.
    """

    def __init__(self, settings: Settings | None = None, directory: Path | None = None) -> None:
        self._settings = settings or Settings.load()
        self._place = place_of(self._settings, directory)
        self._opened: OpenMemory | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the database go."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def search(
        self, words: str = "", *, project: str | None = None, limit: int = 20, history: bool = False
    ) -> list[Finding]:
        """Return findings like some words, best first; without words the newest."""
        if not words.strip():
            return self._memory.store.newest(limit, project=project, history=history)
        found = self._memory.recall.search(words, project=project, count=limit)
        return [finding for finding, _ in found]

    def get(self, number: int) -> Finding:
        """Return a finding."""
        return self._memory.store.get(number)

    def output(self, digest: str) -> bytes | None:
        """Return the bytes of an output."""
        return self._memory.store.output(digest)

    def pin(self, number: int, *, pinned: bool) -> Finding:
        """Pin a finding, or let it go."""
        return self._memory.store.pin(number, pinned=pinned)

    def tag(self, number: int, tags: Sequence[str]) -> Finding:
        """Replace the tags of a finding."""
        return self._memory.store.tag(number, tags)

    def delete(self, numbers: Sequence[int]) -> None:
        """Delete findings with text, vectors and outputs, also from the index's file."""
        memory = self._memory
        memory.store.delete(numbers)
        memory.index.forget(numbers)

    def export(self, path: Path, numbers: Sequence[int] | None = None) -> int:
        """Write findings, by default all, to a new file; return how many."""
        store = self._memory.store
        if numbers is None:
            numbers = [one.number for one in store.all() if one.number is not None]
        return export(store, numbers, path)

    def import_file(self, path: Path) -> tuple[int, int]:
        """Save the findings of a file; return how many were new, and how many known."""
        return import_file(self._memory.store, path)

    def repair(self) -> tuple[int, Path]:
        """Make a new database of what can be read of the old; return how many, and the old."""
        if self._place.url is not None:
            raise FindingsError("A database of a team is repaired by its own tools.")
        self.close()
        return repair(self._place.directory / "findings" / "findings.sqlite")

    def current(self) -> list[Finding]:
        """Return all findings, oldest first, but those that newer ones superseded."""
        return [one for one in self._memory.store.all() if one.superseded_by is None]

    async def verify(
        self,
        number: int,
        *,
        frames: Mapping[str, object] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Verified:
        """Compute a finding again, isolated, and compare.

        ``frames``: those of the notebook, ``None`` where there is none. ``files``: other places of
        its files, by the finding's names for them.
        """
        finding = self.get(number)
        return await computed_again(
            finding, sources_of(finding, frames=frames, files=files), self._settings
        )

    @property
    def _memory(self) -> OpenMemory:
        if self._opened is None:
            self._opened = OpenMemory(self._place)
        return self._opened


def place_of(settings: Settings, directory: Path | None) -> MemoryPlace:
    """Return where ``settings`` keep findings."""
    return MemoryPlace(
        directory=directory or data_directory(),
        url=settings.findings_url,
        embedding=settings.embedding,
        base_url=settings.base_url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
    )
