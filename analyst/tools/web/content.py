"""Answers as text: HTML, PDF, JSON, tables and plain text, by content type.

Not here: the fetching (:mod:`analyst.tools.web.client`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyst.tools.documents.apart import read_apart
from analyst.tools.documents.decoding import decoded
from analyst.tools.documents.document import DocumentError
from analyst.tools.registry import ToolError
from analyst.tools.web.client import Answer

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{2,40})")
_TEXT = re.compile(
    r"text/.*|application/(?:json|xml|csv|x-ndjson|ndjson|javascript|x-javascript|yaml|x-yaml|toml"
    r"|sql|rtf)|application/.*\+(?:json|xml)|image/svg\+xml"
)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_PDF = b"%PDF-"
_SECONDS = 30.0
_SURROGATES = re.compile(r"[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text."""

    title: str
    address: str
    text: str


def page_of(answer: Answer) -> Page:
    """Return an answer as text; blocks. Raises :class:`ToolError`."""
    kind = answer.content_type.partition(";")[0].strip()
    said = _CHARSET.search(answer.content_type)
    encoding = said[1] if said else None
    address = str(answer.address)
    start = answer.data[:1024].lstrip()
    try:
        if kind == "application/pdf" or (kind in _UNSAID and start.startswith(_PDF)):
            document = read_apart(answer.data, "pdf", seconds=_SECONDS)
            pages = (f"[{part.where}]\n{part.text.strip()}" for part in document.parts)
            return Page(document.title, address, _sound("\n\n".join(pages)))
        if kind in _HTML or (kind in _UNSAID and start[:20].lower().startswith(_HTML_STARTS)):
            document = read_apart(
                answer.data, "html", encoding=encoding, address=address, seconds=_SECONDS
            )
            return Page(document.title, address, _sound(document.parts[0].text))
    except DocumentError as error:
        raise ToolError(f"The page {error}.") from None
    if kind not in _UNSAID and not _TEXT.fullmatch(kind):
        raise ToolError(f"The page is of type {kind[:80]}, which has no text to read.")
    text = decoded(answer.data, encoding)
    if text is None:
        raise ToolError("What is there is no text.")
    return Page("", address, _sound(text))


_HTML_STARTS = (b"<!doctype html", b"<html")


def _sound(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)
