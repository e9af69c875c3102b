"""A page's content as Markdown, without its menus.

Every page is first made well-formed by an HTML5 parser that drops scripts and styles. Not here:
protection against pages that take forever (:mod:`analyst.tools.documents.apart`).
"""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urljoin

import nh3
from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from analyst.tools.documents.document import Document, Part

_FRAME = frozenset({"nav", "footer", "aside", "header", "form", "menu", "dialog"})
_KEPT = frozenset(
    """
    a abbr article b blockquote br caption cite code col colgroup dd del details dfn div dl dt em
    figcaption figure h1 h2 h3 h4 h5 h6 hr i ins kbd li main mark ol p pre q rp rt ruby s samp
    section small span strong sub summary sup table tbody td tfoot th thead time title tr u ul var
    """.split()  # noqa: SIM905 - a list of words
)
_DROPPED = {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "select"}
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "dialog"})
_HIDDEN = '[aria-hidden="true"]'
_ENOUGH = 0.3
"""A main part with less of a page's text than this is not what the page is about."""

_BLANK = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+\n")


class _Converter(MarkdownConverter):
    """Markdown; links are words only, or with their whole address."""

    def __init__(self, address: str) -> None:
        super().__init__(
            heading_style="ATX",
            bullets="-",
            escape_misc=False,
            escape_asterisks=False,
            escape_underscores=False,
        )
        self._address = address

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Return a link's words, and where it leads if that is another page."""
        del parent_tags
        href = str(el.get("href") or "")
        if not (self._address and href and text.strip()) or href.startswith("#"):
            return text
        try:
            whole = urldefrag(urljoin(self._address, href)).url
        except ValueError:
            return text
        if whole == self._address or not whole.startswith(("https://", "http://")):
            return text
        return f"[{' '.join(text.split())}]({whole})"


def read_html(html: str, address: str = "") -> Document:
    """Return a page's title and content.

    ``address``: where it is from; with it the addresses of links are kept.
    """
    cleaned = nh3.clean(
        html,
        tags={*_KEPT, *_FRAME},
        clean_content_tags=_DROPPED,
        attributes={"*": {"role", "aria-hidden"}, "a": {"href"}},
        link_rel=None,
    )
    soup = BeautifulSoup(cleaned, "html.parser")
    title = ""
    for one in soup.find_all("title"):
        title = title or " ".join(one.get_text().split())
        one.decompose()
    content = _content(soup)
    try:
        text = _Converter(address).convert_soup(content)
    except RecursionError:
        text = content.get_text("\n")
    text = _BLANK.sub("\n\n", _TRAILING.sub("\n", text)).strip()
    if not title and (heading := soup.find(["h1", "h2"])):
        title = " ".join(heading.get_text().split())
    return Document(title[:300], (Part(text, headings="markdown"),))


def _content(soup: BeautifulSoup) -> Tag:
    whole = len(soup.get_text())
    for one in soup.select(", ".join([*(f"[role={role}]" for role in _ROLES), _HIDDEN])):
        one.decompose()
    for one in soup.select(", ".join(sorted(_FRAME))):
        # Some put all of a page into a form, or an article's heading into a header.
        if not one.decomposed and len(one.get_text()) < _ENOUGH * whole and not _is_heading(one):
            one.decompose()
    mains = soup.select("main") or soup.select("[role=main]") or soup.select("article")
    if len(mains) == 1 and len(mains[0].get_text()) >= _ENOUGH * len(soup.get_text()):
        return mains[0]
    return soup


def _is_heading(one: Tag) -> bool:
    return one.name == "header" and one.find_parent(["article", "main", "section"]) is not None
