"""The options of a run, as ``%%agent`` and ``analyst ask`` take them.

Here: the parser, which raises sentences in place of ending the process. Not here: what an
option then does.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from analyst.frontends.errors import OptionError, nearest

_SETTINGS = {
    "model": "model",
    "base_url": "base_url",
    "protocol": "protocol",
    "max_steps": "max_steps",
    "max_seconds": "max_seconds",
    "max_tokens": "max_tokens_per_run",
    "approval": "approval",
    "checks": "checks",
}
"""Options that stand in for a setting, for one run."""


_RULES: dict[Literal["allow", "deny"], str] = {
    "allow": "tools that need not ask, by name or pattern, as sql,web_*; what restricts wins",
    "deny": "tools that may not run, by name or pattern",
}


TEAM_HELP = "let several roles work on it: one plans, one computes, one reviews"


class SentenceParser(argparse.ArgumentParser):
    """A parser whose complaints are :class:`OptionError`; it never ends the process."""

    def error(self, message: str) -> NoReturn:
        """Raise the complaint, with the options there are."""
        raise OptionError(f"{message[:1].upper()}{message[1:]}. {options_sentence(self)}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raise in place of ending the process."""
        raise OptionError(message or f"The options ended with {status}.")


def options_sentence(parser: argparse.ArgumentParser) -> str:
    """List the options that ``parser`` knows."""
    return f"The options are {', '.join(_names(parser))}."


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return [
        action.option_strings[0]
        for action in parser._actions  # noqa: SLF001  # argparse offers no public list
        if action.option_strings and action.help is not argparse.SUPPRESS
    ]


@dataclass(frozen=True, kw_only=True)
class CellOptions:
    """What stands on the ``%%agent`` line. ``strict`` is None where nothing was said."""

    data: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    out: str | None = None
    quiet: bool = False
    strict: bool | None = None
    report: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Literal["allow", "deny"]] = field(default_factory=dict)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what every way to ask has: the model, the budgets, what the model may see."""
    parser.add_argument("--model", metavar="NAME", help="the model for this run")
    parser.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible endpoint")
    parser.add_argument("--protocol", metavar="P", help="auto, native or fenced")
    parser.add_argument("--max-steps", metavar="N", help="most steps of the run")
    parser.add_argument("--max-seconds", metavar="S", help="most seconds of the run")
    parser.add_argument("--max-tokens", metavar="N", help="most tokens of the run")
    parser.add_argument(
        "--rows", action="store_true", help="let the model see sample rows, not only a profile"
    )
    parser.add_argument(
        "--no-memory",
        dest="memory",
        action="store_false",
        help="recall nothing for this run, and keep nothing of it",
    )
    parser.add_argument(
        "--approval",
        metavar="WHEN",
        help="ask before calls: auto (what leaves the sandbox), risky, ask (every one), or plan "
        "(nothing runs)",
    )
    for decision, words in _RULES.items():
        parser.add_argument(f"--{decision}", action="append", metavar="TOOLS", help=words)
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        help="a project's folder, whose files the agent may look at, change and test",
    )
    add_check_options(parser)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--plan",
        action="store_true",
        help="make a plan first, show it to be approved or edited, and carry it out step by step",
    )
    ways.add_argument("--team", action="store_true", help=TEAM_HELP)
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write a report of the run: .md, .html, or .ipynb for a notebook",
    )
    parser.add_argument(
        "--private", action="store_true", help="keep no record of this run, and no finding"
    )


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how answers are checked."""
    parser.add_argument(
        "--checks",
        metavar="A,B",
        help="what answers are checked for: grounding, silent_errors, second, critic, or none",
    )
    parser.add_argument(
        "--careful",
        action="store_true",
        help="compute the answer several times and take what most agree on",
    )


def setting_overrides(namespace: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the parsed options stand in for."""
    overrides = {
        setting: value
        for option, setting in _SETTINGS.items()
        if (value := getattr(namespace, option)) is not None
    }
    if namespace.rows:
        overrides["show_rows"] = True
    if not namespace.memory:
        overrides["memory"] = False
    if namespace.workspace:
        # As seen from here: the run may go on in another process.
        overrides["workspace"] = str(Path(namespace.workspace).expanduser().absolute())
    if namespace.careful:
        overrides["careful"] = True
    if namespace.plan:
        overrides["work"] = "plan"
    if namespace.team:
        overrides["work"] = "team"
    if namespace.private:
        overrides["private"] = True
    return overrides


def rules(namespace: argparse.Namespace) -> dict[str, Literal["allow", "deny"]]:
    """Return what the parsed options say of tools; what is denied is not allowed."""
    found: dict[str, Literal["allow", "deny"]] = {}
    for decision in _RULES:
        found |= dict.fromkeys(listed(getattr(namespace, decision)), decision)
    return found


def cell_parser() -> SentenceParser:
    """Return the parser of the ``%%agent`` line."""
    parser = SentenceParser(prog="%%agent", add_help=False, allow_abbrev=False, usage="%(prog)s")
    parser.add_argument(
        "--data", action="append", metavar="A,B", help="frames to hand over, besides those named"
    )
    parser.add_argument(
        "--file", action="append", metavar="PATH", help="a file to hand over; may be repeated"
    )
    parser.add_argument("--out", metavar="NAME", help="keep the answer object under this name")
    parser.add_argument(
        "--values", action="append", metavar="A,B", help="named values that the answer must give"
    )
    add_run_options(parser)
    parser.add_argument("--quiet", action="store_true", help="show no steps, only what they made")
    parser.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="fail the cell if the run fails (default: where nobody can be asked, as under "
        "nbconvert and papermill)",
    )
    return parser


def parse_cell_line(line: str) -> CellOptions:
    """Read the rest of the ``%%agent`` line; raises :class:`OptionError`."""
    parser = cell_parser()
    namespace, rest = parser.parse_known_args(_words(line))
    if rest:
        raise OptionError(_complaint(rest, parser))
    return CellOptions(
        data=listed(namespace.data),
        files=tuple(namespace.file or ()),
        values=listed(namespace.values),
        out=namespace.out,
        quiet=namespace.quiet,
        strict=namespace.strict,
        report=namespace.report,
        overrides=setting_overrides(namespace),
        rules=rules(namespace),
    )


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise OptionError(f"The options cannot be read: {error}. Close the quotation.") from None
    joined: list[str] = []
    for word in words:
        # "--data a, b" means what "--data a,b" means.
        if joined and joined[-1].endswith(",") and not word.startswith("--"):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _complaint(rest: Sequence[str], parser: argparse.ArgumentParser) -> str:
    unknown = next((word for word in rest if word.startswith("-")), None)
    if unknown is None:
        return (
            f"{' '.join(rest)!r} is no option. Write the question below the %%agent line; the "
            f"line itself takes options only. {options_sentence(parser)}"
        )
    name = unknown.partition("=")[0]
    hint = nearest(name, _names(parser))
    return f"There is no option {name}.{hint} {options_sentence(parser)}"


def listed(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names in options that take names between commas."""
    names = (name.strip() for text in given or () for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
