"""Fetching the embedded model in the background: one fetch at a time, and how far it is.

Not here: where the bytes come from, and how a fetch that was cut goes on
(:mod:`analyst.llm.weights_pull`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.completion import ModelError
from analyst.llm.weights import PullProgress
from analyst.llm.weights_pull import pull

Pull = Callable[..., object]


class Puller:
    """One background fetch, and the state of the last one. Usable from any thread."""

    def __init__(self, fetch: Pull = pull) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._state = "idle"
        self._message: str | None = None
        self._progress: PullProgress | None = None

    def begin(self) -> dict[str, Any]:
        """Begin a fetch unless one is going on; return how far it is."""
        with self._lock:
            if self._state != "running":
                self._state, self._message, self._progress = "running", None, None
                # A daemon: what has arrived when the server ends is gone on with by the next.
                threading.Thread(target=self._run, name="analyst-pull", daemon=True).start()
        return self.progress()

    def progress(self) -> dict[str, Any]:
        """Say how far the fetch is, or how the last one ended."""
        with self._lock:
            now = self._progress
            return {
                "state": self._state,
                "stage": now.stage if now else None,
                "source": now.source if now else None,
                "done": now.done if now else 0,
                "total": DEFAULT_MODEL.bytes,
                "message": self._message,
            }

    def _run(self) -> None:
        try:
            self._fetch(DEFAULT_MODEL, on_progress=self._note)
        except ModelError as error:
            self._end("failed", str(error))
        except Exception as error:  # noqa: BLE001 - told to the user; nobody else listens
            self._end("failed", f"The fetch failed: {type(error).__name__}: {error}")
        else:
            self._end("done", None)

    def _note(self, progress: PullProgress) -> None:
        with self._lock:
            self._progress = progress

    def _end(self, state: str, message: str | None) -> None:
        with self._lock:
            self._state, self._message = state, message
