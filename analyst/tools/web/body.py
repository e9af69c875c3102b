"""Bodies of answers: received within bounds, and unpacked within bounds.

Not here: what they mean (:mod:`analyst.tools.web.content`).
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable

from analyst.tools.registry import ToolError

_STEP = 1 << 16


async def received(stream: AsyncIterable[bytes], encoding: str, limit: int) -> bytes:
    """Return a body, unpacked from ``encoding``; raises :class:`ToolError` beyond ``limit`` bytes.

    Never holds more than the limit and a little, however much there is or it unpacks to.
    """
    unpack = _unpacker(encoding)
    whole = bytearray()
    came = 0
    async for piece in stream:
        came += len(piece)
        for part in [piece] if unpack is None else _unpacked(unpack, piece, limit - len(whole) + 1):
            whole += part
        if max(came, len(whole)) > limit:
            raise too_large(limit)
    return bytes(whole)


def too_large(limit: int) -> ToolError:
    """Return the error for what is larger than may be fetched."""
    return ToolError(f"The page is larger than {limit / 1e6:g} MB, so it was not fetched whole.")


def _unpacker(encoding: str) -> zlib._Decompress | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            # Finds out by itself whether it is gzip or zlib.
            return zlib.decompressobj(zlib.MAX_WBITS | 32)
        case _:
            raise ToolError("The page is packed in a way that was not asked for.")


def _unpacked(unpack: zlib._Decompress, piece: bytes, most: int) -> list[bytes]:
    parts = []
    try:
        while piece and most > 0:
            parts.append(unpack.decompress(piece, min(_STEP, most)))
            most -= len(parts[-1])
            piece = unpack.unconsumed_tail
    except zlib.error:
        raise ToolError("The page is packed, and broken.") from None
    return parts
