"""Columns that the question names outright and the code never looks at."""

from __future__ import annotations

import re
from typing import Any

SHORTEST = 3
LISTED = 3

_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_WHOLESALE = re.compile(
    r"\.columns\b|select_dtypes|\.iloc\b|\.describe\(|\.corr\(|\.(?:isna|isnull|notna|duplicated)\(\)"
    r"|\.drop\(|get_dummies|\.filter\(|\.melt\(|\.stack\(|\.to_numpy\(|\.apply\(|read_"
)
"""Ways to use columns without naming them."""

_PLAIN_WORD = re.compile(r"[A-Za-z]?[a-z]+")
_SPARED = re.compile(
    r"\b(?:not|except|exclud\w*|ignor\w*|without|drop\w*|remov\w*|other than|besides|unlike"
    r"|regardless of|such as|e\.g\.|for example)\b[^.;\n]{0,40}$",
    re.IGNORECASE,
)


def unused_doubts(code: str, question: str, frames: dict[str, Any]) -> list[str]:
    """Doubt code that passes over columns which the question names; ``code``: all that ran for it.

    A column counts as named where it stands in quotes, or is no word of everyday language.
    """
    found: list[str] = []
    if _WHOLESALE.search(code):
        return found
    for frame in frames.values():
        for label in frame.columns:
            if not isinstance(label, str) or len(label) < SHORTEST or label in code:
                continue
            if label not in found and _is_named(label, question):
                found.append(label)
    if not 0 < len(found) <= LISTED:
        return []
    listed = ", ".join(map(repr, found))
    return [f"The question names {listed}, which the code does not use. See what it is for."]


def _is_named(label: str, question: str) -> bool:
    for match in re.finditer(rf"(?<![\w.@\[]){re.escape(label)}(?!\w)", question):
        before = question[: match.start()]
        quoted = before[-1:] in _QUOTES and question[match.end() : match.end() + 1] in _QUOTES
        distinct = _PLAIN_WORD.fullmatch(label) is None
        if (quoted and before) or distinct:
            return _SPARED.search(before.rstrip(_QUOTES)) is None
    return False
