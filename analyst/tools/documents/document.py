"""A document as it was read: a title, and its text in parts.

Not here: the reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Headings = Literal["none", "markdown", "underlined"]
"""How a text marks its headings: by ``#`` and by lines below them, or by the latter only."""


class DocumentError(Exception):
    """A document cannot be read; the message is a sentence that goes on from its name."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a PDF, a cell of a notebook, or all of a text.

    ``where``: what it is called in a citation, as ``p. 12``; "" for all of a text.
    """

    text: str
    where: str = ""
    headings: Headings = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. ``remark``: a sentence on what is missing, going on from the name."""

    title: str
    parts: tuple[Part, ...]
    remark: str = ""
