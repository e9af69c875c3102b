"""The verbs of ``%agent``: each returns the text that it has to say."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyst.frontends.bridge import SessionBridge
from analyst.frontends.errors import OptionError, nearest
from analyst.frontends.listings import file_table, run_table
from analyst.frontends.options import cell_parser


@dataclass(frozen=True, kw_only=True)
class Shell:
    """What the verbs look after: the session of a shell, and the runs it has asked for.

    ``namespace``: the user's variables. ``in_notebook``: whether HTML can be shown.
    ``somebody_is_there``: whether a person could be asked now. ``resume``: goes on with a run.
    """

    bridge: SessionBridge
    run_ids: Sequence[str]
    namespace: Mapping[str, object]
    in_notebook: bool = False
    somebody_is_there: bool = False
    resume: Callable[[str], None] = lambda _: None


_WIDTH = 92
_MARGIN = 24

_HOW_TO_SAVE = (
    "Name one file, and where to if not here: %agent save report.csv results/. "
    "Quote names with spaces. %agent files lists what there is."
)

_HOW_TO_REPORT = (
    "Name a run and a file that ends in .md, .html or .ipynb, or neither: %agent report last "
    "trends.html."
)

Verb = Callable[[Shell, str], str]


def run(line: str, shell: Shell) -> str:
    """Do what ``%agent line`` says and return the text to show, "" if it has shown all itself.

    Raises :class:`OptionError`.
    """
    verb, _, rest = line.strip().partition(" ")
    if verb in {"", "help", "-h", "--help"}:
        return help_text()
    handler = _VERBS.get(verb)
    if handler is None:
        raise OptionError(
            f"%agent has no {verb}.{nearest(verb, _VERBS)} It knows {', '.join(_VERBS)} and help. "
            "To ask a question, write it in a cell below %%agent."
        )
    return handler(shell, rest.strip())


def help_text() -> str:
    """Say how to ask, with which options, and what else there is."""
    parts = [
        _entry(
            "%%agent [options]",
            "ask: the question is the cell below this line. Tables that it names, and data "
            "files of this directory, are handed over to the agent.",
        )
    ]
    for action in cell_parser()._actions:  # noqa: SLF001  # argparse offers no public list
        name = "/".join(action.option_strings)
        parts.append(_entry(f"  {name} {action.metavar or ''}", action.help or ""))
    parts.append("")
    parts += [_entry(f"%agent {name}", text) for name, text in _HELP.items()]
    parts.append("")
    parts.append(
        textwrap.fill(
            "The stop button, or Ctrl-C, ends a run and leaves both kernels usable. While a cell "
            "is busy, %agent stop works from whatever else reaches this kernel: a subshell, a "
            "thread.",
            width=_WIDTH,
        )
    )
    return "\n".join(parts)


def _entry(name: str, text: str) -> str:
    margin = " " * _MARGIN
    filled = textwrap.fill(text, _WIDTH, initial_indent=margin, subsequent_indent=margin)
    return f"{name:<{_MARGIN}}{filled.lstrip()}"


def _status(shell: Shell, rest: str) -> str:
    _nothing_more("status", rest)
    status = shell.bridge.status()
    lines = [
        f"Model     {status.model} ({status.model_reason})",
        f"Protocol  {status.protocol}",
        f"Kernel    {status.kernel}",
        f"Isolation {status.isolation}",
        *_policy_lines(status.policy),
        f"Runs      {status.runs}{', one is going' if shell.bridge.busy else ''}",
    ]
    if status.data:
        lines.append(f"Data      {', '.join(status.data)}")
    return "\n".join(lines)


def _policy_lines(policy: Mapping[str, str]) -> list[str]:
    """Say what the agent's code may do, one line a right."""
    lines = [f"{name}: {words}" for name, words in policy.items()]
    return [f"{'Policy' if not n else '':<9} {line}" for n, line in enumerate(lines)]


def _config(shell: Shell, rest: str) -> str:
    from analyst.settings import (  # noqa: PLC0415  # late: only this verb needs it
        IN_PROCESS_ONLY,
        UnknownSettingError,
        parse_assignment,
    )

    described = {one.name: one for one in shell.bridge.settings.describe()}
    if not rest:
        width = max(map(len, described))
        return "\n".join(
            f"{one.name:<{width}} = {one.value:<12} {one.help}"
            + ("" if one.is_set else " (default)")
            for one in described.values()
        )
    if "=" not in rest:
        name = rest.replace("-", "_")
        if name not in described:
            raise UnknownSettingError(name)
        one = described[name]
        return f"{one.name} = {one.value}\n{one.help}; by default {one.default}."
    name, value = parse_assignment(rest)
    shell.bridge.settings = shell.bridge.settings.updated({name: value})
    kept = (
        "for this kernel's life"
        if name in IN_PROCESS_ONLY
        else f"in {shell.bridge.settings.save()}"
    )
    shown = next(one.value for one in shell.bridge.settings.describe() if one.name == name)
    return f"{name} = {shown}, kept {kept}."


def _reset(shell: Shell, rest: str) -> str:
    _nothing_more("reset", rest)
    shell.bridge.reset()
    return "The agent starts afresh: a new kernel, no variables, no earlier questions."


def _stop(shell: Shell, rest: str) -> str:
    _nothing_more("stop", rest)
    return "The run is being stopped." if shell.bridge.stop() else "No run is going."


def _history(shell: Shell, rest: str) -> str:
    _nothing_more("history", rest)
    from analyst.record.runs import list_runs  # noqa: PLC0415  # late: only this verb needs it

    here = [run for run in list_runs(None) if run.run_id in set(shell.run_ids)]
    return run_table(here) if here else "Nothing was asked in this notebook yet."


