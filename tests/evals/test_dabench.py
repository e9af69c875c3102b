"""Loading, selection, the asked text and the official scoring."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.evals.dabench import (
    Question,
    answer_text,
    compose,
    extract_values,
    load,
    score,
    select,
    values_equal,
)
from analyst.evals.errors import EmptySelectionError, NoSuchQuestionError, SuiteFormatError


def question(**fields: object) -> Question:
    base: dict[str, object] = {
        "id": 1,
        "question": "How many?",
        "constraints": "",
        "format": "@n[count]",
        "level": "easy",
        "concepts": (),
        "table": Path("t.csv"),
        "expected": {"n": "3"},
    }
    return Question(**{**base, **fields})  # type: ignore[arg-type]


def test_questions_come_in_file_order_with_their_labels_and_tables(suite_path: Path) -> None:
    suite = load(suite_path)
    assert [one.id for one in suite.questions] == [3, 7, 11]
    assert suite.questions[1].expected == {"mean_crates": "20.50", "orchard": "South"}
    assert suite.questions[2].table == suite_path / "tables" / "kinds of fruit.csv"


def test_the_published_file_names_are_known_too(suite_path: Path) -> None:
    expected = load(suite_path)
    for name in ("questions.jsonl", "labels.jsonl", "tables"):
        (suite_path / name).rename(suite_path / f"da-dev-{name}")
    suite = load(suite_path)
    assert suite.fingerprint == expected.fingerprint
    assert suite.questions[0].table == suite_path / "da-dev-tables" / "harvest.csv"


def test_the_fingerprint_changes_with_a_label(suite_path: Path) -> None:
    before = load(suite_path).fingerprint
    labels = suite_path / "labels.jsonl"
    labels.write_text(labels.read_text().replace('"60"', '"61"'))
    assert load(suite_path).fingerprint != before


def test_the_asked_text_is_question_constraints_and_format_and_no_word_more() -> None:
    asked = compose(question(constraints="Do not round.", format='@a[x]\n@b[y] where "x" is 1.'))
    assert asked.text == 'How many?\n\nDo not round.\n\n@a[x]\n@b[y] where "x" is 1.'
    assert asked.format == '@a[x]\n@b[y] where "x" is 1.'
    assert compose(question()).text == "How many?\n\n@n[count]"


def test_value_names_are_in_order_and_an_example_does_not_repeat_one(suite_path: Path) -> None:
    assert compose(load(suite_path).questions[1]).value_names == ("orchard", "mean_crates")


@pytest.mark.parametrize(
    ("form", "value", "spelled"),
    [
        ("@n[count]", 3, "@n[3]"),
        ("@n[share]", 34.6, "@n[34.6]"),
        ("@n[yes_no]", True, "@n[True]"),
        ("@n[name]", "South", "@n[South]"),
        ("@n[a, b, ...]", ["x", 2], "@n[x, 2]"),
        ("@n[a,b,...]", ["x", 2], "@n[x,2]"),
        ("@n[list]", ("x", 2), "@n[x, 2]"),
        ("@n[count]", None, ""),
        ("@m[count]", 3, ""),
    ],
)
def test_computed_values_are_spelled_in_the_form_asked_for(
    form: str, value: object, spelled: str
) -> None:
    assert answer_text(compose(question(format=form)), "", {"n": value}) == spelled


def test_a_value_that_the_text_names_itself_is_left_as_it_stands() -> None:
    asked = compose(question(format="@n[count] @m[count]"))
    text = answer_text(asked, "It is @n[3].", {"n": 4, "m": 5, "other": 6})
    assert text == "It is @n[3].\n@m[5]"


def test_the_last_of_a_duplicated_name_counts() -> None:
    assert extract_values("first @n[2], no: @n[3] and @m[a, b]") == {"n": "3", "m": "a, b"}
    assert score(question(), "@n[3] @n[4]")[0].right is False


def test_a_value_ends_at_the_first_bracket_and_at_its_line() -> None:
    assert extract_values("@a[[1, 2]] @b[x\ny] @c d[1] @[2]") == {"a": "[1, 2"}


@pytest.mark.parametrize(
    ("given_value", "expected", "right"),
    [
        ("3", "3", True),
        ("3.0", "3", True),
        (" 3 ", "3", True),
        ("3.0000009", "3", True),
        ("3.0000011", "3", False),
        ("3%", "3", False),
        ("1,000", "1000", False),
        ("South", "South", True),
        ("south", "South", False),
        ("South ", "South", False),
        ("nan", "nan", True),
        ("nan", "NaN", False),
        ("", "", True),
        (None, "", False),
    ],
)
def test_equality_is_the_official_one(given_value: str | None, expected: str, right: bool) -> None:
    assert values_equal(given_value, expected) is right


def test_each_sub_answer_is_judged_by_its_name() -> None:
    verdicts = score(question(expected={"a": "1", "b": "x"}), "@b[x] @A[1]")
    assert [(one.name, one.given, one.right) for one in verdicts] == [
        ("a", None, False),
        ("b", "x", True),
    ]


@given(st.text())
def test_no_answer_text_breaks_the_scoring(text: str) -> None:
    verdict = score(question(expected={"n": "a value that no text has by chance"}), text)
    assert [one.right for one in verdict] == [False]


@given(st.dictionaries(st.from_regex(r"\w{1,8}", fullmatch=True), st.floats(-1e9, 1e9)))
def test_the_expected_values_written_in_the_format_are_right(values: dict[str, float]) -> None:
    expected = {name: f"{value:.2f}" for name, value in values.items()}
    text = ", ".join(f"@{name}[{value}]" for name, value in expected.items())
    assert all(one.right for one in score(question(expected=expected), text))


def test_selection_keeps_the_order_and_applies_every_filter(suite_path: Path) -> None:
    suite = load(suite_path)
    assert [one.id for one in select(suite, ids=[11, 3])] == [3, 11]
    assert [one.id for one in select(suite, levels=["hard", "easy"], limit=1)] == [3]
    with pytest.raises(NoSuchQuestionError, match=r"id 4, 5; it has 3, 7, 11\."):
        select(suite, ids=[3, 4, 5])
    with pytest.raises(NoSuchQuestionError, match=r"level odd; it has easy, medium, hard\."):
        select(suite, levels=["odd"])
    with pytest.raises(EmptySelectionError):
        select(suite, ids=[3], levels=["hard"])


def test_only_a_selected_question_needs_its_table(suite_path: Path) -> None:
    (suite_path / "tables" / "harvest.csv").unlink()
    suite = load(suite_path)
    assert [one.id for one in select(suite, ids=[11])] == [11]
    with pytest.raises(SuiteFormatError, match=r"harvest\.csv: question 3 needs this table"):
        select(suite)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("questions.jsonl", "", "no questions in it"),
        ("questions.jsonl", "{", r"questions\.jsonl: line 1 is not JSON"),
        ("questions.jsonl", "[" * 100_000, "line 1 is not JSON"),
        ("questions.jsonl", "\n[]", "line 2: the line: "),
        ("questions.jsonl", '{"id": 1, "question": "?"}', "line 1: file_name: Field required"),
        (
            "questions.jsonl",
            '{"id": 3, "question": "?", "file_name": "../labels.jsonl"}',
            r"'\.\./labels\.jsonl' is not a plain name",
        ),
        (
            "questions.jsonl",
            '{"id": 3, "question": "?", "file_name": "a"}\n' * 2,
            "line 2, question 3: this id stands here twice",
        ),
        ("labels.jsonl", '{"id": 3, "common_answers": []}', "no answers for question 3"),
        ("labels.jsonl", '{"id": 3, "common_answers": [["a"]]}', r"common_answers\.0"),
    ],
)
def test_a_malformed_suite_is_refused_with_the_place(
    suite_path: Path, name: str, text: str, told: str
) -> None:
    (suite_path / name).write_text(text)
    with pytest.raises(SuiteFormatError, match=told):
        load(suite_path)


def test_bytes_that_are_no_text_are_refused(suite_path: Path) -> None:
    (suite_path / "labels.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(SuiteFormatError, match="cannot be read"):
        load(suite_path)


def test_a_directory_without_the_suite_says_which_files_it_needs(tmp_path: Path) -> None:
    with pytest.raises(SuiteFormatError, match=r"questions\.jsonl and labels\.jsonl or da-dev-"):
        load(tmp_path)


def test_a_number_as_label_is_its_text(suite_path: Path) -> None:
    labels = suite_path / "labels.jsonl"
    labels.write_text(labels.read_text().replace('"60"', "60"))
    assert load(suite_path).questions[0].expected == {"crates": "60"}
