"""A PDF's text, page by page.

Not here: protection against files that take forever (:mod:`analyst.tools.documents.apart`).
"""

from __future__ import annotations

import io
import logging

from pypdf import PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from analyst.tools.documents.document import Document, DocumentError, Part

MOST_PAGES = 3_000
"""Pages beyond are left out, and that is said."""


def read_pdf(data: bytes) -> Document:
    """Return the pages that have text; raises :class:`DocumentError`."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
        count = 0 if locked else len(reader.pages)
        known = None if locked else reader.metadata
        title = str((known.title if known else None) or "").strip()
    except DependencyError as error:
        raise DocumentError("is encrypted in a way that cannot be read") from error
    except (PyPdfError, *_BROKEN) as error:
        raise DocumentError("is broken: it cannot be read as a PDF") from error
    if locked:
        raise DocumentError("is encrypted: save a copy without a password")
    parts, unread = [], 0
    for number in range(min(count, MOST_PAGES)):
        try:
            text = reader.pages[number].extract_text()
        except (PyPdfError, *_BROKEN):
            unread += 1
            continue
        if text.strip():
            parts.append(Part(text, f"p. {number + 1}"))
    remarks = []
    if unread:
        remarks.append(f"has {unread} pages that cannot be read")
    if count > MOST_PAGES:
        remarks.append(f"has {count} pages, of which the first {MOST_PAGES} were read")
    if not parts and not unread:
        raise DocumentError("holds no text: it may be a scan, which needs text recognition first")
    return Document(title[:300], tuple(parts), " and ".join(remarks))


_BROKEN = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    NotImplementedError,
    OSError,
)
"""What readers of broken files raise besides their own errors."""
