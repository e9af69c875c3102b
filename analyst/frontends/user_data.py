"""The user's data: which frames of a namespace and which files a question speaks of.

Nothing is imported, called or changed here: a library that the user did not import cannot have
made a frame.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from analyst.frontends.errors import UnknownDataError, nearest

FRAME_TYPES = {
    "pandas": ("DataFrame", "Series"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch"),
    "numpy": ("ndarray",),
}

FILE_ENDINGS = (
    ".csv",
    ".tsv",
    ".csv.gz",
    ".parquet",
    ".feather",
    ".xlsx",
    ".xls",
    ".json",
    ".jsonl",
    ".ndjson",
)

_QUOTED = re.compile(r"`([^`\n]+)`|\"([^\"\n]+)\"|'([^'\n]+)'")
_BARE = re.compile(r"[^\s`\"'()<>\[\]{},;|*?]+")


def is_frame(value: object) -> bool:
    """Tell whether ``value`` is a table or array of a known library."""
    for library, names in FRAME_TYPES.items():
        module = sys.modules.get(library)
        types = tuple(getattr(module, name) for name in names if hasattr(module, name))
        if types and isinstance(value, types):
            return getattr(value, "ndim", 2) in {1, 2}
    return False


def frames_of(namespace: Mapping[str, object]) -> dict[str, object]:
    """Return the frames of a namespace by name, without hidden names."""
    return {
        name: value
        for name, value in list(namespace.items())
        if not name.startswith("_") and is_frame(value)
    }


def frames_for(
    question: str, *, names: Iterable[str], namespace: Mapping[str, object]
) -> dict[str, object]:
    """Return the frames that ``question`` names as whole words, and those in ``names``.

    A name of one letter counts in the question only within backticks. Raises
    :class:`UnknownDataError` for a name that is no frame.
    """
    frames = frames_of(namespace)
    chosen = {name: _named(name, frames, namespace) for name in names}
    for name, frame in frames.items():
        word = rf"`{name}`" if len(name) == 1 else rf"(?<![\w.]){re.escape(name)}(?!\w)"
        if re.search(word, question):
            chosen.setdefault(name, frame)
    return chosen


def _named(name: str, frames: Mapping[str, object], namespace: Mapping[str, object]) -> object:
    if name in frames:
        return frames[name]
    if name in namespace and is_frame(namespace[name]):
        return namespace[name]
    if name in namespace:
        problem = f"{name} is no table but a {type(namespace[name]).__name__}."
    else:
        problem = f"There is no {name} in this notebook.{nearest(name, frames)}"
    there = f"The tables there are: {', '.join(frames)}." if frames else "There are no tables yet."
    raise UnknownDataError(f"{problem} {there}")


def files_for(question: str, *, paths: Sequence[str], directory: Path) -> tuple[Path, ...]:
    """Return the files in ``paths``, and the data files under ``directory`` that are named.

    In the question a file counts if it exists, ends like a data file and lies under
    ``directory``. Raises :class:`UnknownDataError` for a path that is no file.
    """
    chosen = [_given(path, directory) for path in paths]
    chosen += [
        path for path in map(directory.joinpath, _candidates(question)) if _is_data(path, directory)
    ]
    return tuple(dict.fromkeys(path.resolve() for path in chosen))


def without_files(question: str) -> str:
    """Return ``question`` without what looks like a data file, so that sales.csv is no sales."""
    for candidate in sorted(set(_candidates(question)), key=len, reverse=True):
        if candidate.lower().endswith(FILE_ENDINGS):
            question = question.replace(candidate, " ")
    return question


def _candidates(question: str) -> list[str]:
    quoted = ["".join(groups) for groups in _QUOTED.findall(question)]
    bare = [word.rstrip(".:!") for word in _BARE.findall(question)]
    return [name.strip() for name in quoted + bare if name.strip()]


def _is_data(path: Path, directory: Path) -> bool:
    if not path.name.lower().endswith(FILE_ENDINGS):
        return False
    try:
        return path.is_file() and path.resolve().is_relative_to(directory.resolve())
    except (OSError, ValueError):
        return False


def _given(path: str, directory: Path) -> Path:
    file = directory / Path(path).expanduser()
    try:
        there = file.is_file()
    except (OSError, ValueError):
        there = False
    if there:
        return file
    beside = [near.name for near in directory.glob("*") if near.name.lower().endswith(FILE_ENDINGS)]
    raise UnknownDataError(
        f"There is no file {path}.{nearest(path, beside)} A relative path starts at {directory}."
    )
