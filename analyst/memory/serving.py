"""Which embedding answers: the one that is set, or another until that one is ready.

A new embedding lacks the vectors of all that was found before. A thread makes them in pieces,
which are kept, so that another process or another day goes on from there; until then the
embedding of before answers, or ``wordllama``, which always can. So it is too while the one that
is set fails. Not here: the index of one embedding (:mod:`analyst.memory.index`).
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from analyst.memory.embedding import Embedder
from analyst.memory.errors import EmbeddingError, FindingsError
from analyst.memory.index import FindingIndex, IndexedStore
from analyst.record.files import private_directory, write_private

AT_ONCE = 300
"""Up to so many findings are embedded before an answer; more of them by the thread."""

RETRY_SECONDS = 60.0
"""After so long an embedding that failed is tried again; each time after twice as long."""

_LONGEST_RETRY_SECONDS = 3600.0
_CLOSING_SECONDS = 5.0
_SMALLEST_PIECE, _LARGEST_PIECE = 8, 512
_QUICK_SECONDS, _SLOW_SECONDS = 0.25, 1.0
_ALWAYS = "wordllama"


class ServingIndex:
    """Nearest findings by whichever embedding serves. Safe in any thread; methods block.

    ``make`` returns the embedder that a setting names, or raises :class:`EmbeddingError`. ``what``
    begins a sentence on what is embedded.
    """

    def __init__(
        self,
        store: IndexedStore,
        setting: str,
        directory: Path,
        *,
        make: Callable[[str], Embedder],
        retry_seconds: float = RETRY_SECONDS,
        what: str = "Findings",
    ) -> None:
        self._what = what
        self._store = store
        self._setting = setting
        self._directory = directory
        self._make = make
        self._retry_seconds = retry_seconds
        self._embedder = make(setting)
        self._wanted = FindingIndex(store, self._embedder, directory)
        self._lock = threading.RLock()
        self._serving: FindingIndex | None = None
        self._unfit: set[str] = set()
        self._seen = 0
        self._recorded: tuple[str, str] | None = None
        self._notice: str | None = None
        self._failing = False
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def embedding(self) -> str:
        """The name of the embedding that serves, or will."""
        return (self._serving or self._wanted).embedding

    @property
    def notice(self) -> str | None:
        """A sentence for the user, while there is something to say."""
        return self._notice or (None if self._serving is None else self._serving.notice)

    def search(self, question: str, count: int) -> list[tuple[int, float]]:
        """Return numbers of current findings like ``question`` with their cosine, best first.

        Raises what the store raises, and :class:`EmbeddingError` when no embedding can be had.
        """
        with self._lock:
            serving = self._chosen()
            while True:
                try:
                    found = serving.search(question, count)
                except EmbeddingError as error:
                    serving = self._instead_of(serving, error)
                else:
                    if serving is self._wanted:
                        self._record()
                    return found

    def forget(self, numbers: Sequence[int]) -> None:
        """Take deleted findings out of memory and out of all files, for good."""
        with self._lock:
            serving = self._chosen()
            serving.forget(numbers)
            if serving is not self._wanted:
                self._wanted.take_out(numbers)

    def close(self) -> None:
        """Stop embedding; what was embedded is kept. Waits for a piece, five seconds at most."""
        self._closed.set()
        thread = self._thread
        if thread is not None:
            thread.join(_CLOSING_SECONDS)

    def _chosen(self) -> FindingIndex:
        """Return what serves; it is looked at again when many findings came at once."""
        revision = self._store.revision()
        many = self._serving is self._wanted and revision - self._seen > AT_ONCE
        if self._serving is None or many:
            self._serving = self._wanted
            other = self._other() if self._wanted.lacking(AT_ONCE + 1) > AT_ONCE else None
            if other is not None:
                self._serving = other
                self._notice = (
                    f"{self._what} are being embedded anew with {self._wanted.embedding}; until "
                    f"then {other.embedding} serves."
                )
                self._begin(0)
        self._seen = revision
        return self._serving

    def _instead_of(self, failed: FindingIndex, error: EmbeddingError) -> FindingIndex:
        """Return what serves now that an embedding failed; raises ``error`` if nothing can."""
        if failed is not self._wanted:
            self._unfit.add(failed.embedding)
        other = self._other()
        if other is None:
            raise error
        self._serving = other
        if failed is self._wanted:
            self._tell(error)
            self._begin(self._retry_seconds)
        return other

    def _other(self) -> FindingIndex | None:
        """Return an index that can serve instead: of what served last, or of wordllama."""
        for setting, name in (self._last(), (_ALWAYS, None)):
            try:
                embedder = self._make(setting)
            except EmbeddingError:
                continue
            # Of an endpoint, the name says the address: the key is for that of now only.
            if embedder.name in {self._wanted.embedding, *self._unfit} or (
                name not in {None, embedder.name}
            ):
                continue
            index = FindingIndex(self._store, embedder, self._directory)
            if setting == _ALWAYS or index.lacking(AT_ONCE + 1) <= AT_ONCE:
                return index
        return None

    def _tell(self, error: FindingsError) -> None:
        with self._lock:
            if not self._failing and self._serving is not None:
                self._failing = True
                self._notice = f"{error} Until that works, {self._serving.embedding} serves."

    def _begin(self, delay_seconds: float) -> None:
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(
                target=self._make_ready, args=(delay_seconds,), name="analyst-embed", daemon=True
            )
            self._thread.start()

    def _make_ready(self, delay_seconds: float) -> None:
        """Embed what is missing, and let the embedding that is set serve; the thread's work."""
        retry = self._retry_seconds
        while not self._closed.wait(delay_seconds):
            try:
                if not self._embed_missing():
                    return
                # Whether it can embed a question, too; and takes in what was saved meanwhile.
                self._wanted.search("warm up", 1)
            except FindingsError as error:
                self._tell(error)
                delay_seconds, retry = retry, min(2 * retry, _LONGEST_RETRY_SECONDS)
                continue
            with self._lock:
                self._serving, self._notice, self._failing = self._wanted, None, False
                self._seen, self._thread = self._store.revision(), None
            return

    def _embed_missing(self) -> bool:
        """Embed piece by piece; return whether all is done, ``False`` when closed before."""
        size, last = 4 * _SMALLEST_PIECE, 0
        name = self._embedder.name
        with contextlib.ExitStack() as held:
            alone = False
            while not self._closed.is_set():
                missing = self._store.vectors.missing(name, after=last, limit=size)
                if not missing and last == 0:
                    return True
                if not missing:
                    # Once more from the start, for what was current no more and is again.
                    last = 0
                    continue
                if not alone:
                    # Who waited looks again at what is missing.
                    alone = self._alone(held)
                    continue
                began = time.monotonic()
                vectors = self._embedder.embed([question for _, question in missing])
                took = time.monotonic() - began
                if self._closed.is_set():
                    break
                numbers = [number for number, _ in missing]
                self._store.vectors.put(name, numbers, vectors)
                last = numbers[-1]
                if took < _QUICK_SECONDS:
                    size = min(2 * size, _LARGEST_PIECE)
                elif took > _SLOW_SECONDS:
                    size = max(size // 2, _SMALLEST_PIECE)
        return False

    def _alone(self, held: contextlib.ExitStack) -> bool:
        """Keep other processes from the same work, and price; wait a little if one is at it."""
        try:
            lock = FileLock(private_directory(self._directory) / "embedding.lock", timeout=0)
            held.enter_context(lock)
        except Timeout:
            self._closed.wait(_SLOW_SECONDS)
            return False
        except (OSError, NotImplementedError):
            # Where there are no locks the work may be done twice, which harms nobody.
            return True
        return True

    @property
    def _record_file(self) -> Path:
        return self._directory / "serving.json"

    def _last(self) -> tuple[str, str | None]:
        """Return the setting that served last and the name of its embedding."""
        try:
            known = json.loads(self._record_file.read_bytes())
            return str(known["setting"]), str(known["embedding"])
        except (OSError, ValueError, KeyError, TypeError):
            return _ALWAYS, None

    def _record(self) -> None:
        """Remember what serves, for the day when another is set."""
        now = (self._setting, self._wanted.embedding)
        if self._recorded != now:
            self._recorded = now
            if self._last() != now:
                with contextlib.suppress(OSError):
                    private_directory(self._directory)
                    data = {"setting": self._setting, "embedding": self._wanted.embedding}
                    write_private(self._record_file, json.dumps(data).encode())
