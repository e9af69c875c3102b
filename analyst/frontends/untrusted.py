"""Text and HTML that a model, its code or its data made, brought into a form safe to show.

Everything an agent produces may carry somebody else's instructions: a data set is enough to
write an answer. So nothing of it may run a script, load anything from elsewhere, or steer a
terminal. Here: cleaning of text, Markdown and HTML. Not here: which output is shown where;
see :mod:`analyst.frontends.outputs`.
"""

from __future__ import annotations

import functools
import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_ESCAPE_SEQUENCE = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]                 # CSI: colours, cursor, modes
    | (?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])           # OSC, DCS, SOS, PM, APC ...
      [^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|(?=\x1b)|$)  # ... up to their terminator
    | \x1b[ -/]*[0-~]?                               # two-character sequences, a lone ESC
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile(
    "[\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)

# fmt: off
_TEXT_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "s", "samp", "small", "span", "strong",
    "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "col",
    "colgroup", "dl", "dt", "dd",
})
# fmt: on
_TEXT_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
}
_DROPPED_WITH_CONTENT = {
    "script",
    "style",
    "template",
    "title",
    "noscript",
    "iframe",
    "svg",
    "math",
}


def clean_text(text: str) -> str:
    """Return ``text`` without anything that could steer a terminal or hide from a reader.

    Escape sequences and control characters go, a line that was overwritten after a carriage
    return (a progress bar) keeps its last state, and characters that reorder or hide text are
    spelled out, for instance ``<U+202E>``. Tabs and line feeds stay.
    """
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n")
    text = _OVERWRITTEN.sub("", _CONTROL.sub("", text)).replace("\r", "")
    return _INVISIBLE.sub(lambda match: f"<U+{ord(match.group()):04X}>", text)


def escape(text: str) -> str:
    """Return cleaned ``text`` for use in HTML content or a quoted attribute."""
    return html.escape(clean_text(text), quote=True)


def clean_html(source: str, *, links: bool = True) -> str:
    """Return the text, lists, tables and links of ``source``: no script, style, image or form.

    Without ``links`` their text alone is left.
    """
    import nh3  # noqa: PLC0415  # late: only views that show HTML need it

    return nh3.clean(
        clean_text(source),
        tags=set(_TEXT_TAGS if links else _TEXT_TAGS - {"a"}),
        attributes=_TEXT_ATTRIBUTES,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


@functools.cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  # late: see clean_html

    # An image would be fetched from wherever the text says, with whatever it put in the address.
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable(["table", "strikethrough"])
        .disable("image")
    )


def markdown_to_html(source: str, *, links: bool = True) -> str:
    """Render Markdown to safe HTML; HTML inside it is shown as text, images become links.

    Without ``links`` the text of a link is shown, and nothing leads anywhere.
    """
    return clean_html(_markdown().render(source), links=links)


def one_line(text: str, limit: int = 120) -> str:
    """Return cleaned ``text`` on one line, shortened to ``limit`` characters."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
