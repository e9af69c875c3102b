"""Reading a table that hostile code wrote, without harm to the process that reads it.

A forged Arrow file can crash a reader that maps or trusts it, or make it allocate gigabytes. So
the bytes are copied before they are looked at, compressed and nested data are refused, the size
in memory is bounded, and everything is validated before any value is read.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import stat
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

from kernel_sandbox.errors import UntrustedResultError

Buffer = bytes | memoryview
"""Bytes in memory that nobody else can change."""

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_COMPRESSION_SLOT = 3
_GROWTH = 4
"""How many times its limit a table may take once it is Python objects."""

_BYTES_PER_OBJECT = 64
_BYTES_PER_JSON_CHARACTER = 32


def read_untrusted(directory: Path, name: str, *, max_bytes: int, variable: str) -> Buffer:
    """Return a copy of a regular file in ``directory`` and delete it.

    Neither the directory nor the file may be a symbolic link. Raises
    :class:`UntrustedResultError`.
    """
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise UntrustedResultError(
            f"The kernel's outbox cannot be read: {error.strerror}.", name=variable
        ) from error
    try:
        # A named pipe would block the opening for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            raise UntrustedResultError(
                f"The kernel left no readable file for {variable!r}: {error.strerror}.",
                name=variable,
            ) from error
        try:
            return copy_file(file, max_bytes=max_bytes, variable=variable)
        finally:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def copy_file(file: int, *, max_bytes: int, variable: str) -> Buffer:
    """Return a copy of an opened regular file; raises :class:`UntrustedResultError`."""
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise UntrustedResultError(
            f"{variable!r}, as the kernel left it, is not a regular file.", name=variable
        )
    size = status.st_size
    if size <= max_bytes:
        data = memoryview(mmap.mmap(-1, max(1, size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        # Most of the time goes into getting memory, which two threads do in half of it.
        middle = size // 2
        with ThreadPoolExecutor(2) as pool:
            halves = pool.map(_fill, (file,) * 2, (data[:middle], data[middle:size]), (0, middle))
            whole = all(halves)
        # It may grow or shrink while it is read.
        if whole and not os.pread(file, 1, size):
            return data[:size]
    raise UntrustedResultError(
        f"{variable!r} is larger than the limit of {max_bytes / (1 << 20):g} MiB, or changed while "
        "it was read; fetch an aggregate or fewer rows.",
        name=variable,
    )


def _fill(file: int, memory: memoryview, offset: int) -> bool:
    """Fill ``memory`` from a file; false when the file ends before."""
    filled = 0
    while filled < len(memory):
        count = os.preadv(file, [memory[filled:]], offset + filled)
        if not count:
            return False
        filled += count
    return True


def parse_untrusted(data: Buffer, *, max_bytes: int, variable: str) -> Any:
    """Return the :class:`pyarrow.Table` of an IPC stream; raises :class:`UntrustedResultError`.

    ``max_bytes`` bounds what it may become in memory, which can be many times its bytes.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to import, and not every session fetches

    from kernel_sandbox.codec.columns import is_simple  # noqa: PLC0415 - imports pandas

    try:
        _refuse_compression(data)
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            odd = [kind for kind in reader.schema.types if not is_simple(kind)]
            if odd:
                _refuse(f"columns of type {str(odd[0])[:80]} are not taken")
            table = reader.read_all()
        table.validate(full=True)
        if _memory_of(table) > _GROWTH * max_bytes:
            _refuse("it would take too much memory as Python objects")
    except Exception as error:
        raise UntrustedResultError(
            f"The kernel's result for {variable!r} was refused: {str(error)[:200]}.", name=variable
        ) from error
    return table


def _refuse_compression(data: Buffer) -> None:
    """Raise :class:`ValueError` if a batch is compressed: 100 KB can claim to hold gigabytes."""
    import pyarrow as pa  # noqa: PLC0415 - see parse_untrusted

    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(data)):
        header = bytes(message.metadata)
        root = _follow(header, 0)
        kind_at = _field(header, root, 1)
        kind = 0 if kind_at is None else header[kind_at]
        body = _field(header, root, 2)
        if body is None or kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
            continue
        batch = _follow(header, body)
        if kind == _DICTIONARY_BATCH:
            inner = _field(header, batch, 1)
            if inner is None:
                continue
            batch = _follow(header, inner)
        if _field(header, batch, _COMPRESSION_SLOT) is not None:
            _refuse("it is compressed")


def _memory_of(table: Any) -> int:
    """Estimate the bytes of a table as a frame, by how its columns say they are written."""
    from kernel_sandbox.codec.frames import METADATA_KEY  # noqa: PLC0415 - imports pandas

    meta = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    index = meta.get("index", {})
    size = 0
    for column in [*meta.get("columns", ()), *index.get("levels", ())]:
        first, count = column["at"]
        for array in table.columns[first : first + count]:
            size += array.nbytes + 8 * len(array)
            if column["as"] == "json":
                size += _BYTES_PER_JSON_CHARACTER * array.nbytes
            elif column["as"] == "object":
                size += _BYTES_PER_OBJECT * len(array)
    return size


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)


# The few steps of the flatbuffers format that are needed; pyarrow shows no such field.


def _follow(buffer: bytes, at: int) -> int:
    return at + int(_unpack("<I", buffer, at))


def _field(buffer: bytes, table: int, slot: int) -> int | None:
    vtable = table - _unpack("<i", buffer, table)
    offset = 4 + 2 * slot
    if offset >= _unpack("<H", buffer, vtable):
        return None
    entry = _unpack("<H", buffer, vtable + offset)
    return table + entry if entry else None


def _unpack(kind: str, buffer: bytes, at: int) -> int:
    if at < 0 or at + struct.calcsize(kind) > len(buffer):
        _refuse("its header is malformed")
    value: int = struct.unpack_from(kind, buffer, at)[0]
    return value
