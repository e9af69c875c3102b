"""The command line ``analyst``: its commands, and what they have in common.

Each command is a module that adds its parser and sets ``run``; what a command needs is imported
when it runs, so that help and mistakes are quick. Exit codes: 0 done, 1 it failed or was not
finished, 2 the command was not right, 130 it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from analyst._version import __version__

INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all commands."""
    from analyst.frontends import (  # noqa: PLC0415
        cli_ask,
        cli_audit,
        cli_eval,
        cli_findings,
        cli_knowledge,
        cli_mcp,
        cli_model,
        cli_resume,
        cli_runs,
    )

    parser = argparse.ArgumentParser(
        prog="analyst",
        description="Ask about your data: answers are computed, shown and recorded.",
        epilog="In a notebook: %load_ext analyst, then a cell that begins with %%agent.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (
        cli_ask,
        cli_resume,
        cli_findings,
        cli_knowledge,
        cli_runs,
        cli_audit,
        cli_model,
        cli_mcp,
        cli_eval,
    ):
        module.add_parser(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_print_version)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``analyst`` and return its exit code; ``arguments`` default to the process's."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not find that out again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _print_version(_options: argparse.Namespace) -> int:
    print(__version__)
    return 0
