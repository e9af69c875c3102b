"""The data of a session: what was handed over, and putting it back after a restart.

Here: frames to the kernel, files read in the kernel, the descriptions the model gets, and
which of them it has seen. Not here: encoding (``kernel_sandbox``) or describing (the helper
module in the kernel).
"""

from __future__ import annotations

import asyncio
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analyst.memory.finding import DataFingerprint
from analyst.memory.fingerprints import FileFingerprints
from analyst.record.events import DataDescription
from analyst.tools.analysis_kernel import AnalysisKernel, DataLostError
from kernel_sandbox import EvaluationError, HandOffError

READABLE = (
    ".csv",
    ".tsv",
    ".tab",
    ".txt",
    ".parquet",
    ".pq",
    ".xlsx",
    ".xlsm",
    ".json",
    ".jsonl",
    ".ndjson",
)
"""Endings of data files that the kernel can read, each perhaps followed by ``.gz``."""

SINGLE_FILE_NAME = "df"


class HandingOverError(DataLostError):
    """Data could not be handed over; the message says which, why, and what to do."""


@dataclass
class WaitingData:
    """Data that came with a question which was answered without it; the next one brings it in."""

    frames: dict[str, object] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


@dataclass
class DataRoom:
    """What a session's kernel holds of the user's data.

    ``shown`` maps a name to the fingerprint that the model was told of.
    """

    directory: Path
    file_fingerprints: FileFingerprints = field(default_factory=FileFingerprints)
    frames: dict[str, object] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, DataFingerprint] = field(default_factory=dict)

    async def hand_over(
        self,
        kernel: AnalysisKernel,
        frames: Mapping[str, object],
        files: Sequence[Path],
        *,
        keep: bool = True,
    ) -> list[DataDescription]:
        """Bring frames and files into the kernel; raises :class:`HandingOverError`.

        ``keep``: whether fingerprints of files may be written down.
        """
        described = [await self._hand_frame(kernel, name, frame) for name, frame in frames.items()]
        names = self._names_for(files, taken=set(frames))
        for name, path in names.items():
            described.append(await self.load_file(kernel, name, path, keep=keep))
        return described

    async def restore(self, kernel: AnalysisKernel) -> None:
        """Bring everything back into a kernel that was started anew."""
        for name, frame in self.frames.items():
            await self._hand_frame(kernel, name, frame)
        for name, path in self.files.items():
            await self.load_file(kernel, name, path, keep=False)

    async def describe_new(
        self, kernel: AnalysisKernel, data: Sequence[DataDescription], *, rows: int
    ) -> list[str]:
        """Describe for the model what it has not been told yet in this conversation."""
        texts = []
        for item in data:
            if self.shown.get(item.name) == item.fingerprint:
                continue
            try:
                text = await kernel.describe(item.name, rows=rows)
            except EvaluationError as error:
                text = f"{item.name}: {item.rows} rows x {item.columns} columns ({error.ename})"
            if len(self.files) > 1 and item.name in self.files:
                source = self.files[item.name].name
                text = text.replace(":", f" (read from {source}):", 1)
            if item.changes:
                text += "\nIn the hand-over: " + " ".join(item.changes)
            texts.append(text)
            self.shown[item.name] = item.fingerprint
        return texts

    async def _hand_frame(
        self, kernel: AnalysisKernel, name: str, frame: object
    ) -> DataDescription:
        try:
            handed = await kernel.hand_off.hand_over(name, frame)
        except HandOffError as error:
            raise HandingOverError(f"{name} could not be handed over: {error}") from error
        self.frames[name] = frame
        self.files.pop(name, None)
        self.fingerprints[name] = DataFingerprint(
            name=name,
            kind="frame",
            content=handed.fingerprint,
            rows=handed.rows,
            bytes=handed.bytes,
            columns=columns_of(frame),
        )
        return DataDescription(
            name=name,
            kind="frame",
            rows=handed.rows,
            columns=handed.columns,
            bytes=handed.bytes,
            fingerprint=handed.fingerprint,
            changes=handed.changes,
        )

    async def load_file(
        self, kernel: AnalysisKernel, name: str, path: Path, *, keep: bool = True
    ) -> DataDescription:
        """Read one file into the variable ``name``; raises :class:`HandingOverError`."""
        full = path if path.is_absolute() else self.directory / path
        try:
            size = full.stat().st_size
            fingerprint = await asyncio.to_thread(self.file_fingerprints.of, full, keep=keep)
        except OSError as error:
            raise HandingOverError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            loaded = await kernel.load_file(name, await kernel.hand_off.send_file(full))
        except HandOffError as error:
            raise HandingOverError(str(error)) from error
        except EvaluationError as error:
            raise HandingOverError(
                f"{path} cannot be read as a table: {error.evalue or error.ename}. "
                f"Files that end in {', '.join(READABLE)} can be read; check the ending, or load "
                "it yourself and hand over the frame."
            ) from error
        self.files[name] = full
        self.frames.pop(name, None)
        self.fingerprints[name] = DataFingerprint(
            name=name,
            kind="file",
            content=fingerprint,
            path=str(full),
            rows=loaded["rows"],
            bytes=size,
            columns=tuple((str(label), str(kind)) for label, kind in loaded["schema"]),
        )
        return DataDescription(
            name=name,
            kind="file",
            rows=loaded["rows"],
            columns=loaded["columns"],
            bytes=size,
            fingerprint=fingerprint,
            path=str(full),
        )

    def _names_for(self, files: Sequence[Path], taken: set[str]) -> dict[str, Path]:
        names: dict[str, Path] = {}
        for path in files:
            full = path if path.is_absolute() else self.directory / path
            known = next((name for name, old in self.files.items() if old == full), None)
            if known is not None:
                names[known] = full
                continue
            alone = len(files) == 1 and not taken and SINGLE_FILE_NAME not in self.frames
            base = SINGLE_FILE_NAME if alone else variable_name(path)
            name, number = base, 2
            while name in names or name in taken or name in self.frames:
                name, number = f"{base}_{number}", number + 1
            names[name] = full
        return names


def variable_name(path: Path) -> str:
    """Make a Python name from a file's name."""
    stem = path.name.split(".")[0]
    name = re.sub(r"\W+", "_", stem).strip("_").lower() or "data"
    if name[0].isdigit() or keyword.iskeyword(name):
        name = f"data_{name}"
    return name


def columns_of(frame: object) -> tuple[tuple[str, str], ...]:
    """Return names and types of a frame's columns, as far as it has any."""
    kinds = getattr(frame, "dtypes", None)
    items = getattr(kinds, "items", None)
    if items is not None and hasattr(frame, "columns"):
        return tuple((str(label), str(kind)) for label, kind in items())
    schema = getattr(frame, "schema", None)
    names = getattr(schema, "names", None)
    if callable(names):  # polars
        return tuple((str(label), str(kind)) for label, kind in schema.items())  # type: ignore[union-attr]
    if names is not None:  # Arrow
        return tuple((str(one.name), str(one.type)) for one in schema)  # type: ignore[union-attr]
    return ()
