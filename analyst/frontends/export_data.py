"""The data of an exported notebook: where each table is, and the code that reads it.

Here: parameters, readers, and writing tables beside the notebook. Not here: the rest of the
notebook (:mod:`analyst.frontends.export`).
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from analyst.frontends.errors import FrontEndError
from analyst.frontends.untrusted import one_line

if TYPE_CHECKING:
    from analyst.record.events import DataDescription

_BLOCK = 1024 * 1024


class ExportError(FrontEndError):
    """The notebook cannot be made; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class DataCell:
    """How the notebook gets one table.

    ``parameter``: the variable that holds the path; ``path``: its value; ``reading``: code;
    ``imports``: statements it needs; ``texts``: what the run's own code may call the file;
    ``missing``: what the reader has to do first, or "".
    """

    name: str
    path: str
    reading: str
    imports: tuple[str, ...]
    texts: tuple[str, ...] = ()
    missing: str = ""

    @property
    def parameter(self) -> str:
        """The variable that holds the path."""
        return f"{self.name}_path"


def data_cell(
    data: DataDescription,
    *,
    beside: Path | None,
    files: Mapping[str, Path],
    written: Mapping[str, tuple[str, str]],
) -> DataCell:
    """Say how a table is had.

    ``beside``: the directory of the notebook. ``files``: where files are, where the record does
    not say. ``written``: by name, file and kind of the frames that were written beside it.
    """
    if data.kind == "file":
        path = Path(data.path) if data.path else files.get(data.name, Path(f"{data.name}.csv"))
        known = data.path is not None or data.name in files
        return _file_cell(data.name, path, beside, known=known)
    name, kind = written.get(data.name, (f"{data.name}.parquet", "pandas"))
    reading, statement = _READERS[kind]
    missing = ""
    if data.name not in written:
        size = f"{data.rows:,} rows" if data.rows is not None else "its rows"
        missing = (
            f"`{data.name}` was a table of a notebook ({size}). To run this notebook, save it as "
            f"`{name}` beside it, for instance by `{data.name}.to_parquet({name!r})`."
        )
    return DataCell(
        name=data.name,
        path=name,
        reading=f"{data.name} = {reading.format(path=f'{data.name}_path')}",
        imports=(statement,),
        missing=missing,
    )


def write_frames(
    frames: Mapping[str, object], names: Iterable[str], folder: Path, stem: str
) -> dict[str, tuple[str, str]]:
    """Write tables into ``folder`` as Parquet; return by name the file's name and the kind.

    Files that are there are not touched: names are numbered. Raises :class:`ExportError`.
    """
    written: dict[str, tuple[str, str]] = {}
    for name in names:
        if name not in frames:
            continue
        frame: Any = frames[name]
        kind = type(frame).__module__.split(".")[0]
        kind = kind if kind in _READERS else "pandas"
        place = write_frame(folder, f"{stem}-{name}", frame)
        written[name] = (place.name, kind)
    return written


def write_frame(folder: Path, stem: str, frame: Any) -> Path:
    """Write a table to a file that was not there, as Parquet; raises :class:`ExportError`."""
    ending = ".npy" if type(frame).__module__.split(".")[0] == "numpy" else ".parquet"
    return write_new(folder, stem, ending, lambda file: _write(frame, file))


def write_new(folder: Path, stem: str, ending: str, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file that was not there, numbered if need be; raises :class:`ExportError`."""
    for number in range(1, 10_000):
        place = folder / (f"{stem}{ending}" if number == 1 else f"{stem}_{number}{ending}")
        try:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            reason = error.strerror or error
            raise ExportError(f"{folder} cannot be written to: {reason}.") from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
        except Exception as error:
            place.unlink(missing_ok=True)
            said = one_line(str(error), 200)
            raise ExportError(f"{stem} cannot be written as {ending[1:]}: {said}") from error
        return place
    raise ExportError(f"There are too many files called {stem} in {folder}; delete some.")


def _write(frame: Any, file: Any) -> None:
    library = type(frame).__module__.split(".")[0]
    if library == "polars":
        frame.write_parquet(file)
    elif library == "pyarrow":
        from pyarrow import Table, parquet  # noqa: PLC0415 - slow, and rarely needed

        table = frame if isinstance(frame, Table) else Table.from_batches([frame])
        parquet.write_table(table, file)
    elif library == "numpy":
        import numpy as np  # noqa: PLC0415 - see above

        np.save(file, frame, allow_pickle=False)
    elif hasattr(frame, "to_frame") and not hasattr(frame, "columns"):
        frame.to_frame().to_parquet(file)
    else:
        frame.to_parquet(file)


def _file_cell(name: str, path: Path, beside: Path | None, *, known: bool) -> DataCell:
    call, options = _reader_of(path)
    shown = path.as_posix()
    if beside is not None and path.is_absolute() and path.is_relative_to(beside):
        shown = path.relative_to(beside).as_posix()
    missing = (
        "" if known else f"The record does not say where the file of `{name}` is; set it here."
    )
    return DataCell(
        name=name,
        path=shown,
        reading=f"{name} = pd.{call}({name}_path{options})",
        imports=("import pandas as pd",),
        texts=tuple({path.name, path.as_posix()}),
        missing=missing,
    )


def _reader_of(path: Path) -> tuple[str, str]:
    """Return pandas' function for a file, and its options, as the agent's kernel read it."""
    ending = "".join(path.suffixes[-2:]).lower().removesuffix(".gz")
    ending = Path(ending).suffix or ending
    if ending in {".tsv", ".tab"}:
        return "read_csv", ', sep="\\t"' + _encoding_of(path)
    if ending in {".parquet", ".pq"}:
        return "read_parquet", ""
    if ending in {".xlsx", ".xlsm"}:
        return "read_excel", ""
    if ending in {".jsonl", ".ndjson"}:
        return "read_json", ", lines=True"
    if ending == ".json":
        return "read_json", ""
    return "read_csv", _encoding_of(path)


def _encoding_of(path: Path) -> str:
    """Return the option for a text file that is no UTF-8."""
    if path.suffix.lower() == ".gz":
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return ', encoding="latin-1"'
    except OSError:
        return ""
    return ""


_READERS = {
    "pandas": ("pd.read_parquet({path})", "import pandas as pd"),
    "polars": ("pl.read_parquet({path})", "import polars as pl"),
    "pyarrow": ("pq.read_table({path})", "import pyarrow.parquet as pq"),
    "numpy": ("np.load({path})", "import numpy as np"),
}
