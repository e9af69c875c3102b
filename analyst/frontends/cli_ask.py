"""``analyst ask``: a question from the command line.

Steps go to standard error and the answer to standard output, so that a pipe gets the answer
alone; on a terminal both are one stream. Interrupting stops the run and still prints what was
done.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analyst.frontends.errors import FrontEndError
from analyst.frontends.options import add_run_options, listed, rules, setting_overrides

if TYPE_CHECKING:
    from analyst.frontends.cli_asking import TerminalAsker
    from analyst.frontends.door import AgentSession, SessionFactory
    from analyst.frontends.transcript import Transcript
    from analyst.record.events import Event

_EXIT_CODES = {"ok": 0, "partial": 1, "error": 1, "stopped": 130}
_USAGE_ERROR = 2


class _View(Protocol):
    transcript: Transcript

    def apply(self, event: Event) -> None: ...

    def fail(self, sentence: str) -> None: ...


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ask`` to a command line."""
    parser = subparsers.add_parser(
        "ask",
        help="ask a question about data files",
        description="Ask a question about data files. Data files of this directory that the "
        "question names are read too. Exit codes: 0 answered, 1 failed or not finished, 2 the "
        "command was not right, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.set_defaults(resume=None)
    parser.add_argument(
        "question", nargs="?", metavar="QUESTION", help="the question; - reads it from the input"
    )
    parser.add_argument(
        "--data", nargs="+", action="extend", default=[], metavar="FILE", help="data files"
    )
    parser.add_argument(
        "--values", action="append", metavar="A,B", help="named values that the answer must give"
    )
    add_run_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=ask)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where the outcome of a run goes."""
    parser.add_argument(
        "--save-files",
        type=Path,
        metavar="DIR",
        help="copy the files that the agent's code writes into this directory",
    )
    parser.add_argument("--quiet", action="store_true", help="print the answer only")
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")


def ask(options: argparse.Namespace, *, session_factory: SessionFactory | None = None) -> int:
    """Run ``analyst ask`` and return its exit code."""
    from analyst.settings import Settings, SettingsError  # noqa: PLC0415  # late: see the command

    try:
        question = _question(options)
        view = asyncio.run(_ask(options, question, Settings.load(), session_factory))
    except (FrontEndError, SettingsError) as error:
        return _refuse(str(error), options)
    except Exception as error:
        if not options.json:
            raise
        # A defect of ours: whoever reads the output still gets its one object.
        traceback.print_exc()
        _refuse(f"{type(error).__name__}: {error}", options)
        return 1
    transcript = view.transcript
    if options.json:
        print(json.dumps(_summary(transcript), ensure_ascii=False, allow_nan=False, default=str))
    return _EXIT_CODES.get(transcript.status or "error", 1)


def _question(options: argparse.Namespace) -> str:
    if options.question is None and len(options.data) > 1 and not Path(options.data[-1]).exists():
        # "--data FILE QUESTION": the last word was meant as the question.
        options.question = options.data.pop()
    question: str = options.question or ""
    if options.resume is not None:
        return ""
    if question == "-":
        question = sys.stdin.read()
    if not question.strip():
        raise FrontEndError('Nothing was asked: analyst ask "QUESTION" --data FILE.')
    return question


async def _ask(
    options: argparse.Namespace,
    question: str,
    settings: Any,
    session_factory: SessionFactory | None,
) -> _View:
    from analyst.frontends.user_data import files_for  # noqa: PLC0415  # late: see the command

    files = files_for(question, paths=options.data, directory=Path.cwd())
    if options.save_files is not None:
        _make_directory(options.save_files)
    if options.report is not None:
        _check_report(options)
    view = _view(options)
    is_attended = sys.stdin.isatty() and sys.stderr.isatty()
    if session_factory is None:
        from analyst.frontends.door import make_session  # noqa: PLC0415  # late: the whole agent

        session_factory = make_session
    session = session_factory(settings)
    await session.__aenter__()
    asker = _asker(session) if is_attended else None
    try:
        with _stopped_by_signals(session):
            async for event in session.ask(
                question,
                files=files,
                values=listed(options.values),
                overrides=setting_overrides(options),
                attended=is_attended,
                rules=rules(options),
                **({} if options.resume is None else {"resume": options.resume}),
            ):
                view.apply(event)
                if asker is not None:
                    asker.take(event)
        if options.save_files is not None:
            await _save_files(session, options.save_files)
    finally:
        await session.aclose()
    view.fail("The run ended without saying how.")
    if options.report is not None:
        _report(options, view.transcript.run_id, settings)
    return view


def _check_report(options: argparse.Namespace) -> None:
    """Refuse a report that could not be written, before anything is asked."""
    from analyst.frontends.report_recorded import check_place  # noqa: PLC0415  # late: as above

    check_place(Path.cwd() / options.report, private=options.private)


def _report(options: argparse.Namespace, run_id: str, settings: Any) -> None:
    from analyst.frontends.export_data import ExportError  # noqa: PLC0415  # late: as above
    from analyst.frontends.report_recorded import save_report  # noqa: PLC0415
    from analyst.record.log import RunLogError  # noqa: PLC0415

    try:
        written = save_report(run_id, Path.cwd() / options.report, settings)
    except (ExportError, RunLogError, ValueError) as error:
        print(f"analyst ask: no report: {error}", file=sys.stderr)
    else:
        print(f"Saved {written}", file=sys.stderr)


def _asker(session: AgentSession) -> TerminalAsker:
    from analyst.frontends.cli_asking import TerminalAsker  # noqa: PLC0415  # late: as above

    return TerminalAsker(session)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FrontEndError(
            f"--save-files {directory}: {error.strerror or error}; name a directory that can be "
            "made or written to."
        ) from error


async def _save_files(session: AgentSession, directory: Path) -> None:
    """Copy all that the code wrote; what cannot be copied is told, and the rest still is."""
    from kernel_sandbox import KernelSandboxError  # noqa: PLC0415  # late: see the command

    for written in await session.written_files():
        try:
            target = await session.save_file(written.name, directory)
        except KernelSandboxError as error:
            print(f"analyst ask: {error}", file=sys.stderr)
        else:
            print(f"Saved {target}", file=sys.stderr)


def _view(options: argparse.Namespace) -> _View:
    if options.json:
        return _Silent()
    from rich.console import Console  # noqa: PLC0415  # late: see the command

    from analyst.frontends.terminal_view import TerminalView  # noqa: PLC0415

    answers = Console()
    steps = answers if answers.is_terminal else Console(stderr=True)
    return TerminalView(console=steps, answers=answers, quiet=options.quiet)


class _Silent:
    """Shows nothing; what there is to say is printed at the end."""

    def __init__(self) -> None:
        from analyst.frontends.transcript import Transcript  # noqa: PLC0415  # late

        self.transcript = Transcript()

    def apply(self, event: Event) -> None:
        from analyst.frontends.reducer import advance  # noqa: PLC0415  # late

        self.transcript = advance(self.transcript, event)

    def fail(self, sentence: str) -> None:
        """Nothing: a status of None is printed as an error."""
        del sentence


@contextlib.contextmanager
def _stopped_by_signals(session: AgentSession) -> Any:
    """Let the first interrupt or termination stop the run; the next has its usual effect."""
    loop = asyncio.get_running_loop()
    stops: set[asyncio.Task[None]] = set()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        for one in signals:
            loop.remove_signal_handler(one)
        stops.add(loop.create_task(session.stop()))

    for one in signals:
        loop.add_signal_handler(one, stop)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)


def _summary(transcript: Transcript) -> dict[str, Any]:
    usage = transcript.usage
    status = transcript.status or "error"
    summary: dict[str, Any] = {
        "answer": transcript.answer,
        "ungrounded": list(transcript.ungrounded),
        "values": _finite(dict(transcript.values)),
        "status": status,
        "run_id": transcript.run_id or None,
        "model": transcript.model or None,
        "tokens": {"input": usage.input, "output": usage.output, "cached": usage.cached},
        "seconds": round(transcript.seconds, 3),
    }
    if status != "ok":
        summary["error"] = transcript.reason or f"The run ended as {status}."
    return summary


def _finite(value: Any) -> Any:
    """Return ``value`` with None for numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value


def _refuse(sentence: str, options: argparse.Namespace) -> int:
    if options.json:
        refusal: dict[str, Any] = {
            "answer": None,
            "values": {},
            "status": "error",
            "error": sentence,
        }
        print(json.dumps(refusal, ensure_ascii=False))
    else:
        print(f"analyst ask: {sentence}", file=sys.stderr)
    return _USAGE_ERROR
