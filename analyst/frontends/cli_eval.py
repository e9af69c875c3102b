"""``analyst eval``: suites of questions from the command line.

Here: the options, the progress shown, Ctrl-C, exit codes. Not here: anything an evaluation does
(:mod:`analyst.evals`).

Exit codes: 0 the evaluation is complete (whatever its accuracy), 1 it was given up, 2 the options
or files are not right, 130 it was interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyst._version import __version__
from analyst.frontends.options import TEAM_HELP, add_check_options

if TYPE_CHECKING:
    from analyst.evals.results import Existing, QuestionResult
    from analyst.evals.runner import SessionFactory


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is evaluated: how its sessions are made, and what identifies it in the results."""

    session_factory: SessionFactory
    model: str
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``eval`` and its verbs to a command line; each sets ``run`` to its function."""
    parser = subparsers.add_parser("eval", help="measure the agent on a suite of questions")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    dabench = verbs.add_parser(
        "dabench",
        help="InfiAgent-DABench: closed questions on CSV files",
        allow_abbrev=False,
        description="Ask each question of a DABench suite in a fresh session, score the answers "
        "as the suite's authors do, and write results.jsonl, report.json and report.md.",
    )
    dabench.add_argument(
        "--path", type=Path, required=True, metavar="DIR", help="questions, labels and tables"
    )
    dabench.add_argument("--limit", type=_positive, metavar="N", help="only the first N")
    dabench.add_argument("--ids", type=_ids, metavar="1,2,..", help="only questions of these ids")
    dabench.add_argument(
        "--level", action="append", metavar="LEVEL", help="only this level; may be repeated"
    )
    dabench.add_argument(
        "--output", type=Path, metavar="DIR", help="where results go (default: a new directory)"
    )
    existing = dabench.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume", action="store_true", help="go on with the results in --output"
    )
    existing.add_argument("--fresh", action="store_true", help="delete the results in --output")
    dabench.add_argument("--model", metavar="NAME", help="the model (default: as configured)")
    dabench.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting for this evaluation alone; may be repeated",
    )
    dabench.add_argument("--team", action="store_true", help=TEAM_HELP)
    add_check_options(dabench)
    dabench.add_argument(
        "--timeout",
        type=_positive,
        default=1800,
        metavar="SECONDS",
        help="safety net around one question's whole session (default: %(default)s)",
    )
    dabench.set_defaults(run=evaluate_dabench)
    comparing = verbs.add_parser(
        "compare",
        help="what changed from the results in one directory to those in another",
        allow_abbrev=False,
    )
    comparing.add_argument("a", type=Path, metavar="A", help="output directory of the first")
    comparing.add_argument("b", type=Path, metavar="B", help="output directory of the second")
    comparing.set_defaults(run=compare_outputs)


def evaluate_dabench(
    options: argparse.Namespace,
    *,
    subject: Callable[[argparse.Namespace], Subject] | None = None,
) -> int:
    """Run ``analyst eval dabench``; returns the exit code. ``subject`` says what is evaluated."""
    from analyst.evals import dabench  # noqa: PLC0415  # late: see the start of every command
    from analyst.evals.errors import EvaluationAbortedError, EvaluationError  # noqa: PLC0415
    from analyst.evals.report import REPORT_MARKDOWN, write_report  # noqa: PLC0415
    from analyst.evals.results import Identity, ResultStore  # noqa: PLC0415
    from analyst.evals.runner import run_suite  # noqa: PLC0415
    from analyst.settings import SettingsError  # noqa: PLC0415

    if options.resume and options.output is None:
        return _fail("--resume needs --output: the directory that holds the results.", 2)
    output: Path = options.output or Path(f"eval-dabench-{datetime.now():%Y%m%d-%H%M%S}")  # noqa: DTZ005  # the user's own clock
    existing: Existing = "resume" if options.resume else "delete" if options.fresh else "refuse"
    try:
        suite = dabench.load(options.path)
        questions = dabench.select(
            suite, ids=options.ids, levels=options.level, limit=options.limit
        )
        evaluated = (subject or configured_subject)(options)
        identity = Identity(
            suite="dabench",
            fingerprint=suite.fingerprint,
            model=evaluated.model,
            settings=evaluated.settings,
            versions=evaluated.versions,
        )
        store = ResultStore(output, identity, existing=existing)
    except (EvaluationError, SettingsError) as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or output}: {error.strerror}; name another --output.", 2)
    ids = [question.id for question in questions]
    code = 0
    try:
        with store, _progress(ids, already=store.results.values()) as show:
            asyncio.run(
                run_suite(
                    questions,
                    session_factory=evaluated.session_factory,
                    store=store,
                    question_timeout=options.timeout,
                    on_result=show,
                )
            )
    except KeyboardInterrupt:
        code = _fail(f"interrupted; go on with --output {output} --resume.", 130)
    except EvaluationAbortedError as error:
        code = _fail(str(error), 1)
    except OSError as error:
        return _fail(f"{error.filename or output}: {error.strerror}; mend it, then --resume.", 1)
    report = write_report(output, selected=ids)
    print(report.headline().replace("**", ""))
    print(
        f"{report.seconds.mean:.1f} s, {report.tokens.total:.0f} tokens and "
        f"{report.steps.mean:.1f} steps a question. "
        + ", ".join(f"{name} {count}" for name, count in report.outcomes.items() if count)
    )
    print(f"Report: {output / REPORT_MARKDOWN}")
    return code


def configured_subject(options: argparse.Namespace) -> Subject:
    """Return the agent as the user's settings, environment and these options make it.

    Raises :class:`~analyst.settings.SettingsError`.
    """
    from analyst.llm.router import choose_model  # noqa: PLC0415
    from analyst.session import Session  # noqa: PLC0415
    from analyst.settings import (  # noqa: PLC0415
        IN_PROCESS_ONLY,
        Settings,
        SettingsError,
        display_url,
        parse_assignment,
    )

    # An answer that is remembered would be scored as one that was computed.
    changes = {"memory": False, **dict(map(parse_assignment, options.set))}
    if kept := IN_PROCESS_ONLY & changes.keys():
        raise SettingsError(
            f"{', '.join(kept)} would be seen by others on a command line: set OPENAI_API_KEY."
        )
    if options.checks is not None:
        changes["checks"] = options.checks
    if options.careful:
        changes["careful"] = True
    if options.team:
        changes["work"] = "team"
    if options.model:
        changes["model"] = options.model
    settings = Settings.load().updated(changes)
    choice = choose_model({}, settings, os.environ)

    @asynccontextmanager
    async def session_factory(workspace: Path) -> AsyncIterator[Session]:
        async with Session(cwd=workspace, settings=settings) as session:
            yield session

    return Subject(
        session_factory=session_factory,
        model=choice.model,
        settings={
            **settings.public(),
            "model": choice.model,
            "base_url": display_url(choice.base_url) if choice.base_url else None,
            "protocol": choice.protocol,
        },
        versions={"jupyter-analyst": __version__, "prompts": prompts_fingerprint()},
    )


def prompts_fingerprint() -> str:
    """Return a hash of the agent's constant texts: what tells two versions of them apart."""
    texts = resources.files("analyst.agent.prompts")
    digest = hashlib.sha256()
    for text in sorted(texts.iterdir(), key=lambda one: one.name):
        if text.name.endswith(".md"):
            digest.update(text.name.encode() + b"\0" + text.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def compare_outputs(options: argparse.Namespace) -> int:
    """Run ``analyst eval compare``; returns the exit code."""
    from analyst.evals.compare import compare  # noqa: PLC0415
    from analyst.evals.errors import EvaluationError  # noqa: PLC0415

    try:
        print(compare(options.a, options.b).to_markdown(), end="")
    except EvaluationError as error:
        return _fail(str(error), 2)
    return 0


@contextmanager
def _progress(
    ids: Collection[int], *, already: Iterable[QuestionResult]
) -> Iterator[Callable[[QuestionResult], None]]:
    """Show a bar on a terminal, else a line a question; yields what takes each new result."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    good = {result.id: result.good for result in already if result.outcome != "error"}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        done = sum(one in good for one in ids)
        task = bar.add_task("asking", total=len(ids), completed=done)

        def show(result: QuestionResult) -> None:
            good[result.id] = result.good
            asked = [good[one] for one in ids if one in good]
            told = f"ABQ {sum(asked) / len(asked):.1%}"
            bar.update(task, completed=len(asked), description=told)
            if bar.disable:
                line = f"{len(asked)}/{len(ids)} question {result.id}: {result.outcome}"
                print(f"{line} in {result.seconds:.0f} s; {told}", file=sys.stderr, flush=True)

        yield show


def _fail(sentence: str, code: int) -> int:
    print(f"analyst eval: {sentence}", file=sys.stderr)
    return code


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number


def _ids(text: str) -> frozenset[int]:
    try:
        return frozenset(int(one) for one in text.split(",") if one.strip())
    except ValueError as error:
        problem = f"{text!r} is not a list of question numbers like 1,2,3"
        raise argparse.ArgumentTypeError(problem) from error
