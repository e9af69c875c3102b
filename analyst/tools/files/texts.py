"""Text out of the bytes of a file, and back as it was: its encoding, its mark, its line ends.

What is no text is told from it by its bytes, not by its name.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from analyst.tools.files.paths import PathError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b\b")
_MOST_CONTROLS = 0.02


class NotTextError(PathError):
    """A file is no text, or a text cannot be kept in its encoding."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with lines that end in a newline alone, and how the file writes it.

    ``newline`` is None where the file's line ends differ; the text then has them as they are.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    newline: str | None = "\n"

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        found = self.text.split("\n")
        return found[:-1] if found[-1] == "" else found

    def encoded(self, text: str) -> bytes:
        """Write another text as the file writes this one; raises :class:`NotTextError`."""
        if self.newline == "\r\n":
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            letter = text[error.start : error.start + 1]
            raise NotTextError(
                f"{letter!a} cannot be written in the file's encoding, {self.encoding}."
            ) from None


def decoded(data: bytes, path: str) -> Text:
    """Read a file's bytes as text; raises :class:`NotTextError` for what is none."""
    mark, encoding = b"", "utf-8"
    if not data.startswith(codecs.BOM_UTF32_LE):
        mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", "utf-8"))
    body = data[len(mark) :]
    wide = encoding.startswith("utf-16")
    if not wide and b"\0" in body:
        raise _binary(path, data)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        if mark or sum(byte in _CONTROLS for byte in body) > _MOST_CONTROLS * len(body):
            raise _binary(path, data) from None
        text, encoding = _in_eight_bits(body)
    ends = text.count("\r\n")
    if ends and ends == text.count("\n") and ends == text.count("\r"):
        return Text(text.replace("\r\n", "\n"), encoding, mark, "\r\n")
    return Text(text, encoding, mark, "\n" if not ends else None)


def _in_eight_bits(data: bytes) -> tuple[str, str]:
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _binary(path: str, data: bytes) -> NotTextError:
    return NotTextError(
        f"{path} is no text ({len(data)} bytes of binary data). Load data files with code instead."
    )
