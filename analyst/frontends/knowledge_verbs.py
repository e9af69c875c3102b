"""The verbs on the user's documents: ``status``, ``update`` and ``search``, as text.

Here: what they say. Not here: how a front end shows it (:mod:`analyst.frontends.cli_knowledge`,
:mod:`analyst.frontends.commands`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from analyst.configuration import USER_FILE, Configuration
from analyst.frontends.errors import FrontEndError, nearest
from analyst.frontends.untrusted import clean_text

if TYPE_CHECKING:
    from analyst.settings import Settings
    from analyst.tools.knowledge.library import Library

VERBS = ("status", "update", "search")
_LISTED = 20
_SHOWN = 5
_WAIT_SECONDS = 600.0
_CONFIGURE = (
    "No folders of documents are configured. Write for instance\n\n[knowledge]\n"
    f'folders = ["docs"]\n\ninto analyst.toml of a project, or into your own {USER_FILE} with '
    "whole paths."
)

Progress = Callable[[int, int], None]


def run(
    verb: str,
    words: str,
    settings: Settings,
    *,
    cwd: Path | None = None,
    progress: Progress = lambda _done, _all: None,
) -> str:
    """Do what a verb says and return the text to show.

    Raises :class:`FrontEndError`, :class:`~analyst.configuration.ConfigurationError` and
    :class:`~analyst.memory.errors.FindingsError`.
    """
    from analyst.session.knowledge_tools import library  # noqa: PLC0415  # late: slow to import

    if verb not in VERBS:
        raise FrontEndError(f"There is no {verb}.{nearest(verb, VERBS)} It knows {_listed(VERBS)}.")
    if verb == "search" and not words.strip():
        raise FrontEndError("Say what to search for: knowledge search WORDS.")
    if verb != "search" and words.strip():
        raise FrontEndError(f"knowledge {verb} takes nothing more; {words!r} is too much.")
    configuration = Configuration.load(cwd or Path.cwd())
    if not configuration.knowledge.folders:
        return _CONFIGURE
    opened = library(settings, configuration)
    try:
        if verb == "status":
            return clean_text(_status(opened))
        if verb == "update":
            return clean_text(_update(opened, progress))
        return clean_text(_search(opened, words, progress))
    finally:
        opened.close()


def _status(library: Library) -> str:
    files = library.files()
    lines = [f"Folder    {folder}" for folder in library.folders]
    read = [one for one in files if not one.note]
    lines.append(f"Documents {len(files)}, in {library.count()} passages")
    if not files:
        lines.append("None are read yet; knowledge update reads them.")
    noted = [one for one in files if one.note]
    lines += [f"Note      {one.name} {one.note}." for one in noted]
    lines += [f"          {one.name}" for one in read[:_LISTED]]
    if len(read) > _LISTED:
        lines.append(f"          and {len(read) - _LISTED} more")
    return "\n".join(lines)


def _update(library: Library, progress: Progress) -> str:
    done = library.update(progress=progress, wait_seconds=_WAIT_SECONDS)
    if done is None:
        raise FrontEndError("Another program has been reading the documents for ten minutes.")
    what = f"{done.read} read, {done.dropped} dropped, {done.unchanged} unchanged"
    first = f"Documents: {what}; {library.count()} passages in all."
    return "\n".join([first, *done.notes])


def _search(library: Library, words: str, progress: Progress) -> str:
    library.update(progress=progress)
    found = library.search(words, _SHOWN)
    if not found:
        return "Nothing in your documents speaks of this."
    blocks = []
    for one in found:
        below = f" {one.heading}" if one.heading and one.heading != one.place else ""
        blocks.append(f"{one.citation}{below}\n{one.text.strip()}")
    if library.notice:
        blocks.append(library.notice)
    return "\n\n".join(blocks)


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
