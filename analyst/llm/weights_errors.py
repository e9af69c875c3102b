"""What can go wrong with the files of the embedded model: typed, each one clear sentence.

Here: the exceptions of the model's files. Not here: the errors of a request to a model
(:mod:`analyst.llm.completion`) nor those of the local server (:mod:`analyst.llm.local`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analyst.llm.completion import ModelError


def in_megabytes(size: int) -> str:
    """Return a size in bytes as decimal megabytes, for a sentence."""
    return f"{size / 1e6:,.0f} MB"


class WeightsError(ModelError):
    """The model's file is not to be had; the message says what to do about it."""


class UnknownModelError(WeightsError):
    """No model of that name is in the catalogue."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"There is no embedded model {name!r}; known: {', '.join(known)}.")


class WeightsMissingError(WeightsError):
    """The model was never pulled."""

    def __init__(self, model: str, path: Path) -> None:
        self.model = model
        self.path = path
        super().__init__(
            f"The embedded model {model} is not on this machine; run `analyst model pull`."
        )


class WrongWeightsError(WeightsError):
    """A file is not the pinned one, by size or by hash."""

    def __init__(self, path: Path, what: str, advice: str) -> None:
        self.path = path
        super().__init__(f"{path} is not the model's file ({what}); {advice}.")


class DiskFullError(WeightsError):
    """The file does not fit; sizes are in bytes."""

    def __init__(self, directory: Path, needed: int, free: int) -> None:
        self.directory = directory
        self.needed = needed
        self.free = free
        super().__init__(
            f"The model needs {in_megabytes(needed)} more in {directory}, where "
            f"{in_megabytes(free)} are free; make room, or set ANALYST_CACHE to another "
            "directory, and pull again (what is there already is kept)."
        )


class CacheNotWritableError(WeightsError):
    """The cache directory cannot be written."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        super().__init__(
            f"The model cannot be stored in {directory} ({reason}); set ANALYST_CACHE to a "
            "directory that can be written."
        )


class SourceUnavailableError(WeightsError):
    """One source did not deliver; the next may."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{source}: {reason}")


class PullFailedError(WeightsError):
    """No source delivered; ``failures`` says why, one entry a source."""

    def __init__(self, model: str, failures: Sequence[SourceUnavailableError]) -> None:
        self.failures = tuple(failures)
        reasons = "; ".join(str(failure) for failure in failures)
        super().__init__(
            f"The model {model} could not be downloaded ({reasons}); pull again when the network "
            "is there (it goes on where it stopped), or name a file: "
            "`analyst model pull --from FILE`."
        )
