"""The names that the tools of servers get here: ``server__tool``, as models' endpoints take them.

Here: names of at most 64 letters, digits, ``_`` and ``-``, no two alike, and the same ones
whenever the same tools are there.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

MOST_CHARACTERS = 64

_DIGEST_CHARACTERS = 8
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]+")

Origin = tuple[str, str]
"""A server's name, and what the server calls the tool."""


def names(origins: Iterable[Origin]) -> dict[Origin, str]:
    """Return a name for each tool.

    Tools whose names would be alike, or too long, get a digest of their origin at the end: each
    of them, so that the order in which servers list them changes nothing.
    """
    simple = {origin: _simple(origin) for origin in origins}
    found = Counter(simple.values())
    return {
        origin: name
        if found[name] == 1 and len(name) <= MOST_CHARACTERS
        else _with_digest(name, origin)
        for origin, name in simple.items()
    }


def _simple(origin: Origin) -> str:
    server, tool = (_FORBIDDEN.sub("_", part).strip("_") or "tool" for part in origin)
    return f"{server}__{tool}"


def _with_digest(name: str, origin: Origin) -> str:
    digest = hashlib.sha256("\0".join(origin).encode("utf-8", "replace")).hexdigest()
    kept = name[: MOST_CHARACTERS - _DIGEST_CHARACTERS - 1].rstrip("_")
    return f"{kept}_{digest[:_DIGEST_CHARACTERS]}"
