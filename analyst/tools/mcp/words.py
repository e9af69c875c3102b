"""Text that a server wrote, made fit to be read by people and models.

Here: taking out what steers a terminal or hides from a reader, and cutting to a length.
"""

from __future__ import annotations

import re
import unicodedata

from analyst.tools.observation import clean

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SEEN = frozenset("\u200c\u200d")
"""Joiners, which scripts and emoji need."""


def plain(text: str) -> str:
    """Return ``text`` without escape sequences, control characters, and what is not seen.

    Line feeds and tabs stay. Characters that reorder or hide text go: a reader would not see
    what a model reads.
    """
    text = _CONTROL.sub("", clean(text))
    if text.isascii():
        return text
    return "".join(
        one for one in text if one in _SEEN or unicodedata.category(one) not in ("Cf", "Cs")
    )


def one_line(text: str, limit: int) -> str:
    """Return plain ``text`` on one line of at most ``limit`` characters."""
    # What is beyond counts for nothing; a little more than the limit, for what is taken out.
    line = " ".join(plain(text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
