"""Messages as a gateway's websocket carries them: two protocols, both with binary buffers.

The older one is JSON, with buffers as a frame that begins with their offsets; the newer is named
``v1.kernel.websocket.jupyter.org``. What arrives was made by code nobody trusts.
"""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import Any

from kernel_sandbox.channels import Message

V1 = "v1.kernel.websocket.jupyter.org"

Parts = dict[str, Any]
"""``header``, ``parent_header``, ``metadata``, ``content`` of a message."""

_PARTS = ("header", "parent_header", "metadata", "content")


def encode(message: Parts, buffers: list[bytes], *, v1: bool) -> bytes | str:
    """Return a message for the shell channel: text, or bytes where it must be."""
    if v1:
        parts = [json.dumps(message[name]).encode() for name in _PARTS]
        return _join_v1([b"shell", *parts, *buffers])
    text = json.dumps({**message, "channel": "shell", "buffers": []})
    if not buffers:
        return text
    pieces = [json.dumps({**message, "channel": "shell"}).encode(), *buffers]
    offsets, at = [], 4 * (len(pieces) + 1)
    for piece in pieces:
        offsets.append(at)
        at += len(piece)
    return struct.pack(f"!{len(pieces) + 1}I", len(pieces), *offsets) + b"".join(pieces)


def decode(data: bytes | str, *, v1: bool) -> tuple[str, Message]:
    """Return channel and message; raises one of many errors when it is malformed."""
    if v1 and isinstance(data, bytes):
        channel, *parts = _split_v1(data)
        found = {name: json.loads(part) for name, part in zip(_PARTS, parts[:4], strict=True)}
        return channel.decode(), _message(found, tuple(parts[4:]))
    if isinstance(data, str):
        found = json.loads(data)
        return str(found.get("channel")), _message(found, ())
    (count,) = struct.unpack_from("!I", data)
    if not 0 < count <= len(data) // 4:
        raise ValueError("a message with impossible offsets")
    offsets = [*struct.unpack_from(f"!{count}I", data, 4), len(data)]
    pieces = _cut(data, offsets)
    found = json.loads(pieces[0])
    return str(found.get("channel")), _message(found, tuple(pieces[1:]))


def _message(found: Any, buffers: tuple[bytes, ...]) -> Message:
    header, parent = found["header"], found["parent_header"]
    parent_id = parent.get("msg_id") if isinstance(parent, dict) else None
    return Message(
        str(header["msg_type"]),
        parent_id if isinstance(parent_id, str) else None,
        found["content"],
        buffers,
    )


def _join_v1(pieces: list[bytes]) -> bytes:
    count = len(pieces) + 1
    at = 8 * (count + 1)
    offsets = [at]
    for piece in pieces:
        at += len(piece)
        offsets.append(at)
    head = b"".join(number.to_bytes(8, "little") for number in (count, *offsets))
    return head + b"".join(pieces)


def _split_v1(data: bytes) -> list[bytes]:
    count = int.from_bytes(data[:8], "little")
    if not 1 < count <= len(data) // 8:
        raise ValueError("a message with impossible offsets")
    return _cut(data, list(struct.unpack_from(f"<{count}Q", data, 8)))


def _cut(data: bytes, offsets: list[int]) -> list[bytes]:
    if offsets != sorted(offsets) or offsets[-1] > len(data):
        raise ValueError("a message with impossible offsets")
    return [data[start:end] for start, end in pairwise(offsets)]
