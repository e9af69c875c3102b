"""What a server's tool returned, as a result of ours: text for the model, images for the user.

Here: pure functions. Not here: calling (:mod:`analyst.tools.mcp.server`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analyst.tools.mcp.words import one_line, plain
from analyst.tools.observation import cut_head, cut_tail
from analyst.tools.registry import ToolItem, ToolOutput, ToolResult

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock

RESULT_CHARACTERS = 6_000
"""Most characters of a result that the model sees; pages and tickets are longer than prints."""

IMAGE_CHARACTERS = 8_000_000
"""Most characters of an image, in base64, that is shown."""

MOST_IMAGES = 10
MOST_READ = 2_000_000

_IMAGES = {
    "image/png": b"\x89PNG\r\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
NOTHING = "The call succeeded and returned nothing."


def items(result: CallToolResult) -> Iterator[ToolItem]:
    """Yield what is shown of a result, and last the :class:`ToolResult`."""
    texts: list[str] = []
    shown = 0
    for block in result.content:
        text, image = _told(block)
        if image is not None and shown < MOST_IMAGES:
            shown += 1
            yield image
        texts.append(text)
    structured = _structured(result.structured_content, texts)
    if structured:
        texts.append(structured)
    said = plain("\n".join(text for text in texts if text.strip())[:MOST_READ])
    if result.is_error:
        failed = cut_tail(said) or "The tool failed and does not say why."
        yield ToolResult(status="error", observation=failed)
        return
    yield ToolResult(status="ok", observation=cut_head(said, RESULT_CHARACTERS) or NOTHING)


def _told(block: ContentBlock) -> tuple[str, ToolOutput | None]:
    """Return a part of a result in words, and as an output where it is an image."""
    match block.type:
        case "text":
            return block.text, None
        case "image":
            image = _image(block.mime_type, block.data)
            if image is None:
                return "[an image that cannot be shown]", None
            return "[an image is shown to the user]", image
        case "audio":
            return f"[sound, {_kind(block.mime_type)}: not played]", None
        case "resource_link":
            described = f": {one_line(block.description, 300)}" if block.description else ""
            name = one_line(block.title or block.name, 100)
            return f"[link to {name}, {one_line(str(block.uri), 300)}{described}]", None
        case "resource":
            return _resource(block.resource), None
    return "[something of an unknown kind]", None


def _resource(resource: Any) -> str:
    where = one_line(str(resource.uri), 300)
    text = getattr(resource, "text", None)
    if isinstance(text, str):
        return f"[from {where}]\n{text}"
    size = len(getattr(resource, "blob", "")) * 3 // 4
    return f"[{where}: {size} bytes, {_kind(resource.mime_type)}, not shown]"


def _kind(mime_type: str | None) -> str:
    return one_line(mime_type, 60) if mime_type else "of an unknown kind"


def _image(mime_type: str, data: str) -> ToolOutput | None:
    """Return an image as an output, if it is one of those that only draw."""
    mime_type = mime_type.lower()
    begins = _IMAGES.get(mime_type)
    if begins is None or len(data) > IMAGE_CHARACTERS:
        return None
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not decoded.startswith(begins):
        return None
    bundle = {mime_type: base64.b64encode(decoded).decode("ascii")}
    return ToolOutput(output={"output_type": "display_data", "data": bundle, "metadata": {}})


def _structured(value: Any, texts: list[str]) -> str:
    """Return a structured result as JSON, or nothing where the text says the same already.

    Servers give the same as text for clients that know no structure.
    """
    if value is None:
        return ""
    if isinstance(value, dict) and list(value) == ["result"]:
        value = value["result"]
    if any(_says(text, value) for text in texts):
        return ""
    if isinstance(value, list) and texts and value == [_parsed(text) for text in texts]:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _says(text: str, value: Any) -> bool:
    if isinstance(value, str):
        return text == value
    found = _parsed(text)
    return bool(found == value) or (isinstance(value, dict) and found == {"result": value})


def _parsed(text: str) -> Any:
    if len(text) > MOST_READ:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
