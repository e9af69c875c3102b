"""``analyst findings``: what is remembered, and the user's hands on it, at a shell prompt.

Here: how it is shown and asked back. The verbs are in :mod:`analyst.frontends.finding_verbs`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyst.frontends.finding_verbs import Front
    from analyst.frontends.outputs import Bundle
    from analyst.session.findings import Findings
    from analyst.session.verification import Verified

_USAGE_ERROR = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``findings`` and its verbs to a command line."""
    from analyst.frontends.finding_verbs import add_verbs  # noqa: PLC0415  # late: like the others

    parser = subparsers.add_parser(
        "findings",
        help="search, check and change what is remembered",
        description="Findings are what runs computed. They are named by numbers, as F12.",
    )
    parser.set_defaults(run=_run)
    add_verb = add_verbs(parser, add_help=True)
    add_verb("repair", "save what can be read of a damaged database into a new one", _repair)


class _Terminal:
    """A shell prompt, or a pipe."""

    frames: Mapping[str, object] | None = None

    def tell(self, text: str, *, shown: Callable[[], list[Bundle]] | None = None) -> None:  # noqa: ARG002  # see Front
        if text:
            # Each line of a long check is of interest at once.
            print(text, flush=True)

    def remark(self, sentence: str) -> None:
        print(sentence, file=sys.stderr)

    def wait_for(self, work: Coroutine[Any, Any, Verified]) -> Verified:
        return asyncio.run(work)

    def agrees(self, question: str) -> bool | None:
        if not sys.stdin.isatty():
            return None
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _run(options: argparse.Namespace) -> int:
    from analyst.frontends.errors import FrontEndError  # noqa: PLC0415  # late: help needs it not
    from analyst.memory.errors import FindingsError  # noqa: PLC0415
    from analyst.session.findings import Findings  # noqa: PLC0415
    from analyst.settings import SettingsError  # noqa: PLC0415

    try:
        with Findings() as findings:
            code: int = options.verb(options, findings, _Terminal())
            return code
    except (FindingsError, FrontEndError, SettingsError) as error:
        print(f"analyst findings: {error}", file=sys.stderr)
        return _USAGE_ERROR


def _repair(_options: argparse.Namespace, findings: Findings, front: Front) -> int:
    saved, kept = findings.repair()
    front.tell(f"Saved {saved} findings into a new database; the old one is {kept}.")
    return 0
