"""The report of an evaluation: sums over its results, as JSON and as Markdown.

Here: accuracies, spreads, counts and the two files. Not here: how results came about
(:mod:`analyst.evals.runner`), nor two evaluations side by side (:mod:`analyst.evals.compare`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from pydantic import BaseModel, ConfigDict

from analyst.evals.outcome import OUTCOMES, Outcome
from analyst.evals.results import (
    Identity,
    QuestionResult,
    read_identity,
    read_results,
)
from analyst.evals.team_part import TEAM_HEAD, team_rows
from analyst.record.files import write_private
from analyst.record.team_report import RoleSums, added_up

REPORT_JSON = "report.json"
REPORT_MARKDOWN = "report.md"

LEGEND = (
    "ABQ: every sub-answer of a question right. PSAQ: mean share of right sub-answers. "
    "UASQ: right sub-answers of all. A question with several concepts counts in each. "
    "No model rewrote an answer: its text was scored as it stands, with the named values that "
    "the run's code computed."
)

CELL_WIDTH = 60
"""Longest text in a cell of the Markdown tables, in characters."""


class Accuracy(BaseModel):
    """The official measures over some questions, as shares from 0 to 1; 0 over none.

    ``abq``: questions with every sub-answer right. ``psaq``: mean over questions of the share of
    right sub-answers. ``uasq``: right sub-answers of all sub-answers.
    """

    model_config = ConfigDict(frozen=True)

    questions: int
    good: int
    abq: float
    psaq: float
    uasq: float

    @classmethod
    def over(cls, results: Collection[QuestionResult]) -> Accuracy:
        """Sum up results."""
        good = sum(result.good for result in results)
        sub_answers = sum(result.total for result in results)
        return cls(
            questions=len(results),
            good=good,
            abq=good / len(results) if results else 0.0,
            psaq=_mean(result.right / result.total for result in results),
            uasq=sum(result.right for result in results) / sub_answers if sub_answers else 0.0,
        )


class Spread(BaseModel):
    """Mean, median and maximum of a quantity over the questions."""

    model_config = ConfigDict(frozen=True)

    mean: float
    median: float
    max: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        """Sum up values; all 0 over none."""
        if not values:
            return cls(mean=0, median=0, max=0)
        return cls(mean=fmean(values), median=median(values), max=max(values))


class MeanTokens(BaseModel):
    """Mean tokens a question; ``input`` includes ``cached``, ``total`` is input and output."""

    model_config = ConfigDict(frozen=True)

    input: float
    output: float
    cached: float
    total: float

    @classmethod
    def over(cls, results: Collection[QuestionResult]) -> MeanTokens:
        """Sum up results."""
        return cls(
            input=_mean(result.usage.input for result in results),
            output=_mean(result.usage.output for result in results),
            cached=_mean(result.usage.cached for result in results),
            total=_mean(result.usage.total for result in results),
        )


class Report(BaseModel):
    """Everything an evaluation tells. All measures are over the questions that were asked.

    A question that was asked and has no answer is wrong; one that was not asked (the evaluation
    was interrupted) is listed in ``not_asked`` and in no measure. ``unanswered`` counts answers
    without a value under any expected name. ``team`` are the sums of what each role of a team did.
    """

    model_config = ConfigDict(frozen=True)

    identity: Identity
    accuracy: Accuracy
    by_level: dict[str, Accuracy]
    by_concept: dict[str, Accuracy]
    seconds: Spread
    steps: Spread
    tokens: MeanTokens
    outcomes: dict[Outcome, int]
    unanswered: int
    not_asked: tuple[int, ...]
    team: dict[str, RoleSums] = {}
    results: tuple[QuestionResult, ...]

    @classmethod
    def over(
        cls,
        identity: Identity,
        results: Mapping[int, QuestionResult],
        *,
        selected: Iterable[int] = (),
    ) -> Report:
        """Sum up results; ``selected`` are the ids that were to be asked."""
        asked = tuple(results.values())
        counts = Counter(result.outcome for result in asked)
        levels = dict.fromkeys(result.level for result in asked)
        concepts = sorted({concept for result in asked for concept in result.concepts})
        return cls(
            identity=identity,
            accuracy=Accuracy.over(asked),
            by_level={
                level: Accuracy.over([one for one in asked if one.level == level])
                for level in sorted(levels, key=_level_rank)
            },
            by_concept={
                concept: Accuracy.over([one for one in asked if concept in one.concepts])
                for concept in concepts
            },
            seconds=Spread.over([result.seconds for result in asked]),
            steps=Spread.over([result.steps for result in asked]),
            tokens=MeanTokens.over(asked),
            outcomes={outcome: counts[outcome] for outcome in OUTCOMES},
            unanswered=sum(not result.answered for result in asked),
            not_asked=tuple(one for one in selected if one not in results),
            team=added_up(result.team for result in asked),
            results=asked,
        )

    def to_markdown(self) -> str:
        """Return the report for reading."""
        parts = [
            f"# {self.identity.suite}: {self.identity.model}",
            self.headline(),
            markdown_table(
                ("", "questions", "ABQ", "PSAQ", "UASQ"),
                [
                    _accuracy_row("all", self.accuracy),
                    *(_accuracy_row(name, part) for name, part in self.by_level.items()),
                    *(_accuracy_row(name, part) for name, part in self.by_concept.items()),
                ],
            ),
            LEGEND,
            markdown_table(
                ("a question", "mean", "median", "max"),
                [
                    _spread_row("seconds", self.seconds),
                    _spread_row("steps", self.steps),
                ],
            ),
            markdown_table(
                ("tokens a question (mean)", "in", "of them cached", "out", "in all"),
                [_tokens_row(self.tokens)],
            ),
            markdown_table(
                ("outcome", "questions"),
                [(outcome, str(count)) for outcome, count in self.outcomes.items()],
            ),
            f"Without a value under any expected name: {self.unanswered}.",
            *(["## Team", markdown_table(TEAM_HEAD, team_rows(self.team))] if self.team else []),
            "## Questions",
            markdown_table(
                ("id", "level", "outcome", "right", "seconds", "tokens", "steps", "run"),
                [_question_row(result) for result in self.results],
            ),
        ]
        if wrong := [result for result in self.results if not result.good]:
            rows = [row for result in wrong for row in _wrong_rows(result)]
            parts += [
                "## Not right",
                markdown_table(("id", "sub-answer", "expected", "given", "why"), rows),
            ]
        settings = sorted({**self.identity.versions, **self.identity.settings}.items())
        parts += ["## Settings", markdown_table(("name", "value"), settings)]
        return "\n\n".join(parts) + "\n"

    def headline(self) -> str:
        """Return the measures in a sentence, and a second one when questions were not asked."""
        one = self.accuracy
        line = (
            f"**ABQ {one.abq:.1%}** ({one.good} of {one.questions} questions), "
            f"PSAQ {one.psaq:.1%}, UASQ {one.uasq:.1%}."
        )
        if self.not_asked:
            selected = one.questions + len(self.not_asked)
            line += (
                f" Incomplete: {len(self.not_asked)} of {selected} questions were not asked; "
                f"counted as wrong they would make ABQ {one.good / selected:.1%}."
            )
        return line


def build_report(directory: Path, *, selected: Iterable[int] = ()) -> Report:
    """Sum up an output directory.

    Raises :class:`~analyst.evals.errors.ResultsUnreadableError` when it holds no evaluation.
    """
    return Report.over(read_identity(directory), read_results(directory), selected=selected)


def write_report(directory: Path, *, selected: Iterable[int] = ()) -> Report:
    """Sum up an output directory and put ``report.json`` and ``report.md`` into it."""
    report = build_report(directory, selected=selected)
    text = report.model_dump_json(indent=2, fallback=str)
    write_private(directory / REPORT_JSON, text.encode() + b"\n")
    write_private(directory / REPORT_MARKDOWN, report.to_markdown().encode())
    return report


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; cells are cut to one line of readable length."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    words = " ".join(str(value).split())
    # What a model wrote must not steer the terminal that shows the file.
    text = "".join(char if char.isprintable() else "\ufffd" for char in words)
    if len(text) > CELL_WIDTH:
        text = text[: CELL_WIDTH - 3] + "..."
    for special in "\\`*<>[]|":
        text = text.replace(special, "\\" + special)
    return text


def _accuracy_row(name: str, one: Accuracy) -> tuple[object, ...]:
    return name, one.questions, f"{one.abq:.1%}", f"{one.psaq:.1%}", f"{one.uasq:.1%}"


def _spread_row(name: str, one: Spread) -> tuple[object, ...]:
    return name, f"{one.mean:.1f}", f"{one.median:.1f}", f"{one.max:.1f}"


def _tokens_row(one: MeanTokens) -> tuple[object, ...]:
    return "", *(f"{count:.0f}" for count in (one.input, one.cached, one.output, one.total))


def _question_row(one: QuestionResult) -> tuple[object, ...]:
    right = f"{one.right}/{one.total}"
    seconds = f"{one.seconds:.1f}"
    run = one.run_id or "none"
    return one.id, one.level, one.outcome, right, seconds, one.usage.total, one.steps, run


def _wrong_rows(one: QuestionResult) -> Iterable[tuple[object, ...]]:
    why = one.outcome + (f": {one.reason}" if one.reason else "")
    for sub in one.sub_answers:
        if not sub.right:
            given = "nothing" if sub.given is None else repr(sub.given)
            yield one.id, sub.name, repr(sub.expected), given, why


def _level_rank(level: str) -> tuple[int, str]:
    known = ("easy", "medium", "hard")
    return (known.index(level) if level in known else len(known), level)


def _mean(values: Iterable[float]) -> float:
    held = list(values)
    return fmean(held) if held else 0.0
