"""The verbs on findings, one set for ``%agent findings`` and ``analyst findings``.

Here: their arguments, and what each does and says. Not here: how a front end shows that and asks
back (:mod:`analyst.frontends.cli_findings`, :mod:`analyst.frontends.findings_line`), or what
findings can do (:mod:`analyst.session.findings`).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analyst.frontends.errors import OptionError
from analyst.frontends.untrusted import clean_text

if TYPE_CHECKING:
    from analyst.frontends.outputs import Bundle
    from analyst.memory.finding import Finding
    from analyst.session.findings import Findings
    from analyst.session.verification import Verified

DONE, FAILED, REFUSED = 0, 1, 2

NOTHING_YET = "Nothing is remembered yet; what %%agent and analyst ask compute will be."
NOTHING_LIKE_IT = "Nothing is remembered that is like it."

VERIFY_MARKS = {"same": "✓", "differs": "✗", "data_changed": "≠", "impossible": "?"}


class Front(Protocol):
    """The front end that a verb is used in."""

    frames: Mapping[str, object] | None
    """The frames of the notebook, ``None`` where there is none."""

    def tell(self, text: str, *, shown: Callable[[], list[Bundle]] | None = None) -> None:
        """Show what a verb has to say; ``shown`` makes what a notebook shows in its place."""
        ...

    def remark(self, sentence: str) -> None:
        """Show what is no result: that there is none, or why."""
        ...

    def wait_for(self, work: Coroutine[Any, Any, Verified]) -> Verified:
        """Run a coroutine to its end."""
        ...

    def agrees(self, question: str) -> bool | None:
        """Ask the user; ``None`` where nobody can be asked."""
        ...


Verb = Callable[[argparse.Namespace, "Findings", Front], int]
"""Does something and returns an exit code; raises what :class:`Findings` raises."""

AddVerb = Callable[[str, str, Verb], argparse.ArgumentParser]


def add_verbs(parser: argparse.ArgumentParser, *, add_help: bool) -> AddVerb:
    """Give ``parser`` the verbs; its options then have a ``verb``. Returns what adds one more."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, text: str, run: Verb) -> argparse.ArgumentParser:
        made = verbs.add_parser(
            name, help=text, description=text, allow_abbrev=False, add_help=add_help
        )
        made.set_defaults(verb=run)
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
    check = verb("verify", "compute findings again and compare; exit code 0 if they hold", _verify)
    check.add_argument("numbers", nargs="*", type=_number, metavar="F12")
    check.add_argument("--all", action="store_true", help="all whose data are files that are there")
    for one in (rerun, check):
        one.add_argument(
            "--data",
            action="append",
            default=[],
            metavar="PATH",
            help="where a data file is now; NAME=PATH if there are several",
        )
    pin = verb("pin", "keep a finding at the top", _pin)
    pin.set_defaults(pinned=True)
    unpin = verb("unpin", "let a pinned finding go", _pin)
    unpin.set_defaults(pinned=False)
    tag = verb("tag", "replace the tags of a finding", _tag)
    for one in (show, rerun, pin, unpin, tag):
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
    return verb


def listed(findings: Findings, words: str, front: Front, **options: Any) -> int:
    """Show findings like some words, or the newest; options as of :meth:`Findings.search`."""
    found = findings.search(words, **options)
    if not found:
        front.remark(NOTHING_LIKE_IT if words.strip() else NOTHING_YET)
        return DONE
    _tell_table(found, front)
    return DONE


def _tell_table(found: Sequence[Finding], front: Front) -> None:
    from analyst.frontends.listings import finding_table  # noqa: PLC0415  # late: slow to import

    def shown() -> list[Bundle]:
        from analyst.frontends.finding_views import table_bundle  # noqa: PLC0415  # late: HTML only

        return [table_bundle(found)]

    front.tell(finding_table(found), shown=shown)


