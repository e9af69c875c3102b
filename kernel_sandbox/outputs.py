"""What a cell gives back: outputs as they come, and last how it ended.

Here: the types, reading them from Jupyter messages (which a hostile kernel may have forged, so
every field is checked), and writing them as nbformat 4 dictionaries. Not here: receiving.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ExecutionStatus = Literal["ok", "error", "timeout", "interrupted", "died", "output_limit"]
"""How a cell ended: it ran; it raised; its deadline passed; someone interrupted it; its kernel
ended; it wrote more than the session lets through."""

MimeBundle = Mapping[str, Any]
"""MIME type to content: text, base64 text, or JSON."""

MAX_NESTING = 100
"""Deeper JSON content is dropped: writers of logs and notebooks recurse."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Text written to a standard stream."""

    name: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class DisplayData:
    """Something displayed; with ``update`` it replaces what carries the same ``display_id``."""

    data: MimeBundle
    metadata: Mapping[str, Any] = field(default_factory=dict)
    display_id: str | None = None
    update: bool = False


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """The value of the last expression of the cell."""

    data: MimeBundle
    metadata: Mapping[str, Any] = field(default_factory=dict)
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorOutput:
    """An exception; ``traceback`` is lines with ANSI colours."""

    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """All outputs before this go: at once, or with ``wait`` when the next one comes."""

    wait: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How a cell ended.

    ``seconds``: wall clock from the request to the end. ``restarted``: the kernel was started
    anew because of this cell or just before it, so all variables are lost; ``detail`` then says
    so. ``detail``: one or two sentences whenever the status needs explaining.
    """

    status: ExecutionStatus
    seconds: float
    restarted: bool = False
    detail: str | None = None
    execution_count: int | None = None


Output = Stream | DisplayData | ExecuteResult | ErrorOutput | ClearOutput
"""Any output of a cell."""


def to_nbformat(output: Output) -> dict[str, Any] | None:
    """Return ``output`` as an nbformat 4 output dictionary; ``None`` for :class:`ClearOutput`."""
    match output:
        case Stream(name, text):
            return {"output_type": "stream", "name": name, "text": text}
        case DisplayData(data, metadata):
            return {"output_type": "display_data", "data": {**data}, "metadata": {**metadata}}
        case ExecuteResult(data, metadata, count):
            return {
                "output_type": "execute_result",
                "data": {**data},
                "metadata": {**metadata},
                "execution_count": count,
            }
        case ErrorOutput(ename, evalue, traceback):
            return {
                "output_type": "error",
                "ename": ename,
                "evalue": evalue,
                "traceback": [*traceback],
            }
        case ClearOutput():
            return None


def from_message(msg_type: str, content: object) -> Output | None:
    """Read an iopub message's content; ``None`` when it is no output, or not a well-formed one."""
    if not isinstance(content, dict):
        return None
    match msg_type:
        case "stream":
            text = content.get("text")
            if not isinstance(text, str):
                return None
            return Stream("stderr" if content.get("name") == "stderr" else "stdout", _text(text))
        case "display_data" | "update_display_data":
            transient = content.get("transient")
            display_id = transient.get("display_id") if isinstance(transient, dict) else None
            return DisplayData(
                _bundle(content.get("data")),
                _metadata(content.get("metadata")),
                _text(display_id) if isinstance(display_id, str) else None,
                update=msg_type == "update_display_data",
            )
        case "execute_result":
            return ExecuteResult(
                _bundle(content.get("data")),
                _metadata(content.get("metadata")),
                _count(content.get("execution_count")),
            )
        case "error":
            return error_from(content)
        case "clear_output":
            return ClearOutput(wait=bool(content.get("wait")))
        case _:
            return None


def error_from(content: Mapping[str, Any]) -> ErrorOutput:
    """Read the error fields of an ``error`` message or of a reply with status ``error``."""
    lines = content.get("traceback")
    return ErrorOutput(
        _text(str(content.get("ename", "Error"))),
        _text(str(content.get("evalue", ""))),
        tuple(_text(str(line)) for line in lines) if isinstance(lines, list) else (),
    )


def mime_bundle(value: object) -> MimeBundle:
    """Return a checked MIME bundle; what is not one becomes an empty bundle."""
    return _bundle(value)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(text: str) -> str:
    # Lone surrogates pass through JSON, and then break the first writer of UTF-8.
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _bundle(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    bundle: dict[str, Any] = {}
    for mime, content in value.items():
        if isinstance(content, str):
            bundle[_text(mime)] = _text(content)
        elif isinstance(content, list) and all(isinstance(part, str) for part in content):
            # nbformat on disk may split text in lines, and so do some kernels on the wire.
            bundle[_text(mime)] = _text("".join(content))
        elif _shallow(content):
            bundle[_text(mime)] = _sanitised(content)
        else:
            bundle.setdefault("text/plain", f"[{_text(mime)} was dropped: nested too deeply]")
    return bundle


def _metadata(value: object) -> dict[str, Any]:
    if isinstance(value, dict) and _shallow(value):
        sanitised = _sanitised(value)
        assert isinstance(sanitised, dict)
        return sanitised
    return {}


def _shallow(value: object) -> bool:
    """Whether JSON ``value`` nests at most :data:`MAX_NESTING` containers."""
    level: list[object] = [value]
    for _ in range(MAX_NESTING):
        deeper: list[object] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list) and not {*map(type, item)} <= {int, float}:
                deeper.extend(item)
        level = [item for item in deeper if isinstance(item, dict | list)]
        if not level:
            return True
    return False


def _sanitised(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        if {*map(type, value)} <= {int, float}:
            return value
        return [_sanitised(item) for item in value]
    if isinstance(value, dict):
        return {_text(key): _sanitised(item) for key, item in value.items()}
    return value
