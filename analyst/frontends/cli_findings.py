"""``analyst findings``: what is remembered, and the user's hands on it."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyst.session.findings import Findings

_USAGE_ERROR = 2
_VERIFY_CODES = {"same": 0, "differs": 1, "data_changed": 1, "impossible": 1}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``findings`` and its verbs to a command line."""
    parser = subparsers.add_parser(
        "findings",
        help="search, check and change what is remembered",
        description="Findings are what runs computed. They are named by numbers, as F12.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(
        name: str, text: str, run: Callable[[argparse.Namespace, Findings], int]
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.set_defaults(run=lambda options: _with_findings(options, run))
        return made

    search = verb("search", "list findings like some words, or the newest", _search)
    search.add_argument("words", nargs="*", metavar="WORD")
    search.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many (20)")
    search.add_argument("--project", action="store_true", help="of this directory's project only")
    search.add_argument("--history", action="store_true", help="also superseded ones, when listing")
    search.add_argument("--json", action="store_true", help="print a JSON list")
    show = verb("show", "show a finding with its code", _show)
    show.add_argument("--json", action="store_true", help="print a JSON object")
    rerun = verb("rerun", "compute a finding again, isolated, and print what comes out", _rerun)
    check = verb("verify", "compute a finding again and compare; exit code 0 if it holds", _verify)
    pin = verb("pin", "keep a finding at the top", lambda o, f: _pin(o, f, pinned=True))
    unpin = verb("unpin", "let a pinned finding go", lambda o, f: _pin(o, f, pinned=False))
    tag = verb("tag", "replace the tags of a finding", _tag)
    for one in (show, rerun, check, pin, unpin, tag):
        one.add_argument("number", type=_number, metavar="F12")
    tag.add_argument("tags", nargs="*", metavar="TAG")
    delete = verb("delete", "delete findings with their outputs, for good", _delete)
    delete.add_argument("numbers", nargs="+", type=_number, metavar="F12")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    out = verb("export", "write findings to a file, by default all", _export)
    out.add_argument("file", type=Path, metavar="FILE")
    out.add_argument("numbers", nargs="*", type=_number, metavar="F12")
    verb("import", "save the findings of such a file", _import).add_argument(
        "file", type=Path, metavar="FILE"
    )
    verb("repair", "save what can be read of a damaged database into a new one", _repair)


def _with_findings(
    options: argparse.Namespace, run: Callable[[argparse.Namespace, Findings], int]
) -> int:
    from analyst.memory.errors import FindingsError  # noqa: PLC0415  # late: help needs it not
    from analyst.session.findings import Findings  # noqa: PLC0415
    from analyst.settings import SettingsError  # noqa: PLC0415

    try:
        with Findings() as findings:
            return run(options, findings)
    except (FindingsError, SettingsError) as error:
        print(f"analyst findings: {error}", file=sys.stderr)
        return _USAGE_ERROR


def _search(options: argparse.Namespace, findings: Findings) -> int:
    from analyst.frontends.listings import finding_table  # noqa: PLC0415  # late: see above
    from analyst.session.remembering import project_of  # noqa: PLC0415

    found = findings.search(
        " ".join(options.words),
        project=project_of(Path.cwd()) if options.project else None,
        limit=options.limit,
        history=options.history,
    )
    if options.json:
        print(json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
    elif found:
        print(finding_table(found))
    else:
        print(
            "Nothing is remembered that is like it." if options.words else _EMPTY, file=sys.stderr
        )
    return 0


def _show(options: argparse.Namespace, findings: Findings) -> int:
    finding = findings.get(options.number)
    if options.json:
        print(finding.model_dump_json())
        return 0
    from analyst.frontends.listings import finding_text  # noqa: PLC0415  # late: see above

    print(finding_text(finding))
    return 0


def _rerun(options: argparse.Namespace, findings: Findings) -> int:
    from analyst.frontends.untrusted import clean_text  # noqa: PLC0415  # late: see above

    found = asyncio.run(findings.verify(options.number))
    if found.printed:
        print(clean_text(found.printed))
    print(found.detail, file=sys.stderr)
    return 0 if found.outcome != "impossible" else 1


def _verify(options: argparse.Namespace, findings: Findings) -> int:
    found = asyncio.run(findings.verify(options.number))
    print(f"F{options.number}: {found.detail}")
    return _VERIFY_CODES[found.outcome]


def _pin(options: argparse.Namespace, findings: Findings, *, pinned: bool) -> int:
    findings.pin(options.number, pinned=pinned)
    print(f"F{options.number} is {'pinned' if pinned else 'not pinned any more'}.")
    return 0


def _tag(options: argparse.Namespace, findings: Findings) -> int:
    tags = findings.tag(options.number, options.tags).tags
    print(f"F{options.number} has {'the tags ' + ', '.join(tags) if tags else 'no tags'}.")
    return 0


def _delete(options: argparse.Namespace, findings: Findings) -> int:
    from analyst.frontends.listings import finding_table  # noqa: PLC0415  # late: see above

    doomed = [findings.get(number) for number in options.numbers]
    if not options.yes:
        print(finding_table(doomed))
        if not sys.stdin.isatty():
            print("analyst findings: nothing was deleted; --yes deletes them.", file=sys.stderr)
            return _USAGE_ERROR
        if input("Delete for good? [y/N] ").strip().lower() not in {"y", "yes"}:
            return 1
    findings.delete(options.numbers)
    print(f"Deleted {', '.join(f'F{number}' for number in options.numbers)}.")
    return 0


def _export(options: argparse.Namespace, findings: Findings) -> int:
    count = findings.export(options.file, options.numbers or None)
    print(f"Wrote {count} findings to {options.file}.")
    return 0


def _import(options: argparse.Namespace, findings: Findings) -> int:
    new, known = findings.import_file(options.file)
    print(f"Saved {new} findings" + (f"; {known} were known." if known else "."))
    return 0


def _repair(_options: argparse.Namespace, findings: Findings) -> int:
    saved, kept = findings.repair()
    print(f"Saved {saved} findings into a new database; the old one is {kept}.")
    return 0


_EMPTY = "Nothing is remembered yet; what %%agent and analyst ask compute will be."


def _number(text: str) -> int:
    found = re.fullmatch(r"\[?[Ff]?(\d{1,18})\]?", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a finding, as F12")
    return int(found[1])


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)
