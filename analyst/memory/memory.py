"""The memory of a session: opened in the background when first needed, and never in the way.

Here: the store, index and comparison put together, off the event loop. Trouble is told once as a
sentence; a run goes on without memory then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from analyst.memory.affinity import Affinity, ask_the_same
from analyst.memory.embedding import Embedder, WordLlamaEmbedder, make_embedder
from analyst.memory.errors import FindingsError
from analyst.memory.finding import DataFingerprint, Finding
from analyst.memory.recall import Recall, Recalled
from analyst.memory.serving import ServingIndex
from analyst.memory.store import FindingStore
from analyst.memory.wording import wording

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlace:
    """Where findings are kept, and how they are embedded.

    ``directory``: of the index, and of the database unless ``url`` names another one.
    """

    directory: Path
    url: str | None = None
    embedding: str = "wordllama"
    base_url: str | None = None
    api_key: str | None = None


class OpenMemory:
    """Store, index and recall of one place. Methods block."""

    def __init__(self, place: MemoryPlace) -> None:
        self.store = (
            FindingStore(place.url)
            if place.url
            else FindingStore.in_directory(place.directory / "findings")
        )
        words = WordLlamaEmbedder()

        def make(setting: str) -> Embedder:
            if setting == "wordllama":
                return words
            return make_embedder(setting, base_url=place.base_url, api_key=place.api_key)

        directory = place.directory / "findings" / "index"
        self.index = ServingIndex(self.store, place.embedding, directory, make=make)
        self.recall = Recall(self.store, self.index, Affinity(words))

    def save(self, finding: Finding, outputs: Mapping[str, bytes]) -> Finding:
        """Save a finding; those that asked the same of the same data become its history."""
        contents = {one.content for one in finding.data}
        columns = tuple(name for one in finding.data for name, _ in one.columns)
        asked = wording(finding.question, columns)
        older = [
            one.number
            for one in self.store.get_many(self.store.on_data(finding.data, limit=1000))
            if one.number is not None
            and {other.content for other in one.data} == contents
            and one.builds_on_more == finding.builds_on_more
            and ask_the_same(asked, wording(one.question, columns))
        ]
        return self.store.save(finding, outputs=outputs, supersedes=older)

    def close(self) -> None:
        """Let the database go, and stop embedding."""
        self.index.close()
        self.store.close()


class Memory:
    """Findings for code that runs in an event loop. Nothing of it raises: trouble is a notice."""

    def __init__(self, place: MemoryPlace) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analyst-memory")
        self._opened: OpenMemory | None = None
        self._told: set[str] = set()

    def begin(self) -> None:
        """Open it in the background."""
        self._thread.submit(self._quietly_open)

    async def recall(
        self,
        question: str,
        data: Sequence[DataFingerprint],
        *,
        project: str | None,
        tell: Callable[[str], None],
    ) -> list[Recalled]:
        """Return what is known; ``tell`` gets a sentence, once, on what does not work."""

        def recall() -> list[Recalled]:
            recall = self._open().recall
            found = recall.recall(question, data, project=project)
            if recall.notice is not None:
                self._tell(recall.notice, tell)
            return found

        return await self._try(recall, tell) or []

    async def attached(
        self,
        numbers: Sequence[int],
        data: Sequence[DataFingerprint],
        *,
        tell: Callable[[str], None],
    ) -> list[Recalled]:
        """Return the findings of some numbers, with what each is good for on this data."""
        return await self._try(lambda: self._open().recall.attached(numbers, data), tell) or []

    async def save(
        self, finding: Finding, outputs: Mapping[str, bytes], *, tell: Callable[[str], None]
    ) -> Finding | None:
        """Save a finding and return it with its number; ``None`` when that failed."""
        return await self._try(lambda: self._open().save(finding, outputs), tell)

    async def output(self, digest: str) -> bytes | None:
        """Return the bytes of an output of a finding."""
        return await self._try(lambda: self._open().store.output(digest), lambda _: None)

    async def aclose(self) -> None:
        """Let the database go."""
        await asyncio.to_thread(self._thread.shutdown)
        if self._opened is not None:
            await asyncio.to_thread(self._opened.close)
            self._opened = None

    async def _try(self, work: Callable[[], T], tell: Callable[[str], None]) -> T | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work)
        except FindingsError as error:
            self._tell(str(error), tell)
            return None

    def _tell(self, sentence: str, tell: Callable[[str], None]) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            tell(sentence)

    def _open(self) -> OpenMemory:
        if self._opened is None:
            self._opened = OpenMemory(self._place)
        return self._opened

    def _quietly_open(self) -> None:
        # Whoever needs it is told then.
        try:
            self._open().recall.recall("warm up", [])
        except FindingsError:
            return
