"""How the patterns of rules match the arguments of a call: texts, lists, paths and addresses.

A rule that allows must match in every reading of a value, one that restricts in any. Here: which
kind of value it is, and paths. Not here: addresses (:mod:`analyst.tools.rule_addresses`), and what
then becomes of the call (:mod:`analyst.tools.permissions`).
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

from analyst.tools.rule_addresses import any_reading_fits, every_reading_fits
from analyst.tools.rule_texts import fits, folded, may_begin

_PATH = re.compile(
    r"(?:.*_)?(?:path|file|filename|folder|directory|dir)s?|.*(?:Path|File|Folder|Directory|Dir)s?"
)

_WILD = re.compile(r"[*?]")


def allows(name: str, value: Any, pattern: str) -> bool:
    """Tell whether a rule that allows matches an argument; of a list, each item."""
    if isinstance(value, list) and value:
        return all(allows(name, item, pattern) for item in value)
    text = _text(value)
    if "://" in pattern:
        return every_reading_fits(text, pattern)
    if _PATH.fullmatch(name):
        return fits(text, pattern) and fits(_plain_path(text), pattern)
    return fits(text, pattern)


def restricts(name: str, value: Any, pattern: str) -> bool:
    """Tell whether a rule that asks or denies matches an argument; of a list, any item.

    An empty list is taken for all there is.
    """
    if isinstance(value, list):
        return not value or any(restricts(name, item, pattern) for item in value)
    text = _text(value)
    if fits(folded(text), folded(pattern)):
        return True
    if "://" in pattern:
        return any_reading_fits(text, pattern)
    if "://" in text and any_reading_fits(text, pattern):
        return True
    return _PATH.fullmatch(name) is not None and _meets(folded(text), folded(pattern))


def _meets(text: str, pattern: str) -> bool:
    """Tell whether a path, a folder it lies in, or something that may lie in it fits a pattern.

    Tools that walk end the path of a folder with a slash. Of others only a pattern tells which
    path is one.
    """
    text = text.replace("\\", "/")
    path = _plain_path(text)
    if not path or path.split("/")[0] == "..":
        return True
    pattern = pattern.removeprefix("./")
    below = f"{path}/"
    if _WILD.split(pattern)[0].startswith(below):
        return True
    if text.endswith("/") and may_begin(below, pattern):
        return True
    names = path.split("/")
    above = ("/".join(names[:end]) for end in range(1, len(names) + 1))
    return any(fits(folder, pattern.rstrip("/") or pattern) for folder in above)


def _plain_path(text: str) -> str:
    path = posixpath.normpath(text) if text else ""
    return "" if path == "." else path


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
