"""What a request to the web tells the world, in words for whoever decides.

Not here: whether the host is allowed at all (:mod:`analyst.tools.web.addresses`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from analyst.tools.registry import ToolError
from analyst.tools.risk import Risk
from analyst.tools.web.addresses import Address, AllowList

_LONG_QUERY = 150
_RUN = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_PARTS = re.compile(r"[-_/=+]")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_MANY_NUMBERS = 8


def judged_fetch(url: str, allowed: AllowList) -> Risk:
    """Judge the fetching of an address; never raises."""
    try:
        address = Address.read(url)
    except ToolError as error:
        return Risk("risky", f"{error} It will be refused.")
    if not allowed.allows(address):
        return Risk("risky", f"{address.origin} is not on your list of hosts; it will be refused.")
    words = [f"It sends this address to {address.host}."]
    if carried := _data_like(address.target):
        words.append(carried)
    return Risk("risky", " ".join(words))


def judged_search(query: str, host: str) -> Risk:
    """Judge a search; never raises."""
    words = [f"It sends these words to {host}."]
    if carried := _data_like(query):
        words.append(carried)
    return Risk("risky", " ".join(words))


def _data_like(text: str) -> str:
    """Return a sentence on what looks as if data were carried out, "" if nothing does."""
    plain = unquote(text)
    query = plain.partition("?")[2] or ("" if plain.startswith("/") else plain)
    runs = [run for run in _RUN.findall(plain) if any(map(_is_dense, _PARTS.split(run)))]
    if runs:
        longest = max(runs, key=len)
        return (
            f"Look closely: it carries {len(longest)} characters that look like data, "
            f"{longest[:16]}…"
        )
    if len(_NUMBERS.findall(query)) >= _MANY_NUMBERS:
        return f"Look closely: it carries {len(_NUMBERS.findall(query))} numbers."
    if len(query) > _LONG_QUERY:
        return f"Look closely: it carries {len(query)} characters of text."
    return ""


def _is_dense(part: str) -> bool:
    """Tell whether letters and digits stand too densely for words, as in names of articles."""
    mixed = any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
    return len(part) > 24 or (mixed and len(part) >= 16)
