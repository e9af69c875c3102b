"""Telling whether two frames are the same, by a hash of what they hold.

The same for equal frames however their columns are cut in pieces. Not here: how frames become
Arrow tables.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel_sandbox.codec.frames import EncodedFrame

_THREADS = 2


class _Digest:
    """A file that only remembers the hash of what is written to it."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True


def fingerprint(encoded: EncodedFrame) -> str:
    """Return the SHA-256, in hex, of a frame's description and of each of its columns."""
    columns = encoded.table.columns
    with ThreadPoolExecutor(_THREADS) as pool:
        digests = [*pool.map(_digest, columns)]
    whole = hashlib.sha256(json.dumps(encoded.meta, sort_keys=True).encode())
    whole.update(json.dumps([str(kind) for kind in encoded.table.schema.types]).encode())
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def _digest(column: Any) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.types as kinds  # noqa: PLC0415 - heavy

    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    flat = kinds.is_integer(column.type) or kinds.is_floating(column.type)
    if flat and column.null_count == 0:
        # The values are the bytes; no need to write them as a file.
        digest = hashlib.sha256(str(len(column)).encode())
        for piece in pieces:
            digest.update(piece.to_numpy(zero_copy_only=True).view("u1"))
        return digest.digest()
    one = pa.concat_arrays(pieces) if len(pieces) != 1 else pieces[0]
    sink = _Digest()
    batch = pa.record_batch([one], names=["column"])
    with pa.PythonFile(sink, mode="w") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.hash.digest()
