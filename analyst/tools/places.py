"""Where a name of a file leads: into the working folder, or anywhere else.

Told from the name alone, before anything is opened. Not here: which call takes one
(:mod:`analyst.tools.code_kinds`, :mod:`analyst.tools.sql.statements`).
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"\s*[a-z][\w+.-]+:(?!\\)", re.IGNORECASE)
_FROM_ELSEWHERE = re.compile(r"\s*(?:[/\\~]|[a-z]:)", re.IGNORECASE)
_LOOKS_LIKE_ONE_OUTSIDE = re.compile(
    r"""
    (?:^|['"])\s*(?:/[\w.] | ~[\w.-]*/ | [a-z]:[\\/] | \\\\)   # from a root or a home, also quoted
    | ^\s*~\s*$
    | (?:^|[\\/'"])\.\.(?:[\\/]|$)                            # up
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_address(name: str) -> bool:
    """Tell whether a name begins with a scheme, as ``https:``, or holds ``://``."""
    return "://" in name or _SCHEME.match(name) is not None


def stays_here(name: str) -> bool:
    """Tell whether a name surely is that of something in the working folder, or the folder."""
    return not (
        is_address(name)
        or _FROM_ELSEWHERE.match(name)
        or ".." in re.split(r"[/\\]", name.strip())
        or "\0" in name
    )


def may_be_outside(text: str) -> bool:
    """Tell whether some text, also an SQL one, looks as if it named a file elsewhere."""
    return _LOOKS_LIKE_ONE_OUTSIDE.search(text) is not None
