"""PDF and HTML read in a process of its own: who wrote them cannot hang or crash this one.

Here: both sides; the file's bytes go in, JSON comes out. Run as a module it is the other side.
Not here: the readers.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from typing import Any, Literal

from analyst.tools.documents.decoding import declared_in_html, decoded
from analyst.tools.documents.document import Document, DocumentError, Part

Kind = Literal["pdf", "html"]

SECONDS = 60.0
"""How long a document may take to be read."""

_MEMORY = 2 * 1024**3
_MOST_TEXT = 50_000_000
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH")


def read_apart(
    data: bytes,
    kind: Kind,
    *,
    encoding: str | None = None,
    address: str = "",
    seconds: float = SECONDS,
) -> Document:
    """Read a document; blocks.

    ``encoding`` is what somebody claims of HTML. ``address``: where HTML is from; with it the
    addresses of links are kept.

    Raises :class:`DocumentError`.
    """
    try:
        done = subprocess.run(
            # -P: else a module of the working directory could take the place of a library.
            [sys.executable, "-P", "-m", __name__, kind, encoding or "", address],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        )
    except subprocess.TimeoutExpired:
        raise DocumentError(f"took more than {seconds:.0f} seconds to read") from None
    except OSError as error:
        raise DocumentError(f"cannot be read here: {error.strerror}") from error
    try:
        answer = json.loads(done.stdout)
        if "trouble" in answer:
            raise DocumentError(str(answer["trouble"]))
        parts = tuple(Part(**one) for one in answer.pop("parts"))
        return Document(**answer, parts=parts)
    except (ValueError, TypeError, KeyError):
        raise DocumentError("is broken, or takes too much memory to be read") from None


def _read(data: bytes, kind: str, encoding: str | None, address: str) -> Document:
    # Here, since only the other process needs them.
    if kind == "pdf":
        from analyst.tools.documents.pdf import read_pdf  # noqa: PLC0415

        return read_pdf(data)
    from analyst.tools.documents.html import read_html  # noqa: PLC0415

    text = decoded(data, encoding or declared_in_html(data))
    if text is None:
        raise DocumentError("is no text")
    return read_html(text, address)


def _main(kind: str, encoding: str, address: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS) + 5))
    answer: dict[str, Any]
    try:
        document = _read(sys.stdin.buffer.read(), kind, encoding or None, address)
        answer = asdict(document)
        if sum(len(part.text) for part in document.parts) > _MOST_TEXT:
            answer = {"trouble": "holds too much text"}
    except DocumentError as error:
        answer = {"trouble": str(error)}
    except MemoryError:
        answer = {"trouble": "takes too much memory to be read"}
    # Surrogates, which some PDF hold, are no UTF-8; as escapes they cross.
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _main(*sys.argv[1:])
