"""Documents cut into passages: by headings and pages, then by paragraphs.

A passage is short enough to be quoted and whole enough to be understood. Not here: where
passages are kept (:mod:`analyst.tools.knowledge.store`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyst.tools.documents.document import Document, Headings, Part

USUAL, MOST = 900, 1_400
"""Characters that a passage has, and has at most."""

MOST_PASSAGES = 5_000
"""Of one document."""

_ATX = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*")
_UNDERLINE = re.compile(r"([=\-~^\"'`*+#])\1{2,}\s*")
_LEVELS = {"=": 1, "-": 2, "~": 3}
_FENCE = re.compile(r"\s*(```|~~~)")
_MARKUP = re.compile(r"[*_`]|\[([^\]]*)\]\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MOST_HEADING = 120
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document. ``place``: where it stands, as in a citation.

    ``heading``: the headings above it, from the outermost.
    """

    place: str
    heading: str
    text: str


@dataclass
class _Outline:
    """The headings that a line stands below, by level."""

    names: dict[int, str] = field(default_factory=dict)

    def enter(self, level: int, name: str) -> None:
        self.names = {known: text for known, text in self.names.items() if known < level}
        self.names[level] = name

    @property
    def path(self) -> str:
        return " > ".join(self.names[level] for level in sorted(self.names))

    @property
    def last(self) -> str:
        return self.names[max(self.names)] if self.names else ""


def cut(document: Document) -> list[Passage]:
    """Return the passages of a document, at most :data:`MOST_PASSAGES` of them."""
    outline = _Outline()
    found = []
    for part in document.parts:
        for passage in _passages(part, outline):
            found.append(passage)
            if len(found) >= MOST_PASSAGES:
                return found
    return found


def _passages(part: Part, outline: _Outline) -> Iterator[Passage]:
    for first_line, lines in _sections(part, outline):
        for offset, text in _pieces(lines):
            place = part.where or outline.last or f"line {first_line + offset}"
            yield Passage(place, outline.path, text)


def _sections(part: Part, outline: _Outline) -> Iterator[tuple[int, list[str]]]:
    """Yield the text below each heading with the number of its first line; keep the outline."""
    lines = part.text.splitlines()
    section: list[str] = []
    start, at, fenced = 1, 0, False
    while at < len(lines):
        fenced ^= part.headings == "markdown" and _FENCE.match(lines[at]) is not None
        heading = None if fenced else _heading(lines, at, part.headings)
        if heading is None:
            section.append(lines[at])
            at += 1
            continue
        yield start, section
        level, name, length = heading
        outline.enter(level, name)
        at += length
        start, section = at + 1, []
    yield start, section


def _heading(lines: list[str], at: int, kind: Headings) -> tuple[int, str, int] | None:
    """Return level, name and number of lines of a heading that begins at a line."""
    if kind == "none":
        return None
    if kind == "markdown" and (found := _ATX.fullmatch(lines[at])):
        return len(found[1]), _plain(found[2]), 1
    text = lines[at].strip()
    if not text or len(text) > _MOST_HEADING or at + 1 >= len(lines) or _UNDERLINE.fullmatch(text):
        return None
    line = _UNDERLINE.fullmatch(lines[at + 1])
    if line is None or (kind == "markdown" and line[1] not in "=-"):
        return None
    if text.startswith(("|", "-", ">")) or (kind == "underlined" and len(line[0]) < len(text) // 2):
        return None
    return _LEVELS.get(line[1], 4), _plain(text), 2


def _pieces(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield pieces of about the usual size with the offset of their first line."""
    piece: list[str] = []
    size = start = 0
    for offset, paragraph in _paragraphs(lines):
        for text in _short(paragraph):
            if piece and size + len(text) > USUAL:
                yield start, "\n\n".join(piece)
                piece, size = [], 0
            if not piece:
                start = offset
            piece.append(text)
            size += len(text)
    if piece:
        yield start, "\n\n".join(piece)


def _paragraphs(lines: list[str]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    start = 0
    for at, line in enumerate([*lines, ""]):
        if line.strip():
            if not block:
                start = at
            block.append(line.rstrip())
        elif block:
            yield start, "\n".join(block)
            block = []


def _short(paragraph: str) -> Iterator[str]:
    """Yield a paragraph in pieces that are not too long, cut at line or sentence ends."""
    if len(paragraph) <= MOST:
        yield paragraph
        return
    parts = paragraph.split("\n")
    if max(map(len, parts)) > MOST:
        parts = [piece for part in parts for piece in _SENTENCE_END.split(part)]
    parts = [part[at : at + MOST] for part in parts for at in range(0, len(part) or 1, MOST)]
    piece = ""
    for part in parts:
        if piece and len(piece) + len(part) >= USUAL:
            yield piece
            piece = ""
        piece = f"{piece}\n{part}" if piece else part
    if piece.strip():
        yield piece


def _plain(heading: str) -> str:
    return " ".join(_MARKUP.sub(r"\1", heading).split())[:_MOST_HEADING]
