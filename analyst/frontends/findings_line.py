"""``%agent findings``: the verbs on findings in a notebook, and at an IPython prompt.

Here: the reading of the line, and how a notebook shows what a verb says. Not here: the verbs
(:mod:`analyst.frontends.finding_verbs`) or the interactive browser
(:mod:`analyst.frontends.findings_browser`).
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

# A thread that prepares the first kernel may be importing the room at this moment. Importing one
# of its modules would not wait for that, and find the others half made; importing the room does.
import analyst.session  # noqa: F401
from analyst.frontends.bridge import SessionBridge
from analyst.frontends.errors import OptionError
from analyst.frontends.finding_verbs import add_verbs, listed
from analyst.frontends.live_view import Publisher, publish_in_notebook
from analyst.frontends.options import SentenceParser
from analyst.frontends.user_data import frames_of
from analyst.session.verification import Verified

if TYPE_CHECKING:
    from analyst.frontends.outputs import Bundle

BROWSE = "browse"
"""The verb that only a notebook has."""


class _VerbParser(SentenceParser):
    """A parser whose complaints say how the verb is used, and how its name is searched for."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        raise OptionError(
            f"{message.removeprefix('argument ')}. It is used as {usage}; to search for words that "
            "begin like a verb: %agent findings search WORDS."
        )


@dataclass(kw_only=True)
class Notebook:
    """The front end that ``%agent findings`` is used in.

    ``namespace``: the user's variables. ``shows_html``: whether it is a notebook, not a prompt.
    ``somebody_is_there``: whether a person could answer and click.
    """

    bridge: SessionBridge
    namespace: Mapping[str, object]
    shows_html: bool
    somebody_is_there: bool
    publish: Publisher = publish_in_notebook
    frames: Mapping[str, object] | None = field(init=False)

    def __post_init__(self) -> None:
        self.frames = frames_of(self.namespace)

    def tell(self, text: str, *, shown: Callable[[], list[Bundle]] | None = None) -> None:
        """Show HTML where there is some and it can be shown, else text."""
        if shown is not None and self.shows_html:
            for bundle in shown():
                self.publish(bundle, f"analyst-{uuid.uuid4().hex[:12]}", update=False)
        else:
            sys.stdout.write(f"{text}\n")

    def remark(self, sentence: str) -> None:
        """Show what is no result."""
        sys.stdout.write(f"{sentence}\n")

    def wait_for(self, work: Coroutine[Any, Any, Verified]) -> Verified:
        """Run a coroutine in the session's thread; the stop button ends it."""
        future = self.bridge.begin(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            return Verified(outcome="impossible", detail="It was stopped; nothing was compared.")

    def agrees(self, question: str) -> bool | None:
        """Ask below the cell; ``None`` where nobody could answer."""
        if not self.somebody_is_there:
            return None
        with contextlib.suppress(EOFError, KeyboardInterrupt):
            return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
        return False


def run(line: str, notebook: Notebook) -> None:
    """Do what ``%agent findings line`` says: a verb with its arguments, or words to search for.

    Raises :class:`OptionError`.
    """
    from analyst.memory.errors import FindingsError  # noqa: PLC0415  # late: slow to import
    from analyst.session.findings import Findings  # noqa: PLC0415

    first, _, rest = line.partition(" ")
    parser = _VerbParser(prog="%agent findings", add_help=False, allow_abbrev=False)
    add_verbs(parser, add_help=False)
    try:
        if first == BROWSE:
            _browse(rest.strip(), notebook)
            return
        with Findings(notebook.bridge.settings) as findings:
            if first in _verbs_of(parser):
                options = parser.parse_args(_words(line))
                options.verb(options, findings, notebook)
            else:
                listed(findings, line, notebook)
    except FindingsError as error:
        raise OptionError(str(error)) from error


def _browse(words: str, notebook: Notebook) -> None:
    """Open the interactive browser; where nobody could click, show the table."""
    from analyst.session.findings import Findings  # noqa: PLC0415  # late: see run

    if notebook.shows_html and notebook.somebody_is_there:
        from analyst.frontends.findings_browser import FindingsBrowser  # noqa: PLC0415  # late: ipywidgets

        with contextlib.suppress(ImportError):
            FindingsBrowser(
                bridge=notebook.bridge,
                frames=lambda: frames_of(notebook.namespace),
                publish=notebook.publish,
                words=words,
            ).show()
            return
    with Findings(notebook.bridge.settings) as findings:
        listed(findings, words, notebook)


def _verbs_of(parser: SentenceParser) -> Mapping[str, object]:
    groups = parser._subparsers._group_actions if parser._subparsers else []  # noqa: SLF001  # argparse offers no public list
    return groups[0].choices if groups and isinstance(groups[0].choices, Mapping) else {}


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise OptionError(
            "The line cannot be read: close the quotation, and quote names with spaces."
        ) from None
