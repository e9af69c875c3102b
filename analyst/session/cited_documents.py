"""Whether the documents that an answer of before cites are as they were then.

An answer that was computed holds as long as its data do; one that also cites the user's documents,
as long as these do too. Not here: the search (:mod:`analyst.tools.knowledge`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

_CITED = re.compile(r"\[K\d+: ([^\]]+)\]")


def hold(answer: str, created_at: str, folders: Sequence[Path]) -> bool:
    """Tell whether all documents that an answer cites are there, and no newer than it is.

    ``created_at``: when it was given, ISO 8601. ``folders``: where documents are.
    """
    cited = dict.fromkeys(_CITED.findall(answer))
    if not cited:
        return True
    try:
        given = datetime.fromisoformat(created_at).timestamp()
    except ValueError:
        return False
    for source in cited:
        try:
            found = next(_files(source, folders), None)
            if found is None or found.stat().st_mtime > given:
                return False
        except (OSError, ValueError):
            return False
    return True


def _files(source: str, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that ``report.pdf, p. 12`` may mean; a name may have commas, too."""
    parts = source.split(", ")
    for count in range(len(parts), 0, -1):
        name = ", ".join(parts[:count])
        for given in folders:
            folder = given.expanduser()
            place = folder / name
            # A citation is the words of a model, and must not lead elsewhere.
            if place.resolve().is_relative_to(folder.resolve()) and place.is_file():
                yield place
