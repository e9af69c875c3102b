"""``analyst audit``: what the agent was allowed to do, what it was not, and who said so."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

_USAGE_ERROR = 2
_OUTCOMES = ("allowed", "approved", "edited", "denied", "undecided")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``audit`` to a command line."""
    parser = subparsers.add_parser(
        "audit",
        help="list the decisions about the agent's calls",
        description="List every call of a tool with what became of it, by which rule or by whom, "
        "from the records of runs.",
        allow_abbrev=False,
    )
    parser.add_argument("id", metavar="RUN", nargs="?", help="one run only, as for 'runs show'")
    parser.add_argument(
        "--runs", type=int, default=20, metavar="N", help="how many runs (default: 20; 0: all)"
    )
    parser.add_argument(
        "--only", choices=_OUTCOMES, action="append", metavar="WHAT", help=", ".join(_OUTCOMES)
    )
    parser.add_argument("--tool", metavar="NAME", help="calls of one tool only")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.set_defaults(run=list_decisions)


def list_decisions(options: argparse.Namespace) -> int:
    """Run ``analyst audit``; returns the exit code."""
    from analyst.frontends.listings import audit_table  # noqa: PLC0415  # late: help needs it not
    from analyst.record.audit import audit, audited  # noqa: PLC0415
    from analyst.record.log import RunLogError  # noqa: PLC0415
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415

    if options.runs < 0:
        print("analyst audit: --runs takes a whole number from 0 up.", file=sys.stderr)
        return _USAGE_ERROR
    try:
        found = audited(find_run(options.id)) if options.id else list(audit(options.runs or None))
    except (RunLookupError, RunLogError) as error:
        print(f"analyst audit: {error}", file=sys.stderr)
        return _USAGE_ERROR
    kept = [
        call
        for call in found
        if (not options.only or call.outcome in options.only)
        and (not options.tool or call.tool == options.tool)
    ]
    if options.json:
        print(json.dumps([dataclasses.asdict(call) for call in kept], ensure_ascii=False))
    elif kept:
        print(audit_table(kept))
    else:
        print("No such decision is on record.", file=sys.stderr)
    return 0
