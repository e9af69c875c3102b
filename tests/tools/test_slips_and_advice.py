"""Mended slips and advice after errors: general, and silent where nothing is sure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.advice import advise
from analyst.tools.missing_columns import missing_labels
from analyst.tools.slips import mend


def test_reading_an_invented_file_into_the_loaded_frames_name_is_taken_out(tmp_path: Path) -> None:
    code, notes = mend("df = pd.read_csv('data.csv')\nprint(len(df))", ["df"], tmp_path)
    assert code == "\nprint(len(df))"
    assert notes == ["There is no file 'data.csv': df is loaded already."]


def test_another_target_becomes_a_copy_of_the_only_frame(tmp_path: Path) -> None:
    code, notes = mend("data = pd.read_csv(\n  'x.csv'\n)\nprint(data)", ["df"], tmp_path)
    assert code == "data = df.copy()\n\n\nprint(data)"
    assert len(notes) == 1


def test_with_several_frames_nothing_is_guessed(tmp_path: Path) -> None:
    text = "data = pd.read_csv('x.csv')"
    assert mend(text, ["a", "b"], tmp_path) == (text, [])


def test_files_that_exist_and_addresses_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("a\n1\n")
    text = "df = pd.read_csv('real.csv')\nother = pd.read_csv('https://host/x.csv')"
    assert mend(text, ["df"], tmp_path) == (text, [])


@given(st.text(max_size=200))
def test_no_text_whatever_breaks_the_mending(code: str) -> None:
    mended, notes = mend(code, ["df"], Path())
    assert notes or mended == code


@pytest.mark.parametrize(
    ("name", "message", "words"),
    [
        ("TypeError", "got an unexpected keyword argument 'squared'", "** 0.5"),
        ("ValueError", "could not convert string to float: 'x'", "numeric_only=True"),
        ("ValueError", "Input X contains NaN.", "nulls"),
        ("AttributeError", "'DataFrame' object has no attribute 'append'", "pd.concat"),
        ("ValueError", "The truth value of a Series is ambiguous.", "&"),
        ("ZeroDivisionError", "division by zero", ""),
    ],
)
def test_advice_says_how_libraries_are_written_today(name: str, message: str, words: str) -> None:
    assert (words in advise(name, message)) if words else advise(name, message) == ""


def test_a_misspelt_column_is_met_with_those_there_are() -> None:
    text = advise("KeyError", "'No of cases'", columns=["No. of cases", "Year"])
    assert text == "There is no 'No of cases'; there is 'No. of cases'."


def test_a_column_that_is_there_is_not_said_to_be_missing() -> None:
    assert advise("KeyError", "'Year'", columns=["Year"]) == "This frame has no 'Year' any more."


def test_several_missing_columns_are_told_apart() -> None:
    text = advise("KeyError", "\"['Aeg', 'Zzzz'] not in index\"", columns=["Age"])
    assert "'Aeg'; there is 'Age'" in text
    assert "There is no 'Zzzz': do without it." in text


@given(st.text(max_size=60), st.text(max_size=300))
def test_no_error_whatever_breaks_advice(name: str, message: str) -> None:
    assert isinstance(advise(name, message, columns=["a"]), str)
    assert isinstance(advise("KeyError", message, columns=["a"]), str)


MISSING = [
    lambda df: df[["Aeg", "Life"]],
    lambda df: df[["Aeg", "Age"]],
    lambda df: df.loc[:, ["Aeg", "Age"]],
    lambda df: df.drop(columns=["Aeg"]),
    lambda df: df.set_index("Aeg"),
    lambda df: df.set_index(["Aeg", "Age"]),
    lambda df: df.groupby("Aeg"),
    lambda df: df.groupby("Age")["Aeg"].sum(),
    lambda df: df.groupby("Age")[["Aeg", "Life"]].sum(),
    lambda df: df.sort_values("Aeg"),
    lambda df: df.dropna(subset=["Aeg", "Life"]),
    lambda df: df.drop_duplicates(subset=["Aeg"]),
    lambda df: df.merge(df, on="Aeg"),
    lambda df: df.melt(id_vars=["Aeg"]),
    lambda df: df.agg({"Aeg": "mean"}),
    lambda df: df.astype({"Aeg": int}),
    lambda df: df["Aeg"],
]


@pytest.mark.parametrize("lookup", MISSING)
def test_however_pandas_says_that_a_column_is_missing_the_nearest_is_told(lookup) -> None:
    with pytest.raises(KeyError) as raised:
        lookup(pd.DataFrame({"Age": [1], "Health (Life Expectancy)": [2]}))
    text = advise("KeyError", str(raised.value), columns=["Age", "Health (Life Expectancy)"])
    assert "There is no 'Aeg'; there is 'Age'." in text
    assert "None of" not in text
    if "Life" in str(raised.value):
        assert "There is no 'Life'; there is 'Health (Life Expectancy)'." in text


@pytest.mark.parametrize(
    ("message", "labels"),
    [
        ("'it\\'s'", ["it's"]),
        ('"it\'s"', ["it's"]),
        ("'[a]'", ["a"]),
        ("'Column not found: a b'", ["a b"]),
        ("\"['a', 'b'] not in index\"", ["a", "b"]),
        ("'[3] not in index'", ["3"]),
        ("3", ["3"]),
        ("", []),
    ],
)
def test_labels_are_read_from_an_error(message: str, labels: list[str]) -> None:
    assert missing_labels(message) == labels


def test_labels_of_rows_are_not_taken_for_columns() -> None:
    with pytest.raises(KeyError) as raised:
        pd.DataFrame({"Age": [1]}).loc[["a", "b"]]
    assert "no labels of rows" in advise("KeyError", str(raised.value), columns=["Age"])
