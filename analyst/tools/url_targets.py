"""Paths and queries of addresses in one spelling, of the many that servers take for the same.

Here: pure functions on texts. Not here: reading a whole address
(:mod:`analyst.tools.web.addresses`), and the patterns of rules
(:mod:`analyst.tools.rule_addresses`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_END_OF_PATH = re.compile(r"[?#]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_MOST_LAYERS = 8


def split(target: str) -> tuple[str, str]:
    """Return the path of a target, and its query and fragment with their first character."""
    found = _END_OF_PATH.search(target)
    return (target[: found.start()], target[found.start() :]) if found else (target, "")


def plain(target: str) -> str:
    """Return a target without needless escapes and dot segments; it names the same (RFC 3986).

    A percent sign that begins no escape is escaped itself: else what comes to stand behind it could
    make one.
    """
    target = _STRAY_PERCENT.sub("%25", target)
    path, rest = split(_ESCAPE.sub(_unescaped, target))
    return _without_dots(path or "/") + rest


def thorough(target: str) -> str:
    """Return what a lenient server may take a target for.

    Escapes are decoded however often they were made, backslashes are slashes, slashes in a row
    are one, and parameters of segments are dropped.
    """
    path, rest = split(target)
    path = _decoded(path).replace("\\", "/")
    segments = [segment.partition(";")[0] for segment in path.split("/")]
    path = re.sub("/{2,}", "/", "/".join(["", *segments]))
    return _without_dots(path) + _decoded(rest)


def _unescaped(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter in _UNRESERVED else found[0].upper()


def _decoded(text: str) -> str:
    for _ in range(_MOST_LAYERS):
        decoded = unquote(text)
        if decoded == text:
            break
        text = decoded
    return text


def _without_dots(path: str) -> str:
    """Resolve dot segments; the path begins with a slash and goes on to do so."""
    segments = path.split("/")[1:]
    kept: list[str] = []
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
        if last and segment in (".", ".."):
            kept.append("")
    return "/" + "/".join(kept)
