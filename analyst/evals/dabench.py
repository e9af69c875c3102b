"""InfiAgent-DABench: reading the suite from the user's disk, and its official scoring.

Here: loading, selection, the text that is asked, extraction and comparison of answers. The
suite's data is never shipped. Not here: running (:mod:`analyst.evals.runner`), nor any model
that rewrites answers, as the published pipeline has: an answer's text is scored as it stands,
and named values that the run's code computed are spelled in the suite's form by rule.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from analyst.evals.errors import EmptySelectionError, NoSuchQuestionError, SuiteFormatError

NAMED_VALUE = re.compile(r"@(?P<name>\w+)\[(?P<value>.*?)\]")
"""One sub-answer in a text, as the official scorer finds it."""

TOLERANCE = 1e-6
"""Two numbers this close are equal to the official scorer."""

LAYOUTS = (
    ("questions.jsonl", "labels.jsonl", "tables"),
    ("da-dev-questions.jsonl", "da-dev-labels.jsonl", "da-dev-tables"),
)
"""Names of questions, labels and tables: short, and as the authors publish them."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One closed question on one table; ``expected`` maps each sub-answer's name to its value."""

    id: int
    question: str
    constraints: str
    format: str
    level: str
    concepts: tuple[str, ...]
    table: Path
    expected: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The suite as it lies on disk; ``fingerprint`` is the SHA-256 of questions and labels."""

    path: Path
    fingerprint: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """What the agent is asked: the text, and the answer's names and form stated in it."""

    text: str
    value_names: tuple[str, ...]
    format: str


class SubAnswer(BaseModel):
    """One expected value and what was given for it (None: nothing)."""

    model_config = ConfigDict(frozen=True)

    name: str
    expected: str
    given: str | None
    right: bool


def _text_or_empty(value: object) -> object:
    return "" if value is None else value


class _QuestionLine(BaseModel):
    id: int
    question: str
    constraints: Annotated[str, BeforeValidator(_text_or_empty)] = ""
    format: Annotated[str, BeforeValidator(_text_or_empty)] = ""
    file_name: str
    level: str = "unknown"
    concepts: tuple[str, ...] = ()


