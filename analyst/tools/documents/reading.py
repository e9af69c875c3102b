"""Any document by the ending of its name.

Here: which reader reads what. PDF and HTML go to another process; notebooks, Markdown and plain
text are read here, since nothing in them can take forever.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePath

from analyst.tools.documents.apart import read_apart
from analyst.tools.documents.decoding import decoded
from analyst.tools.documents.document import Document, DocumentError, Headings, Part

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".qmd", ".rmd"})
UNDERLINED = frozenset({".rst"})
PLAIN = frozenset({".txt", ".text", ".org", ".adoc", ".tex", ".log"})
HTML = frozenset({".html", ".htm", ".xhtml"})
SUFFIXES = frozenset({*MARKDOWN, *UNDERLINED, *PLAIN, *HTML, ".pdf", ".ipynb"})
"""Endings of names that are known, in lower case."""

_OUTPUT_LIMIT = 4_000
_SURROGATES = re.compile(r"[\ud800-\udfff\x00]")


def read(name: str, data: bytes) -> Document:
    """Read a document of some name; blocks. Raises :class:`DocumentError`."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".pdf":
        document = read_apart(data, "pdf")
    elif suffix in HTML:
        document = read_apart(data, "html")
    else:
        text = decoded(data)
        if text is None:
            raise DocumentError("is no text, whatever its name says")
        if suffix == ".ipynb":
            document = _notebook(text)
        else:
            document = Document("", (Part(text, headings=_headings(suffix)),))
    parts = tuple(
        Part(_SURROGATES.sub("\ufffd", one.text), one.where, one.headings) for one in document.parts
    )
    return Document(_SURROGATES.sub("\ufffd", document.title), parts, document.remark)


def _notebook(text: str) -> Document:
    import nbformat  # noqa: PLC0415 - slow to import
    from nbformat.reader import NotJSONError, reads  # noqa: PLC0415

    try:
        notebook = nbformat.convert(reads(text), 4)  # type: ignore[no-untyped-call]
        cells = [_cell(number, cell) for number, cell in enumerate(notebook.cells, 1)]
    except NotJSONError:
        raise DocumentError("is no notebook: it is no JSON") from None
    except Exception as error:
        raise DocumentError("is no notebook that can be read") from error
    parts = tuple(part for part in cells if part.text.strip())
    if not parts:
        raise DocumentError("is a notebook without text")
    return Document("", parts)


def _cell(number: int, cell: object) -> Part:
    known = json.loads(json.dumps(cell))
    texts = [_joined(known.get("source", ""))]
    for output in known.get("outputs", ()):
        data = output.get("data", {})
        found = _joined(output.get("text", data.get("text/plain", "")))
        texts.append(found[:_OUTPUT_LIMIT])
    headings: Headings = "markdown" if known.get("cell_type") == "markdown" else "none"
    return Part("\n\n".join(texts), f"cell {number}", headings)


def _headings(suffix: str) -> Headings:
    if suffix in MARKDOWN:
        return "markdown"
    return "underlined" if suffix in UNDERLINED else "none"


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