def _search(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    from analyst.session.remembering import project_of  # noqa: PLC0415  # late: slow to import

    words = " ".join(options.words)
    chosen = {
        "project": project_of(Path.cwd()) if options.project else None,
        "limit": options.limit,
        "history": options.history,
    }
    if options.json:
        found = [one.model_dump(mode="json") for one in findings.search(words, **chosen)]
        front.tell(json.dumps(found, ensure_ascii=False))
        return DONE
    return listed(findings, words, front, **chosen)


def _show(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    from analyst.frontends.listings import finding_text  # noqa: PLC0415  # late: see above

    finding = findings.get(options.number)

    def shown() -> list[Bundle]:
        from analyst.frontends.finding_views import (  # noqa: PLC0415  # late: HTML only
            finding_bundle,
            output_bundles,
        )

        return [finding_bundle(finding), *output_bundles(finding, findings.output)]

    if options.json:
        front.tell(finding.model_dump_json())
    else:
        front.tell(finding_text(finding), shown=shown)
    return DONE


def _rerun(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    found = _computed_again(options.number, options.data, findings, front)

    def shown() -> list[Bundle]:
        from analyst.frontends.finding_views import shown_bundles  # noqa: PLC0415  # late: see above

        return shown_bundles(found.outputs)

    if found.outputs:
        front.tell(clean_text(found.printed), shown=shown)
    front.remark(clean_text(found.detail))
    return FAILED if found.outcome == "impossible" else DONE


def _verify(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    if options.all == bool(options.numbers):
        raise OptionError("Name the findings, as in verify F12, or take all of files by --all.")
    if options.all:
        return _verify_all(findings, front)
    code = DONE
    for number in options.numbers:
        found = _computed_again(number, options.data, findings, front)
        front.tell(f"F{number}: {clean_text(found.detail)}")
        code = max(code, DONE if found.outcome == "same" else FAILED)
    return code


def _verify_all(findings: Findings, front: Front) -> int:
    from analyst.session.verification import sources_of  # noqa: PLC0415  # late: slow to import

    counts, left_out = dict.fromkeys(VERIFY_MARKS, 0), 0
    for finding in findings.current():
        if finding.number is None or not finding.data or sources_of(finding).missing:
            left_out += 1
            continue
        found = front.wait_for(findings.verify(finding.number))
        counts[found.outcome] += 1
        said = " ".join(clean_text(found.detail).split())
        front.tell(f"{f'F{finding.number}':<6} {VERIFY_MARKS[found.outcome]} {said}")
    told = {
        "same": "came out again",
        "differs": "did not",
        "data_changed": "on data that changed",
        "impossible": "could not be computed",
    }
    parts = [f"{counts[one]} {text}" for one, text in told.items() if counts[one] or one == "same"]
    if left_out:
        parts.append(f"{left_out} left out, whose data are no files that are there")
    front.tell(f"{'; '.join(parts)}.")
    return DONE if counts["same"] == sum(counts.values()) else FAILED


def _computed_again(number: int, data: Sequence[str], findings: Findings, front: Front) -> Verified:
    from analyst.session.verification import files_given  # noqa: PLC0415  # late: slow to import

    files = files_given(findings.get(number), data)
    return front.wait_for(findings.verify(number, frames=front.frames, files=files))


def _pin(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    findings.pin(options.number, pinned=options.pinned)
    front.tell(f"F{options.number} is {'pinned' if options.pinned else 'not pinned any more'}.")
    return DONE


def _tag(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    tags = clean_text(", ".join(findings.tag(options.number, options.tags).tags))
    front.tell(f"F{options.number} has {f'the tags {tags}' if tags else 'no tags'}.")
    return DONE


def _delete(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    doomed = [findings.get(number) for number in options.numbers]
    if not options.yes:
        _tell_table(doomed, front)
        agreed = front.agrees("Delete for good?")
        if agreed is None:
            front.remark("Nothing was deleted; --yes deletes them.")
            return REFUSED
        if not agreed:
            front.remark("Nothing was deleted.")
            return FAILED
    findings.delete(options.numbers)
    front.tell(f"Deleted {', '.join(f'F{number}' for number in options.numbers)}.")
    return DONE


def _export(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    count = findings.export(options.file, options.numbers or None)
    front.tell(f"Wrote {count} findings to {options.file}.")
    return DONE


def _import(options: argparse.Namespace, findings: Findings, front: Front) -> int:
    new, known = findings.import_file(options.file)
    front.tell(f"Saved {new} findings" + (f"; {known} were known." if known else "."))
    return DONE


def _number(text: str) -> int:
    found = re.fullmatch(r"\[?[Ff]?(\d{1,18})\]?", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a finding, as F12")
    return int(found[1])


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)
