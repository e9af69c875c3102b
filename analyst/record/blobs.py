"""Large values of outputs, kept once each beside the logs and named by their content.

Here: the store, and how an output gives its large values away and gets them back. Not here:
the log lines that refer to them (:mod:`analyst.record.log`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analyst.record.files import private_directory, write_private

LARGE = 64 * 1024
"""Values of more than this many bytes leave the log line."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """Values by the SHA-256 of their bytes; the same value is kept once for all runs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its digest; raises :class:`OSError`."""
        digest = hashlib.sha256(data).hexdigest()
        path = private_directory(self._directory) / digest
        try:
            there = path.stat().st_size == len(data)
        except OSError:
            there = False
        if not there:
            write_private(path, data, durable=False)  # a torn one is known by its digest
        return digest

    def get(self, digest: str) -> bytes | None:
        """Return the value, or None when it is missing or no longer what it was."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            data = (self._directory / digest).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def offload(self, output: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Return ``output`` without its large values, and where these are kept.

        Concerns the values of a MIME bundle and the text of a stream. The references stand
        outside the output, so that nothing a kernel prints can be taken for one.
        """
        slim = dict(output)
        references: list[dict[str, str]] = []
        if isinstance(text := output.get("text"), str) and len(text) * 4 > LARGE:
            self._take(slim, "text", references, where="text")
        if isinstance(data := output.get("data"), Mapping):
            slim["data"] = bundle = dict(data)
            for mime in data:
                self._take(bundle, mime, references, where="data")
        return slim, references

    def _take(
        self, holder: dict[str, Any], key: str, references: list[dict[str, str]], *, where: str
    ) -> None:
        value = holder[key]
        if isinstance(value, str):
            kind, data = "text", value.encode("utf-8", "surrogatepass")
        else:
            try:
                kind, data = "json", json.dumps(value).encode()
            except (TypeError, ValueError, RecursionError):
                return
        if len(data) > LARGE:
            del holder[key]
            references.append({"in": where, "key": key, "kind": kind, "sha256": self.put(data)})

    def restore(
        self, output: Mapping[str, Any], references: Sequence[Any]
    ) -> tuple[dict[str, Any], int]:
        """Return ``output`` with its large values, and how many of them are lost."""
        whole, lost = dict(output), 0
        bundle = dict(output["data"]) if isinstance(output.get("data"), Mapping) else {}
        for reference in references:
            try:
                holder = bundle if reference["in"] == "data" else whole
                holder[str(reference["key"])] = self._load(reference)
            except (KeyError, TypeError, ValueError, RecursionError):
                lost += 1
        if "data" in output:
            if lost and not bundle:
                bundle["text/plain"] = "[this output was recorded, but its content is lost]"
            whole["data"] = bundle
        elif lost:
            whole.setdefault("text", "[this output was recorded, but its content is lost]")
        return whole, lost

    def _load(self, reference: Mapping[str, str]) -> Any:
        data = self.get(reference["sha256"])
        if data is None:
            raise KeyError(reference["sha256"])
        if reference["kind"] == "text":
            return data.decode("utf-8", "surrogatepass")
        return json.loads(data)
