"""The magics: ``%%agent`` asks, ``%agent`` looks after the session.

Thin adapters: options become arguments, events become a view. The user's namespace is read for
the frames a question names, and written only under the name that ``--out`` gives.
"""

from __future__ import annotations

import keyword
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from analyst.frontends import commands
from analyst.frontends.answer import answer_of
from analyst.frontends.asking import Asker
from analyst.frontends.bridge import SessionBridge
from analyst.frontends.bridged_run import BridgedRun
from analyst.frontends.cell_control import CellControl
from analyst.frontends.door import SessionFactory, make_session, prepare_kernel
from analyst.frontends.errors import (
    EmptyQuestionError,
    FrontEndError,
    OptionError,
    RunFailedError,
    RunNotStoppedError,
)
from analyst.frontends.live_view import LiveView
from analyst.frontends.options import CellOptions, parse_cell_line
from analyst.frontends.transcript import Transcript
from analyst.frontends.user_data import files_for, frames_for, frames_of, without_files
from analyst.record.events import Event
from analyst.settings import Settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HOW_TO_ASK = (
    "Nothing was asked. Write the question below the %%agent line, for instance: Which five "
    "customers in df bought most last year? Show a chart."
)

_TICK = 0.1
_OWN_ROOMS = ("analyst.", "kernel_sandbox.")
_FIRST_LINE = re.compile(r"%%agent(?:\s+(?P<options>.*))?")
_RESERVED = {"In", "Out", "get_ipython", "exit", "quit"}


class View(Protocol):
    """What shows a run."""

    transcript: Transcript
    stopping: bool

    def apply(self, event: Event) -> None:
        """Take an event in."""
        ...

    def tick(self) -> None:
        """Show the time that passes."""
        ...

    def fail(self, sentence: str) -> None:
        """End the view of a run whose end never came."""
        ...


@magics_class
class AgentMagics(Magics):
    """``%%agent`` and ``%agent`` of one shell, with its one session."""

    shell: Any

    def __init__(
        self, shell: InteractiveShell, *, make_session: SessionFactory = make_session
    ) -> None:
        super().__init__(shell)
        self.bridge = SessionBridge(make_session, settings=Settings.load())
        self.run_ids: list[str] = []
        self.control = CellControl(self.bridge)

    @no_var_expand
    @cell_magic("agent")  # type: ignore[arg-type]  # IPython's decorator takes no method
    def ask(self, line: str, cell: str) -> None:
        """Ask the agent; the question is the cell below this line. ``%agent help`` tells more."""
        with _own_errors_as_sentences():
            # IPython ends every cell with a line feed; the user did not write it.
            self._ask(line, cell.removesuffix("\n"))

    @no_var_expand
    @line_magic("agent")  # type: ignore[arg-type]  # see above
    def look_after(self, line: str) -> None:
        """Look after the agent's session; ``%agent help`` lists what there is."""
        with _own_errors_as_sentences():
            shell = commands.Shell(
                bridge=self.bridge,
                run_ids=self.run_ids,
                namespace=self.shell.user_ns,
                in_notebook=_in_kernel(self.shell),
                somebody_is_there=self._somebody_is_there(),
                resume=self._resume,
            )
            if text := commands.run(line, shell):
                sys.stdout.write(text + "\n")

    def _ask(self, line: str, question: str) -> None:
        options = parse_cell_line(line)
        if not question.strip():
            raise EmptyQuestionError(HOW_TO_ASK)
        if options.out is not None:
            _check_name(options.out)
        if options.report is not None:
            from analyst.frontends.report_recorded import check_place  # noqa: PLC0415  # late: slow

            private = bool(options.overrides.get("private"))
            check_place(Path.cwd() / options.report, private=private)
        namespace = self.shell.user_ns
        self._play(
            question,
            options,
            data=frames_for(without_files(question), names=options.data, namespace=namespace),
            files=files_for(question, paths=options.files, directory=Path.cwd()),
            values=options.values,
        )

    def _resume(self, run_id: str) -> None:
        """Go on with a planned run that broke off; its tables may be here."""
        options = CellOptions()
        self._play("", options, data=frames_of(self.shell.user_ns), resume=run_id)

    def _play(self, question: str, options: CellOptions, **asked: Any) -> None:
        """Play a run in this cell's output, and do what its options want done afterwards."""
        namespace = self.shell.user_ns
        view = self._view(options)
        with self.bridge.ask(
            question,
            overrides=options.overrides,
            notebook=_notebook(namespace),
            attended=self._somebody_is_there(),
            rules=options.rules,
            **asked,
        ) as run:
            _show(run, view, self._asker())
        transcript = view.transcript
        if transcript.run_id:
            self.run_ids.append(transcript.run_id)
        if options.out is not None:
            # A run that was given up may still hold the agent's kernel.
            fetch = self.bridge.fetch_frame if run.ended.is_set() else None
            namespace[options.out] = answer_of(transcript, fetch_frame=fetch)
        if options.report is not None and transcript.run_id:
            from analyst.frontends.report_recorded import save_report  # noqa: PLC0415  # as above

            place = Path.cwd() / options.report
            written = save_report(transcript.run_id, place, self.bridge.settings)
            sys.stdout.write(f"Report written to {written}.\n")
        strict = not self._somebody_is_there() if options.strict is None else options.strict
        if strict and transcript.status != "ok":
            raise RunFailedError(str(transcript.status), transcript.reason)

    def _asker(self) -> Asker:
        """Return what asks about calls where no extension of the front end does."""
        if not _in_kernel(self.shell):
            return Asker(self.bridge, heard=None)
        return Asker(self.bridge, heard=self.control.heard)

    def _view(self, options: CellOptions) -> View:
        if _in_kernel(self.shell):
            return LiveView(quiet=options.quiet)
        from analyst.frontends.terminal_view import TerminalView  # noqa: PLC0415  # late: rich

        return TerminalView(quiet=options.quiet)

    def _somebody_is_there(self) -> bool:
        """Whether a person could answer a question now; nobody does under nbconvert."""
        if not _in_kernel(self.shell):
            return sys.stdin.isatty()
        request = self.shell.kernel.get_parent("shell") or {}
        return bool(request.get("content", {}).get("allow_stdin", True))


