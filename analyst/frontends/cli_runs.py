"""``analyst runs``: the runs on record."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

_USAGE_ERROR = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``runs`` and its verbs to a command line."""
    parser = subparsers.add_parser("runs", help="list the runs on record, or show one")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list the newest runs", allow_abbrev=False)
    listing.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="how many (default: 20; 0: all)"
    )
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    listing.set_defaults(run=list_recorded)
    showing = verbs.add_parser("show", help="show a run from its record", allow_abbrev=False)
    showing.add_argument("id", metavar="ID", help="the run's id, its beginning or end, or 'last'")
    showing.add_argument("--json", action="store_true", help="print its events as one object")
    showing.set_defaults(run=show)
    team = verbs.add_parser(
        "team",
        help="what each role of a team did in a run, and what it took",
        description="Sums by role from the record of a run of a team: turns, tokens, seconds, "
        "objections and how many were upheld, approvals, decisions.",
        allow_abbrev=False,
    )
    team.add_argument("id", metavar="ID", help="as for show")
    team.add_argument("--json", action="store_true", help="print one JSON object")
    team.set_defaults(run=show_team)
    making = verbs.add_parser(
        "notebook",
        help="make a notebook of runs",
        description="Write the code of runs, as it went well, as a notebook that executes by "
        "itself: data files are its parameters. A file that is there is not touched; the "
        "notebook's name is numbered then.",
        allow_abbrev=False,
    )
    making.add_argument("ids", metavar="ID", nargs="+", help="as for show; several in order")
    making.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to (default: here, by the run's id)",
    )
    making.set_defaults(run=make_notebook)
    reporting = verbs.add_parser(
        "report",
        help="write a report of a run",
        description="Write a short report of a run from its record: question, findings, charts, "
        "methods, sources, code. A file that is there is not touched; the report's name is "
        "numbered then.",
        allow_abbrev=False,
    )
    reporting.add_argument("id", metavar="ID", help="as for show")
    forms = reporting.add_mutually_exclusive_group()
    for form, words in (("md", "Markdown"), ("html", "one HTML page"), ("notebook", "a notebook")):
        forms.add_argument(
            f"--{form}",
            dest="form",
            action="store_const",
            const="ipynb" if form == "notebook" else form,
            help=f"write {words}" + (" (the default)" if form == "md" else ""),
        )
    reporting.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to (default: here, by the run's id); its ending says the form too",
    )
    reporting.set_defaults(run=report)


def list_recorded(options: argparse.Namespace) -> int:
    """Run ``analyst runs list``; returns the exit code."""
    from analyst.frontends.listings import run_table  # noqa: PLC0415  # late: help needs it not
    from analyst.record.runs import list_runs  # noqa: PLC0415

    runs = list_runs(options.limit or None)
    if options.json:
        plain = [
            dataclasses.asdict(run)
            | {"usage": run.usage.model_dump() if run.usage is not None else None}
            for run in runs
        ]
        print(json.dumps(plain, ensure_ascii=False))
    elif runs:
        print(run_table(runs))
    else:
        print("There is no run on record yet.", file=sys.stderr)
    return 0


def show(options: argparse.Namespace) -> int:
    """Run ``analyst runs show``; returns the exit code."""
    from analyst.record.log import RunLogError, read_run  # noqa: PLC0415  # late: see above
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415

    try:
        record = read_run(find_run(options.id))
    except (RunLookupError, RunLogError) as error:
        print(f"analyst runs: {error}", file=sys.stderr)
        return _USAGE_ERROR
    if options.json:
        found = {
            "run_id": record.run_id,
            "events": [event.model_dump(mode="json") for event in record.events],
            "skipped": record.skipped,
        }
        print(json.dumps(found, ensure_ascii=False))
        return 0
    from analyst.frontends.terminal_view import TerminalView  # noqa: PLC0415
    from analyst.frontends.untrusted import clean_text  # noqa: PLC0415

    view = TerminalView()
    for number, event in enumerate(record.events):
        if number == 0:
            print(clean_text(getattr(event, "question", "")).strip())
        view.apply(event)
    if record.skipped:
        print(f"{record.skipped} damaged lines of the record were left out.", file=sys.stderr)
    return 0


def show_team(options: argparse.Namespace) -> int:
    """Run ``analyst runs team``; returns the exit code."""
    from analyst.frontends.listings import team_table  # noqa: PLC0415  # late: see above
    from analyst.record.log import RunLogError, read_run  # noqa: PLC0415
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415
    from analyst.record.team_report import team_sums  # noqa: PLC0415

    try:
        record = read_run(find_run(options.id))
    except (RunLookupError, RunLogError) as error:
        print(f"analyst runs: {error}", file=sys.stderr)
        return _USAGE_ERROR
    sums = team_sums(record.events)
    if options.json:
        plain = {role: one.model_dump() for role, one in sums.items()}
        print(json.dumps({"run_id": record.run_id, "roles": plain}, ensure_ascii=False))
    elif sums:
        print(team_table(sums))
    else:
        print(f"No team worked in run {record.run_id}; ask with --team.", file=sys.stderr)
    return 0


def make_notebook(options: argparse.Namespace) -> int:
    """Run ``analyst runs notebook``; returns the exit code."""
    from analyst.frontends.export_data import ExportError  # noqa: PLC0415  # late: see above
    from analyst.frontends.export_recorded import save_runs  # noqa: PLC0415
    from analyst.record.log import RunLogError  # noqa: PLC0415
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415
    from analyst.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        run_ids = [find_run(typed) for typed in options.ids]
        place = Path.cwd() / (options.output or f"{run_ids[0]}.ipynb")
        print(save_runs(run_ids, place, Settings.load()))
    except (ExportError, RunLookupError, RunLogError, SettingsError) as error:
        print(f"analyst runs: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def report(options: argparse.Namespace) -> int:
    """Run ``analyst runs report``; returns the exit code."""
    from analyst.frontends.export_data import ExportError  # noqa: PLC0415  # late: see above
    from analyst.frontends.report_recorded import save_report  # noqa: PLC0415
    from analyst.record.log import RunLogError  # noqa: PLC0415
    from analyst.record.runs import RunLookupError, find_run  # noqa: PLC0415
    from analyst.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        run_id = find_run(options.id)
        place = Path.cwd() / (options.output or f"report-{run_id}")
        print(save_report(run_id, place, Settings.load(), form=options.form))
    except (ExportError, RunLookupError, RunLogError, SettingsError) as error:
        print(f"analyst runs: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)
