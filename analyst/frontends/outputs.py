"""Which outputs of the agent's code are shown in a notebook, and in what form.

An output comes from code that nobody reviewed, run on data that anybody may have written. It is
shown in a form that works the same and can do nothing: charts as Plotly's own data, images as
images, tables as plain HTML, other HTML in a frame without scripts or network. Here: the choice
and the forms. Not here: text outputs, which are part of their step (see
:mod:`analyst.frontends.html`).
"""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Callable, Mapping
from typing import Any

from analyst.frontends.untrusted import clean_html, clean_text, markdown_to_html, one_line

PLOTLY = "application/vnd.plotly.v1+json"

MAX_CHART_BYTES = 20_000_000
"""Charts larger than this would make the notebook unusable; their place is taken by a sentence."""

MAX_IMAGE_BYTES = 20_000_000
MAX_HTML_CHARS = 400_000

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_CHART_CONFIG = {"responsive", "scrollZoom", "displayModeBar", "displaylogo", "staticPlot"}

Bundle = dict[str, Any]


def rich_bundle(output: Mapping[str, Any]) -> Bundle | None:
    """Return what to publish for ``output``, or None if its text says it all.

    ``output`` is an nbformat output. The bundle always has a ``text/plain``.
    """
    if output.get("output_type") not in {"display_data", "execute_result"}:
        return None
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    text = plain_text(output)
    for mime, form in _FORMS:
        if mime in data:
            bundle = form(data[mime])
            if bundle is not None:
                return {"text/plain": text, **bundle}
    return None


def plain_text(output: Mapping[str, Any]) -> str:
    """Return the cleaned text of any output; what has no text is named."""
    kind = output.get("output_type")
    if kind == "stream":
        return clean_text(_joined(output.get("text")))
    if kind == "error":
        traceback = _joined(output.get("traceback"), "\n")
        return clean_text(traceback or f"{output.get('ename')}: {output.get('evalue')}")
    data = output.get("data")
    if not isinstance(data, Mapping) or not data:
        return ""
    if "text/plain" in data:
        return clean_text(_joined(data["text/plain"]))
    for mime in ("text/markdown", "text/latex"):
        if mime in data:
            return clean_text(_joined(data[mime]))
    return clean_text(f"[{', '.join(map(str, data))}]")


def chart(figure: object) -> Bundle | None:
    """Return a Plotly figure without anything that would be loaded from elsewhere."""
    if isinstance(figure, str):
        try:
            figure = json.loads(figure)
        except ValueError:
            return None
    if not isinstance(figure, Mapping) or not isinstance(figure.get("data"), list):
        return None
    try:
        size = len(json.dumps(figure, default=str))
    except (RecursionError, ValueError):
        return None
    if size > MAX_CHART_BYTES:
        return _sentence(
            f"A chart of {size / 1e6:,.0f} MB is not shown; ask for one of aggregated or sampled "
            "data."
        )
    layout = figure.get("layout")
    config = figure.get("config")
    shown: dict[str, Any] = {
        "data": [_local(trace) for trace in figure["data"]],
        "layout": _local(layout) if isinstance(layout, Mapping) else {},
    }
    if isinstance(figure.get("frames"), list):
        shown["frames"] = [_local(frame) for frame in figure["frames"]]
    given = config if isinstance(config, Mapping) else {}
    # Plotly would offer to upload the chart with its data.
    shown["config"] = {
        **{key: given[key] for key in _CHART_CONFIG & given.keys()},
        "showSendToCloud": False,
    }
    return {PLOTLY: shown, "text/plain": _chart_text(shown["layout"])}


def _chart_text(layout: Mapping[str, Any]) -> str:
    title = layout.get("title")
    text = title.get("text") if isinstance(title, Mapping) else title
    return f"[chart: {one_line(text)}]" if isinstance(text, str) and text else "[chart]"


def _local(value: Any) -> Any:
    """Copy a part of a figure without the addresses in it that a browser would load from.

    Images, map layers and map styles name their source; a source that is data stays.
    """
    if isinstance(value, Mapping):
        return {
            key: _local(part)
            for key, part in value.items()
            if not (key in {"source", "style", "sourceurl", "url"} and _is_remote(part))
        }
    if isinstance(value, list):
        if not any(isinstance(part, Mapping | list) for part in value):
            return value
        return [_local(part) for part in value]
    return value


def _is_remote(value: object) -> bool:
    if isinstance(value, list):
        return any(_is_remote(part) for part in value)
    if isinstance(value, Mapping):  # a map style written out: it names its own sources
        return "sources" in value
    return (
        isinstance(value, str)
        and ("//" in value or ":" in value)
        and not value.startswith("data:image/")
    )


def _image(mime: str) -> Callable[[object], Bundle | None]:
    def form(value: object) -> Bundle | None:
        encoded = "".join(_joined(value).split())
        if len(encoded) > MAX_IMAGE_BYTES * 4 / 3:
            return _sentence(f"An image of {len(encoded) * 3 / 4e6:,.0f} MB is not shown.")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return None
        return {mime: encoded} if raw.startswith(_BEGINNINGS[mime]) else None

    return form


def _svg(value: object) -> Bundle:
    # As an image, unlike as markup, an SVG runs no script and loads nothing.
    encoded = base64.b64encode(_joined(value).encode()).decode()
    style = "max-width:100%"
    return {
        "text/html": f'<img alt="chart" style="{style}" src="data:image/svg+xml;base64,{encoded}">'
    }


def _html(value: object) -> Bundle | None:
    source = _joined(value)
    if len(source) > MAX_HTML_CHARS:
        return None
    lowered = source.lower().replace("<style scoped>", "")
    cleaned = clean_html(source)
    looks = any(tag in lowered for tag in ("<img", "<svg", "<style"))
    if "<table" in cleaned and not looks:
        return {"text/html": f'<div style="overflow-x:auto">{cleaned}</div>'}
    if not cleaned.strip() and not looks:
        return None
    page = f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT_POLICY}">{source}'
    frame = (
        f'<iframe sandbox="" referrerpolicy="no-referrer" title="HTML made by the agent\'s code" '
        f'style="width:100%;height:320px;border:1px solid rgba(128,128,128,.3);resize:vertical;'
        f'background:#fff" srcdoc="{html.escape(page, quote=True)}"></iframe>'
    )
    return {"text/html": frame}


def _markdown(value: object) -> Bundle:
    return {"text/html": markdown_to_html(_joined(value))}


def _sentence(text: str) -> Bundle:
    return {"text/plain": text, "text/html": f"<em>{html.escape(text)}</em>"}


def _joined(value: object, separator: str = "") -> str:
    if isinstance(value, list | tuple):
        return separator.join(map(str, value))
    return "" if value is None else str(value)


_FORMS: tuple[tuple[str, Callable[[object], Bundle | None]], ...] = (
    (PLOTLY, chart),
    *((mime, _image(mime)) for mime in _IMAGES),
    ("image/svg+xml", _svg),
    ("text/html", _html),
    ("text/markdown", _markdown),
)
