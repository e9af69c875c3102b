"""The results of an evaluation on the user's disk: one directory, one line a question.

Here: the models of a result and of what it was obtained with, and the store that appends, resumes
and refuses to mix. Not here: sums over results (:mod:`analyst.evals.report`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from analyst.evals.dabench import SubAnswer
from analyst.evals.errors import (
    DifferentIdentityError,
    ForeignDirectoryError,
    OutputInUseError,
    ResultsExistError,
    ResultsUnreadableError,
)
from analyst.evals.outcome import Outcome
from analyst.record.events import RunStatus, Usage
from analyst.record.files import write_private
from analyst.record.team_report import RoleSums

IDENTITY_FILE = "evaluation.json"
RESULTS_FILE = "results.jsonl"

Existing = Literal["refuse", "resume", "delete"]
"""What to do with results that the output directory already holds."""


class Identity(BaseModel):
    """What results were obtained with; results of different identities are never mixed.

    ``fingerprint`` is the suite's; ``settings`` holds no key; ``versions`` names the versions of
    whatever changes answers: the package, its prompts.
    """

    model_config = ConfigDict(frozen=True)

    suite: str
    fingerprint: str
    model: str
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}

    def differences(self, other: Identity) -> dict[str, tuple[object, object]]:
        """Return what differs, by dotted name: this one's value and the other's."""
        mine, others = _flat(self.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
        return {
            name: (mine.get(name), others.get(name))
            for name in sorted(mine.keys() | others.keys())
            if mine.get(name) != others.get(name)
        }


class QuestionResult(BaseModel):
    """What one question gave.

    ``answer`` and ``values`` are the run's, ``scored`` is the text made of both that was scored.
    ``seconds`` are the run's own; they and ``usage`` count kept replies as if they had been asked
    for. ``reason`` tells a bad end. ``team`` holds what each role of a
    team did, if one worked.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    level: str
    concepts: tuple[str, ...]
    outcome: Outcome
    right: int
    total: int
    sub_answers: tuple[SubAnswer, ...]
    answer: str
    values: dict[str, Any]
    scored: str
    seconds: float
    usage: Usage
    steps: int
    run_id: str | None
    status: RunStatus | None
    reason: str | None
    team: dict[str, RoleSums] = {}

    @property
    def good(self) -> bool:
        """Whether every sub-answer is right."""
        return self.right == self.total

    @property
    def answered(self) -> bool:
        """Whether the answer holds a value under any expected name."""
        return any(sub.given is not None for sub in self.sub_answers)


class ResultStore:
    """One evaluation's results, locked for one writer; use it as a context manager."""

    def __init__(self, directory: Path, identity: Identity, *, existing: Existing) -> None:
        """Open a directory for an evaluation, making it if need be.

        Raises :class:`ForeignDirectoryError`, :class:`OutputInUseError`,
        :class:`ResultsExistError`, :class:`DifferentIdentityError` or
        :class:`ResultsUnreadableError`, each before anything is changed.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory = directory
        self.identity = identity
        self._lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputInUseError(directory) from error
            self._results = self._take_over(existing)
        except BaseException:
            self.close()
            raise

    @property
    def results(self) -> Mapping[int, QuestionResult]:
        """The latest result of each question that was asked."""
        return self._results

    def is_done(self, question_id: int) -> bool:
        """Whether a question has a result that stands; one that failed is to be asked again."""
        result = self._results.get(question_id)
        return result is not None and result.outcome != "error"

    def append(self, result: QuestionResult) -> None:
        """Put a result on disk at once."""
        line = result.model_dump_json(fallback=str).encode() + b"\n"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self.directory / RESULTS_FILE, flags, 0o600), "a+b") as file:
            # A line torn by a crash must not swallow this one.
            if file.seek(0, os.SEEK_END) and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._results[result.id] = result

    def close(self) -> None:
        """Let the next writer in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _take_over(self, existing: Existing) -> dict[int, QuestionResult]:
        identity_file = self.directory / IDENTITY_FILE
        if not identity_file.exists():
            if any(self.directory.iterdir()):
                raise ForeignDirectoryError(self.directory)
        elif existing != "delete":
            changes = read_identity(self.directory).differences(self.identity)
            if results := read_results(self.directory):
                if existing == "refuse":
                    raise ResultsExistError(self.directory, len(results))
                if changes:
                    raise DifferentIdentityError(self.directory, changes)
                return results
        write_private(identity_file, self.identity.model_dump_json(indent=2).encode() + b"\n")
        (self.directory / RESULTS_FILE).unlink(missing_ok=True)
        return {}


def read_identity(directory: Path) -> Identity:
    """Return what the results in a directory were obtained with.

    Raises :class:`ResultsUnreadableError`.
    """
    path = directory / IDENTITY_FILE
    try:
        return Identity.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ResultsUnreadableError(path, "cannot be read") from error
    except ValidationError as error:
        raise ResultsUnreadableError(path, "is not what an evaluation writes") from error


def read_results(directory: Path) -> dict[int, QuestionResult]:
    """Return the latest result of each question in a directory, in the order first asked.

    A line that a crash tore is passed over: its question has not been asked.
    Raises :class:`ResultsUnreadableError`.
    """
    path = directory / RESULTS_FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ResultsUnreadableError(path, "cannot be read") from error
    results: dict[int, QuestionResult] = {}
    for line in lines:
        try:
            result = QuestionResult.model_validate_json(line)
        except ValidationError:
            continue
        results[result.id] = result
    return results


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