def _in_kernel(shell: Any) -> bool:
    return getattr(shell, "kernel", None) is not None


def _notebook(namespace: dict[str, Any]) -> str | None:
    """Return the notebook's path as far as its front end tells it."""
    named = namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return str(named) if named else None


def _check_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise OptionError(f"--out {name}: that is no name for a variable.")
    if name in _RESERVED or name.startswith("_"):
        raise OptionError(f"--out {name}: IPython keeps that name for itself; choose another.")


def _show(run: BridgedRun, view: View, asker: Asker) -> None:
    """Feed the view until the run has ended, however it ends."""
    try:
        for event in run.events(tick=_TICK):
            view.stopping = run.stopping
            if event is None:
                view.tick()
            else:
                view.apply(event)
            asker.take(event)
    except RunNotStoppedError as error:
        view.fail(str(error))
    except KeyboardInterrupt:
        view.fail("The run was left before its end; %agent status tells whether it still goes on.")
    except Exception as error:
        # What was refused before it began has shown nothing: the error itself will be seen.
        if view.transcript.started:
            view.fail(str(error))
        raise
    view.fail("The run ended without saying how.")


class _own_errors_as_sentences:  # noqa: N801  # used as a function
    """Let errors of our own rooms reach the user as their sentence, without a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, FrontEndError) or not isinstance(error, Exception):
            return
        if type(error).__module__.startswith(_OWN_ROOMS):
            raise FrontEndError(str(error)) from error


def keep_cell_verbatim(lines: list[str]) -> list[str]:
    """Turn an ``%%agent`` cell into its call before IPython looks into the question.

    IPython strips doctest and shell prompts from cells, also from the body of a cell magic, and
    takes a question mark at the end of a line magic for a wish for help.
    """
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return lines
    line = lines[start].rstrip()
    below = "".join(lines[start + 1 :])
    if first := _FIRST_LINE.fullmatch(line):
        body = below or "\n"
        return [f"get_ipython().run_cell_magic('agent', {first['options'] or ''!r}, {body!r})\n"]
    if line.startswith("%agent ") and line.endswith("?") and not below.strip():
        return [f"get_ipython().run_line_magic('agent', {line.removeprefix('%agent ')!r})\n"]
    return lines


# IPython asks its transformers whether a cell is complete; this one would always say so.
keep_cell_verbatim.has_side_effects = True  # type: ignore[attr-defined]


def load(shell: InteractiveShell, *, make_session: SessionFactory = make_session) -> AgentMagics:
    """Register the magics with ``shell`` and return them."""
    with _own_errors_as_sentences():
        magics = AgentMagics(shell, make_session=make_session)
    shell.register_magics(magics)
    transforms = shell.input_transformer_manager.cleanup_transforms
    if keep_cell_verbatim not in transforms:
        transforms.insert(0, keep_cell_verbatim)
    if _in_kernel(shell):
        magics.control.register(shell.kernel.comm_manager)  # type: ignore[attr-defined]
    settings = magics.bridge.settings
    if _in_kernel(shell) and settings.spare_kernel and settings.gateway_url is None:
        prepare_kernel(settings)
    return magics


def unload(shell: InteractiveShell) -> None:
    """Take the magics away and end their session."""
    magics = shell.magics_manager.registry.pop(AgentMagics.__name__, None)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("agent", None)
    transforms = shell.input_transformer_manager.cleanup_transforms
    if keep_cell_verbatim in transforms:
        transforms.remove(keep_cell_verbatim)
    if magics is not None:
        if _in_kernel(shell):
            magics.control.unregister(shell.kernel.comm_manager)  # type: ignore[attr-defined]
        magics.bridge.close()
