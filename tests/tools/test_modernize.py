"""Code for older libraries: each rewrite is run against the libraries that are installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error
from sklearn.preprocessing import OneHotEncoder

from analyst.tools.modernize import modernize


def run(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {
        "df": pd.DataFrame({"a": [1.0, None, 3.0], "g": ["x", "y", "x"]}),
        "pd": pd,
        "np": np,
        "mean_squared_error": mean_squared_error,
        "OneHotEncoder": OneHotEncoder,
    }
    exec(modernize(code)[0], namespace)
    return namespace


def test_a_column_filled_in_place_is_really_filled() -> None:
    assert run("df['a'].fillna(df['a'].mean(), inplace=True)")["df"]["a"].tolist() == [1, 2, 3]
    assert run("df.a.fillna(0, inplace=True)")["df"]["a"].tolist() == [1, 0, 3]
    looped = run("for c in ['a']:\n    df[c].fillna(0, inplace=True)")
    assert looped["df"]["a"].tolist() == [1, 0, 3]


def test_a_chained_assignment_really_assigns() -> None:
    assert run("df['a'][df['g'] == 'x'] = 9")["df"]["a"].tolist()[0::2] == [9, 9]


def test_old_arguments_get_their_new_names() -> None:
    assert run("r = mean_squared_error([1, 2], [1, 4], squared=False)")["r"] == pytest.approx(
        2**0.5
    )
    assert run("r = OneHotEncoder(sparse=False).fit_transform(df[['g']])")["r"].shape == (3, 2)
    assert run("r = df['a'].fillna(method='ffill')")["r"].tolist() == [1, 1, 3]


def test_text_columns_are_left_out_as_they_used_to_be() -> None:
    assert list(run("r = df.corr()")["r"].columns) == ["a"]
    assert list(run("df['h'] = 'k'\nr = df.groupby('g').mean()")["r"].columns) == ["a"]


@pytest.mark.parametrize(
    "code",
    [
        "x = df['a'].mean()",
        "df.fillna(0, inplace=True)",
        "df['a'] = df['a'].fillna(0)",
        "r = df['a'].corr(df['b'])",
        "r = df.groupby('g')['a'].mean()",
        "values[0][1] = 5",
        "counts[word][tag] = 1",
        "table['a'][0] = 5",
        "table['a'][1:] = 5",
        "for",
        "# only a comment",
    ],
)
def test_what_needs_no_change_keeps_its_text(code: str) -> None:
    assert modernize(code) == (code, [])


def test_line_numbers_stay_and_each_change_is_said_once() -> None:
    filled = "df['a'].fillna(\n    0,\n    inplace=True,\n)\ndf['b'].fillna(0, inplace=True)"
    code = f"x = 1\n{filled}\ny = 2"
    changed, notes = modernize(code)
    assert changed.split("\n")[-1] == "y = 2"
    assert len(changed.split("\n")) == len(code.split("\n"))
    assert notes == ["A change in place of a column was written as an assignment."]


@given(st.text(max_size=200))
def test_no_text_whatever_breaks_it(code: str) -> None:
    changed, notes = modernize(code)
    assert notes or changed == code
