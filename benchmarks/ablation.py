"""What each check of answers and each way of working brings and costs, on a DABench folder.

Asks the configured model the same questions in several ways and prints a table: right answers,
tokens, seconds, their ratio to the plain loop's, and what was gained and lost against it, question
by question. The configurations take turns every few questions, so that a machine that is busy for
a while is busy for all of them. Results are kept in OUTPUT, a folder for each configuration; what
is there already is not asked again. Nothing else should run beside it, or the seconds mean little.

With ``--share`` a configuration is given again what the model replied to exactly the same request
under another. Then two configurations differ only by what one of them does more: the model's own
wavering, some points of accuracy from run to run, is out of the comparison, and the whole takes
less time. Tokens and seconds count such replies as they were when asked for; seconds lean upwards,
since a request after one that was shared finds nothing of its conversation in the server's cache.

    python benchmarks/ablation.py DABENCH OUTPUT [--only NAME,..] [--also NAME:SETTING=VALUE;..]
        [--ids 1,2,..] [--turn N] [--set SETTING=VALUE] [--share]

    python benchmarks/ablation.py ../dabench out --also "critic:checks=critic"
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from analyst.evals import dabench
from analyst.evals.compare import sign_test
from analyst.evals.report import markdown_table
from analyst.evals.results import QuestionResult, read_results
from analyst.record.files import DATA_VARIABLE

PLAIN = "plain"
CONFIGURATIONS: dict[str, dict[str, str]] = {
    PLAIN: {"checks": "none"},
    "+grounding": {"checks": "grounding"},
    "+silent_errors": {"checks": "grounding,silent_errors"},
    "+second": {"checks": "grounding,silent_errors,second"},
    "careful": {"checks": "grounding,silent_errors", "careful": "yes"},
    "+plan": {"checks": "none", "work": "plan"},
    "+team": {"checks": "none", "work": "team"},
}

HEAD = (
    *("configuration", "right", "ABQ", "gained", "lost", "p", "tokens", "written"),
    *("s median", "s total", "time"),
)


def ask(
    folder: Path,
    output: Path,
    settings: Mapping[str, str],
    ids: Sequence[int],
    shared: Path | None = None,
) -> dict[int, QuestionResult]:
    """Ask the questions that ``output`` holds no result of; return all that it holds.

    ``shared``: the folder that replies are kept in, for all configurations.
    """
    known = read_results(output) if output.exists() else {}
    missing = [one for one in ids if one not in known or known[one].outcome == "error"]
    if missing:
        options = [f"--set={name}={value}" for name, value in settings.items()]
        resume = ["--resume"] if known else []
        if shared is not None:
            options.append("--set=response_cache=yes")
        subprocess.run(
            [
                *(sys.executable, "-m", "analyst", "eval", "dabench", "--path", str(folder)),
                *("--output", str(output), "--ids", ",".join(map(str, missing))),
                *(*options, *resume),
            ],
            check=True,
            env=os.environ | ({DATA_VARIABLE: str(shared)} if shared is not None else {}),
            stdout=subprocess.DEVNULL,
        )
    return read_results(output)


def table(results: Mapping[str, Mapping[int, QuestionResult]]) -> str:
    """Compare configurations over the questions that all of them were asked."""
    asked = set.intersection(*(set(one) for one in results.values()))
    first = next(iter(results.values()))
    rows = []
    for name, found in results.items():
        pairs = [(first[one], found[one]) for one in sorted(asked)]
        mine = [pair[1] for pair in pairs]
        gained = sum(new.good and not old.good for old, new in pairs)
        lost = sum(old.good and not new.good for old, new in pairs)
        good = sum(one.good for one in mine)
        seconds = [one.seconds for one in mine]
        ratio = sum(seconds) / sum(old.seconds for old, _ in pairs)
        rows.append(
            (
                name,
                f"{good} of {len(mine)}",
                f"{good / len(mine):.1%}",
                gained,
                lost,
                f"{sign_test(gained, lost):.2f}",
                f"{statistics.fmean(one.usage.total for one in mine):.0f}",
                f"{statistics.fmean(one.usage.output for one in mine):.0f}",
                f"{statistics.median(seconds):.1f}",
                f"{sum(seconds):.0f}",
                f"{ratio:.2f}",
            )
        )
    return markdown_table(HEAD, rows)


def chosen(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return the configurations to compare, the one that others are measured by first."""
    found = dict(CONFIGURATIONS)
    for text in options.also:
        name, _, settings = text.partition(":")
        pairs = (pair.partition("=") for pair in settings.split(";") if pair)
        found[name] = {setting: value for setting, _, value in pairs}
    if options.only:
        found = {name: found[name] for name in options.only.split(",")}
    common = dict(pair.split("=", 1) for pair in options.set)
    return {name: {**settings, **common} for name, settings in found.items()}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", default="", help="these configurations, between commas")
    parser.add_argument("--also", action="append", default=[], help="NAME:SETTING=VALUE;..")
    parser.add_argument("--set", action="append", default=[], help="SETTING=VALUE, for all")
    parser.add_argument("--ids", default="", help="only these questions")
    parser.add_argument("--turn", type=int, default=10, help="questions before the next one's turn")
    parser.add_argument("--share", action="store_true", help="share replies to equal requests")
    options = parser.parse_args()
    shared = (options.output / "shared").absolute() if options.share else None
    suite = [question.id for question in dabench.load(options.folder).questions]
    wanted = {int(one) for one in options.ids.split(",") if one}
    ids = [one for one in suite if not wanted or one in wanted]
    results: dict[str, dict[int, QuestionResult]] = {}
    for start in range(0, len(ids), options.turn):
        turn = ids[start : start + options.turn]
        for name, settings in chosen(options).items():
            found = ask(options.folder, options.output / name, settings, turn, shared)
            results[name] = {one: found[one] for one in ids if one in found}
    print(table(results))


if __name__ == "__main__":
    main()
