"""``analyst resume``: going on with a planned run that broke off.

Everything but its beginning is as with ``analyst ask``.
"""

from __future__ import annotations

import argparse
import sys

from analyst.frontends.cli_ask import add_output_options, ask
from analyst.frontends.options import add_run_options

_USAGE_ERROR = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``resume`` to a command line."""
    parser = subparsers.add_parser(
        "resume",
        help="go on with a planned run that broke off",
        description="Go on with a planned run (analyst ask --plan) that crashed, was stopped or "
        "ran out of its budget, from its last finished step. No step is done twice: what finished "
        "steps left was kept. Exit codes as for ask.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "resume", metavar="RUN", help="the run's id, its beginning or end, or 'last'"
    )
    add_run_options(parser)
    add_output_options(parser)
    parser.set_defaults(run=resume, question=None, data=[], values=None)


def resume(options: argparse.Namespace) -> int:
    """Run ``analyst resume`` and return its exit code."""
    from analyst.record.log import RunLogError  # noqa: PLC0415  # late: help needs it not
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415
    from analyst.session.resuming import ResumeError, resumption  # noqa: PLC0415

    try:
        options.resume = resumption(find_run(options.resume)).run_id
    except (ResumeError, RunLogError, RunLookupError) as error:
        print(f"analyst resume: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return ask(options)
