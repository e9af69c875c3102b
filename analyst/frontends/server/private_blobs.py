"""Large values of private runs: held in memory, as such runs leave nothing on disk."""

from __future__ import annotations

import hashlib

from analyst.record.blobs import BlobStore


class PrivateBlobs(BlobStore):
    """A store of values that goes with the process. Usable from several threads."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Hold ``data`` and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self._values[digest] = data
        return digest

    def get(self, digest: str) -> bytes | None:
        """Return the value, or None when it is not here."""
        return self._values.get(digest)