class _LabelLine(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: int
    common_answers: tuple[tuple[str, str], ...]


Line = TypeVar("Line", bound=BaseModel)


def compose(question: Question) -> AskedQuestion:
    """Return what is asked: question, constraints and required format, verbatim, no word more."""
    parts = (question.question, question.constraints, question.format)
    names = dict.fromkeys(name for name, _ in NAMED_VALUE.findall(question.format))
    return AskedQuestion(
        text="\n\n".join(part for part in map(str.strip, parts) if part),
        value_names=tuple(names),
        format=question.format,
    )


def answer_text(asked: AskedQuestion, text: str, values: Mapping[str, object]) -> str:
    """Return the text that is scored: the answer's, and the values it does not itself name.

    ``values`` are those the run computed. A list is written without its brackets, separated as
    the format's own lists are.
    """
    spelled = extract_values(text)
    form = extract_values(asked.format)
    lines = [
        f"@{name}[{_spell(values[name], form[name])}]"
        for name in asked.value_names
        if name not in spelled and values.get(name) is not None
    ]
    return "\n".join([text, *lines] if text else lines)


def extract_values(text: str) -> dict[str, str]:
    """Return every ``@name[value]`` of a text; the last of a duplicated name counts."""
    return dict(NAMED_VALUE.findall(text))


def values_equal(given: str | None, expected: str) -> bool:
    """Return whether the official scorer takes a given value for the expected one.

    The strings are equal to the letter, or both are numbers less than 1e-6 apart.
    """
    if given is None:
        return False
    if given == expected:
        return True
    try:
        return abs(float(given) - float(expected)) < TOLERANCE
    except ValueError:
        return False


def score(question: Question, answer: str) -> tuple[SubAnswer, ...]:
    """Return the verdict on each sub-answer; an empty answer has none of them right."""
    given = extract_values(answer)
    return tuple(
        SubAnswer(
            name=name,
            expected=expected,
            given=given.get(name),
            right=values_equal(given.get(name), expected),
        )
        for name, expected in question.expected.items()
    )


def load(path: Path) -> Suite:
    """Read the suite in a directory; the order of the questions is the file's.

    Raises :class:`SuiteFormatError` when files or labels are missing or malformed.
    """
    for names in LAYOUTS:
        questions_file, labels_file, tables = (path / name for name in names)
        if questions_file.is_file() and labels_file.is_file():
            break
    else:
        expected = " or ".join(f"{questions} and {labels}" for questions, labels, _ in LAYOUTS)
        raise SuiteFormatError(path, f"no DABench suite here: it needs the files {expected}.")
    labels = {label.id: dict(label.common_answers) for _, label in _lines(labels_file, _LabelLine)}
    questions: dict[int, Question] = {}
    for number, line in _lines(questions_file, _QuestionLine):
        where = f"line {number}, question {line.id}"
        if line.id in questions:
            raise SuiteFormatError(questions_file, f"{where}: this id stands here twice.")
        if not labels.get(line.id):
            raise SuiteFormatError(labels_file, f"no answers for question {line.id}.")
        questions[line.id] = Question(
            id=line.id,
            question=line.question,
            constraints=line.constraints,
            format=line.format,
            level=line.level,
            concepts=line.concepts,
            table=_table(tables, line.file_name, questions_file, where),
            expected=labels[line.id],
        )
    if not questions:
        raise SuiteFormatError(questions_file, "no questions in it.")
    digest = hashlib.sha256(questions_file.read_bytes() + b"\0" + labels_file.read_bytes())
    return Suite(path=path, fingerprint=digest.hexdigest(), questions=tuple(questions.values()))


def select(
    suite: Suite,
    *,
    ids: Collection[int] | None = None,
    levels: Collection[str] | None = None,
    limit: int | None = None,
) -> tuple[Question, ...]:
    """Return the questions that fit every filter, at most ``limit`` of them, in suite order.

    Raises :class:`NoSuchQuestionError` for ids or levels the suite does not hold,
    :class:`EmptySelectionError` when nothing is left, and :class:`SuiteFormatError` when the
    table of a selected question is missing.
    """
    for what, wanted, known in (
        ("id", ids, [question.id for question in suite.questions]),
        ("level", levels, list(dict.fromkeys(question.level for question in suite.questions))),
    ):
        missing = [one for one in wanted or () if one not in known]
        if missing:
            raise NoSuchQuestionError(missing, known, what=what)
    chosen = tuple(
        question
        for question in suite.questions
        if (ids is None or question.id in ids) and (levels is None or question.level in levels)
    )[:limit]
    if not chosen:
        raise EmptySelectionError
    for question in chosen:
        if not question.table.is_file():
            raise SuiteFormatError(question.table, f"question {question.id} needs this table.")
    return chosen


def _spell(value: object, form: str) -> str:
    if not isinstance(value, list | tuple):
        return str(value)
    separator = "," if "," in form and ", " not in form else ", "
    return separator.join(map(str, value))


def _table(tables: Path, file_name: str, source: Path, where: str) -> Path:
    if Path(file_name).name != file_name or file_name in {"", ".", ".."}:
        raise SuiteFormatError(source, f"{where}: file_name {file_name!r} is not a plain name.")
    return tables / file_name


def _lines(path: Path, kind: type[Line]) -> Iterator[tuple[int, Line]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteFormatError(path, f"cannot be read: {error}.") from error
    # Only "\n" ends a line: JSON strings may hold the other separators str.splitlines() knows.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, kind.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            problem = f"line {number}: {field}: {first['msg']}."
            raise SuiteFormatError(path, problem) from error
        except (ValueError, RecursionError) as error:
            raise SuiteFormatError(path, f"line {number} is not JSON: {error}.") from error
