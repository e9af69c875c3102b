"""``analyst knowledge``: the user's documents at a shell prompt.

Not here: what the verbs say (:mod:`analyst.frontends.knowledge_verbs`).
"""

from __future__ import annotations

import argparse
import sys

_USAGE_ERROR = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``knowledge`` and its verbs to a command line."""
    parser = subparsers.add_parser(
        "knowledge",
        help="your documents: what is read of them, and what they say",
        description="Documents in the folders of [knowledge] in analyst.toml, or in your own "
        "analyst-tools.toml, are read, and found by the agent where a question needs them.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, words in (
        ("status", "which documents are read, and which cannot be"),
        ("update", "read what is new or changed now"),
        ("search", "show the passages that speak of some words"),
    ):
        verb = verbs.add_parser(name, help=words, description=f"{words.capitalize()}.")
        verb.set_defaults(run=_run, verb=name, words=[])
        if name == "search":
            verb.add_argument("words", nargs="+", metavar="WORDS", help="what to look for")


def _run(options: argparse.Namespace) -> int:
    from analyst.configuration import ConfigurationError  # noqa: PLC0415  # late: help needs it not
    from analyst.frontends import knowledge_verbs  # noqa: PLC0415
    from analyst.frontends.errors import FrontEndError  # noqa: PLC0415
    from analyst.memory.errors import FindingsError  # noqa: PLC0415
    from analyst.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings.load()
        words = " ".join(options.words)
        print(knowledge_verbs.run(options.verb, words, settings, progress=_progress))
    except (ConfigurationError, FindingsError, FrontEndError, SettingsError) as error:
        _clear()
        print(f"analyst knowledge: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _progress(done: int, count: int) -> None:
    """Show how far it is on a terminal, in one line that goes away."""
    if not sys.stderr.isatty():
        return
    if done == count:
        _clear()
    else:
        print(f"\rReading {done + 1} of {count} …", end="", file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
