"""Bytes to text, in whatever encoding they are.

Not here: what the text means.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 65_536
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MOST_CONTROLS = 0.05
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE
)


def decoded(data: bytes, declared: str | None = None) -> str | None:
    """Return the text; ``None`` for what is none, as an image is not.

    ``declared`` is an encoding that somebody claims: it is tried, not trusted.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff")
    for claimed in ("utf-8", declared):
        text = _strictly(data, claimed)
        if text is not None:
            return text if _is_text(text) else None
    text = _guessed(data)
    return text if text is not None and _is_text(text) else None


def declared_in_html(data: bytes) -> str | None:
    """Return the encoding that a page claims of itself."""
    found = _DECLARED.search(data[:4096])
    return found[1].decode("ascii") if found else None


def _strictly(data: bytes, encoding: str | None) -> str | None:
    try:
        return data.decode(encoding) if encoding and codecs.lookup(encoding) else None
    except (LookupError, ValueError, TypeError):
        # Not known, does not fit, or is none of text, as "hex" and "zlib".
        return None


def _guessed(data: bytes) -> str | None:
    if b"\0" in data[:_LOOKED_AT]:
        return None
    from charset_normalizer import from_bytes  # noqa: PLC0415 - rarely needed

    best = from_bytes(data[:_LOOKED_AT]).best()
    encoding = best.encoding if best is not None else "cp1252"
    return data.decode(encoding, "replace")


def _is_text(text: str) -> bool:
    head = text[:_LOOKED_AT]
    return len(_CONTROLS.findall(head)) <= _MOST_CONTROLS * len(head)
