"""What the model sees of a cell's outputs: short, cut by meaning, never misleading.

Here: pure functions from notebook outputs to text. On success the head of long text is kept,
on an error the tail; tracebacks keep only the user's own lines; charts are named, not shown;
a cut never changes a status, and says how much is missing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SUCCESS_LIMIT = 2500
ERROR_LIMIT = 1500
MESSAGE_LIMIT = 400

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_PLOTLY = "application/vnd.plotly.v1+json"
_CHARTS = {
    _PLOTLY: "an interactive chart",
    "application/vnd.vegalite": "a chart",
    "image/": "an image",
}
TRACES_TOLD = 4
POINTS_TOLD = 12


def clean(text: str) -> str:
    """Drop terminal colours and lines that a progress bar overwrote."""
    text = _ANSI.sub("", text)
    if "\r" not in text:
        return text
    return "\n".join(map(_as_seen, text.split("\n")))


def _as_seen(line: str) -> str:
    """Return what a terminal shows of a line after its carriage returns."""
    return line.rstrip("\r").rpartition("\r")[2]


def cut_head(text: str, limit: int = SUCCESS_LIMIT) -> str:
    """Keep the head of a long text and a little of its end, at line ends where possible."""
    if len(text) <= limit:
        return text
    tail_size = limit // 5
    head = text[: limit - tail_size]
    head = head[: head.rfind("\n") + 1] or head
    tail = text[-tail_size:]
    tail = tail[tail.find("\n") + 1 :] or tail
    missing = len(text) - len(head) - len(tail)
    return f"{head.rstrip()}\n[… {missing} characters not shown …]\n{tail}"


def cut_tail(text: str, limit: int = ERROR_LIMIT) -> str:
    """Keep the end of a long text, where an error says what happened."""
    if len(text) <= limit:
        return text
    tail = text[-limit:]
    tail = tail[tail.find("\n") + 1 :] or tail
    return f"[… {len(text) - len(tail)} characters not shown …]\n{tail}"


def failing_lines(traceback: Sequence[str], code: str) -> str:
    """Return the lines of ``code`` that the traceback points at, innermost last.

    ``traceback`` is IPython's list of coloured frames. Lines of libraries are left out: the
    model can only change its own.
    """
    source = code.splitlines()
    pointed: list[str] = []
    for frame in traceback:
        text = clean(frame)
        if "Cell In[" not in text and "<ipython-input" not in text:
            continue
        for match in re.finditer(r"^-+>\s*(\d+)\s", text, re.MULTILINE):
            number = int(match.group(1))
            if 1 <= number <= len(source) and source[number - 1].strip():
                line = f"line {number}: {source[number - 1].strip()}"
                if line not in pointed:
                    pointed.append(line)
    return "\n".join(pointed[-3:])


def describe_error(output: Mapping[str, Any], code: str) -> str:
    """Say an error in the model's terms: its own failing line, the type, the message."""
    name = str(output.get("ename", "Error"))
    message = clean(str(output.get("evalue", ""))).strip()
    message = cut_head(message, MESSAGE_LIMIT)
    where = failing_lines(list(output.get("traceback", ())), code)
    return (f"{where}\n" if where else "") + (f"{name}: {message}" if message else name)


def describe_bundle(data: Mapping[str, Any]) -> str:
    """Describe one MIME bundle: its text, or what kind of chart the user now sees."""
    for mime in data:
        for prefix, words in _CHARTS.items():
            if mime.startswith(prefix):
                drawn = _describe_figure(data[mime]) if mime == _PLOTLY else ""
                return f"[{words} is shown to the user]{drawn}"
    for mime in ("text/markdown", "text/plain"):
        if mime in data:
            value = data[mime]
            return clean(value if isinstance(value, str) else "".join(value))
    return f"[output of type {', '.join(data)} is shown to the user]" if data else ""


def _describe_figure(figure: Any) -> str:
    """Say what a plotly figure draws, for traces of few points: the model cannot see it."""
    traces = figure.get("data") if isinstance(figure, Mapping) else None
    lines = []
    for trace in list(traces or ())[:TRACES_TOLD]:
        x = _points(trace.get("x", trace.get("labels")))
        y = _points(trace.get("y", trace.get("values")))
        if x is None or y is None or len(x) > POINTS_TOLD:
            continue
        points = ", ".join(f"{_brief(a)}: {_brief(b)}" for a, b in zip(x, y, strict=False))
        name = f" {trace['name']}" if trace.get("name") else ""
        lines.append(f"{trace.get('type', 'trace')}{name}: {points}")
    return "".join(f"\n{line}" for line in lines)


def _points(values: Any) -> list[Any] | None:
    """Return a trace's values, from a list or from plotly's typed array, or None.

    Plotly 6 writes numbers as ``{"dtype": "f8", "bdata": <base64>}``. Arrays of more than one
    dimension, and what is not an array at all, are not told.
    """
    if isinstance(values, list):
        return values
    if not isinstance(values, Mapping) or "shape" in values:
        return None
    try:
        kind = np.dtype(str(values["dtype"])).newbyteorder("<")
        return list(
            np.frombuffer(base64.b64decode(values["bdata"], validate=True), dtype=kind).tolist()
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:40]


def observe(outputs: Sequence[Mapping[str, Any]], code: str, *, changes: Sequence[str] = ()) -> str:
    """Compose the observation of a finished cell from its notebook outputs.

    ``changes`` are lines on the frames that the cell made or changed. The text says so when
    nothing was printed, for the model otherwise believes it saw a result.
    """
    parts: list[str] = []
    error = ""
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream" and output.get("name") == "stderr":
            continue
        if kind == "stream":
            parts.append(clean(str(output.get("text", ""))).rstrip("\n"))
        elif kind in {"display_data", "execute_result"}:
            parts.append(describe_bundle(output.get("data", {})))
        elif kind == "error":
            error = describe_error(output, code)
    printed = "\n".join(part for part in parts if part)
    if error:
        before = cut_tail(printed, MESSAGE_LIMIT)
        return (f"{before}\n" if before else "") + error
    lines = [cut_head(printed) if printed else "No output. Use print() to see a value."]
    lines += list(changes)
    return "\n".join(lines)