def _runs(_shell: Shell, rest: str) -> str:
    from analyst.record.runs import list_runs  # noqa: PLC0415  # late: only this verb needs it

    if rest and not rest.isdecimal():
        raise OptionError("%agent runs takes how many to list, for instance %agent runs 50.")
    runs = list_runs(int(rest or 20))
    return run_table(runs) if runs else "There is no run on record yet."


def _notebook(shell: Shell, rest: str) -> str:
    from analyst.frontends.export_recorded import save_runs  # noqa: PLC0415  # late: see above
    from analyst.frontends.user_data import frames_of  # noqa: PLC0415
    from analyst.record.log import log_path  # noqa: PLC0415

    try:
        names = shlex.split(rest)
    except ValueError:
        names = []
    if len(names) != bool(rest):
        raise OptionError("Name one file for the notebook: %agent notebook analysis.ipynb.")
    recorded = [run_id for run_id in shell.run_ids if log_path(run_id).is_file()]
    if not recorded:
        raise OptionError("Nothing that is on record was asked in this notebook yet.")
    place = Path.cwd() / (names[0] if names else "analysis.ipynb")
    frames = frames_of(shell.namespace)
    written = save_runs(recorded, place, shell.bridge.settings, frames=frames)
    private = len(shell.run_ids) - len(recorded)
    left_out = f" {private} private questions are left out." if private else ""
    return f"Written to {written}.{left_out}"


def _resume(shell: Shell, rest: str) -> str:
    from analyst.record.runs import find_run  # noqa: PLC0415  # late: only this verb needs it

    if len(rest.split()) > 1:
        raise OptionError("%agent resume takes one run: its id, its beginning or end, or last.")
    shell.resume(find_run(rest or _last(shell)))
    return ""


def _report(shell: Shell, rest: str) -> str:
    from analyst.frontends.report_recorded import form_of, save_report  # noqa: PLC0415  # late
    from analyst.record.runs import find_run  # noqa: PLC0415

    try:
        words = shlex.split(rest)
    except ValueError:
        raise OptionError(_HOW_TO_REPORT) from None
    files = [word for word in words if form_of(Path(word))]
    runs = [word for word in words if not form_of(Path(word))]
    if len(files) > 1 or len(runs) > 1:
        raise OptionError(_HOW_TO_REPORT)
    run_id = find_run(runs[0] if runs else _last(shell))
    place = Path.cwd() / (files[0] if files else f"report-{run_id}.html")
    return f"Report written to {save_report(run_id, place, shell.bridge.settings)}."


def _last(shell: Shell) -> str:
    return shell.run_ids[-1] if shell.run_ids else "last"


def _files(shell: Shell, rest: str) -> str:
    _nothing_more("files", rest)
    files = shell.bridge.written_files()
    if not files:
        return "The agent's code wrote no files."
    return file_table(files)


def _save(shell: Shell, rest: str) -> str:
    try:
        name, *target = shlex.split(rest)
    except ValueError:
        raise OptionError(_HOW_TO_SAVE) from None
    if len(target) > 1:
        raise OptionError(_HOW_TO_SAVE)
    written = shell.bridge.save_file(name, Path.cwd() / (target[0] if target else name))
    return f"Saved as {written}."


def _findings(shell: Shell, rest: str) -> str:
    from analyst.frontends import findings_line  # noqa: PLC0415  # late: only this verb needs it

    findings_line.run(
        rest,
        findings_line.Notebook(
            bridge=shell.bridge,
            namespace=shell.namespace,
            shows_html=shell.in_notebook,
            somebody_is_there=shell.somebody_is_there,
        ),
    )
    return ""


def _knowledge(shell: Shell, rest: str) -> str:
    from analyst.configuration import ConfigurationError  # noqa: PLC0415  # late: see above
    from analyst.frontends import knowledge_verbs  # noqa: PLC0415
    from analyst.memory.errors import FindingsError  # noqa: PLC0415

    verb, _, words = rest.partition(" ")
    try:
        return knowledge_verbs.run(verb or "status", words.strip(), shell.bridge.settings)
    except (ConfigurationError, FindingsError) as error:
        raise OptionError(str(error)) from error


def _nothing_more(verb: str, rest: str) -> None:
    if rest:
        raise OptionError(f"%agent {verb} takes nothing more; {rest!r} is too much.")


_VERBS: dict[str, Verb] = {
    "status": _status,
    "config": _config,
    "reset": _reset,
    "history": _history,
    "stop": _stop,
    "runs": _runs,
    "findings": _findings,
    "knowledge": _knowledge,
    "files": _files,
    "save": _save,
    "notebook": _notebook,
    "report": _report,
    "resume": _resume,
}

_HELP = {
    "status": "which model answers and why, and the agent's kernel",
    "config": "the settings; config NAME shows one, config NAME=VALUE sets it",
    "reset": "a new kernel and a new conversation",
    "history": "the questions of this notebook since its kernel started",
    "stop": "end the run that is going",
    "findings": "what is remembered; findings WORDS searches it, findings browse WORDS opens it to "
    "look through, findings show, verify, rerun, pin, unpin, tag or delete F12 does that, and "
    "findings export or import FILE",
    "knowledge": "your documents: which are read; knowledge search WORDS shows what they say, "
    "knowledge update reads what changed",
    "files": "the files that the agent's code wrote; they last until its kernel is reset",
    "save": "save NAME copies such a file here; save NAME PATH elsewhere or by another name",
    "notebook": "what the agent ran for this notebook as one that executes without it; notebook "
    "FILE says where to",
    "report": "a short report of the last run (report RUN FILE: of another, and where to): .md, "
    ".html or .ipynb",
    "resume": "go on with a planned run that broke off, the last one or resume RUN",
    "runs": "the runs on record, of all notebooks; runs N lists the newest N",
    "help": "this text",
}
