"""Findings as a file: JSON lines, a finding a line, for other stores and for keeping.

Never pickle. What is read is checked like anything from elsewhere: its form, its sizes, and that
outputs are what their digests say.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analyst.memory.errors import ExchangeError
from analyst.memory.finding import Finding
from analyst.memory.store import FindingStore

FORMAT = "analyst findings 1"
MOST_LINE_BYTES = 64_000_000


def export(store: FindingStore, numbers: Sequence[int], path: Path) -> int:
    """Write findings to a new file and return how many; raises :class:`ExchangeError`."""
    written = 0
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT}) + "\n")
            for finding in store.get_many(numbers):
                bodies = {one.digest: store.output(one.digest) for one in finding.outputs}
                line = {
                    "finding": finding.model_dump(
                        mode="json", exclude={"number", "revision", "superseded_by"}
                    ),
                    "outputs": {
                        digest: base64.b64encode(body).decode("ascii")
                        for digest, body in bodies.items()
                        if body is not None
                    },
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                written += 1
    except FileExistsError as error:
        raise ExchangeError(f"{path} exists already and was left as it is.") from error
    except OSError as error:
        raise ExchangeError(f"{path} could not be written: {error.strerror}.") from error
    return written


def import_file(store: FindingStore, path: Path) -> tuple[int, int]:
    """Save the findings of a file; return how many were new, and how many were known.

    Raises :class:`ExchangeError` for a file that is none, before anything of it is saved.
    """
    entries = [*_entries(path)]
    known = {one.uid for one in store.all()}
    new = [(finding, outputs) for finding, outputs in entries if finding.uid not in known]
    for finding, outputs in new:
        store.save(finding, outputs=outputs)
    return len(new), len(entries) - len(new)


def _entries(path: Path) -> Iterator[tuple[Finding, dict[str, bytes]]]:
    try:
        with path.open("rb") as file:
            head = _read_line(path, 1, file.readline(MOST_LINE_BYTES + 1))
            if head.get("format") != FORMAT:
                raise ExchangeError(f"{path} is no file of findings of this version.")
            number = 1
            while raw := file.readline(MOST_LINE_BYTES + 1):
                number += 1
                yield _entry(path, number, _read_line(path, number, raw))
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}.") from error


def _read_line(path: Path, number: int, raw: bytes) -> dict[str, Any]:
    try:
        line = json.loads(raw) if len(raw) <= MOST_LINE_BYTES else None
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise ExchangeError(f"{path} is no file of findings: line {number} cannot be read.")
    return line


def _entry(path: Path, number: int, line: dict[str, Any]) -> tuple[Finding, dict[str, bytes]]:
    try:
        finding = Finding.model_validate(line["finding"])
        outputs = {
            digest: base64.b64decode(body, validate=True)
            for digest, body in line["outputs"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        raise ExchangeError(f"{path}, line {number}, holds no finding.") from error
    if any(hashlib.sha256(body).hexdigest() != digest for digest, body in outputs.items()):
        raise ExchangeError(f"{path}, line {number}, holds an output that was changed.")
    mine = finding.model_copy(update={"number": None, "revision": 0, "superseded_by": None})
    return mine, outputs
