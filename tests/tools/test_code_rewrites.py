"""Slips that are mended, mix-ups that are untangled, and code that is doubted."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.code_checks import check, only_literals
from analyst.tools.mix_ups import untangle
from analyst.tools.modernize import modernize
from analyst.tools.slips import correct_columns, drop_last_print

COLUMNS = ["wind speed", ".SPX", "SPY", "Total (all)"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('df["wind_speed"].mean()', "df['wind speed'].mean()"),
        ('df[["SPX", "SPY"]]', "df[['.SPX', \"SPY\"]]"),
        ('df.dropna(subset=["total all"])', "df.dropna(subset=['Total (all)'])"),
        ('df.groupby("Wind_Speed").size()', "df.groupby('wind speed').size()"),
        ('é = df["wind_speed"]; b = df["SPX"]', "é = df['wind speed']; b = df['.SPX']"),
    ],
)
def test_a_label_is_written_as_the_column_is(code: str, expected: str) -> None:
    corrected, notes = correct_columns(code, frames={"df": COLUMNS})
    assert corrected == expected
    assert notes
    assert all("was used" in note for note in notes)


@pytest.mark.parametrize(
    "code",
    [
        'df["wind_speed"] = 1\nprint(df["wind_speed"])',
        'df = df.rename(columns={"wind speed": "wind_speed"})\ndf["wind_speed"]',
        "df.columns = [c.lower() for c in df.columns]\ndf['spx']",
        'df.assign(wind_speed=1)["wind_speed"]',
        'df["wind speed"]',
        'df["temperature"]',
        'print("wind_speed")',
        'df["',
    ],
)
def test_a_label_that_may_be_meant_stays(code: str) -> None:
    assert correct_columns(code, frames={"df": COLUMNS}) == (code, [])


def test_a_label_that_could_mean_two_columns_stays() -> None:
    code = 'df["ab"]'
    assert correct_columns(code, frames={"df": ["a b", "a_b"]}) == (code, [])


@given(st.text(max_size=200))
def test_any_text_comes_back_as_code_or_unchanged(text: str) -> None:
    for rewritten in (correct_columns(text, frames={"df": COLUMNS})[0], untangle(text)[0]):
        if rewritten != text:
            ast.parse(rewritten)


def test_a_last_print_of_something_undefined_is_left_out_when_the_values_are_there() -> None:
    code = "mean_x = 1\nprint(mean_y)"
    mended, notes = drop_last_print(code, unknown=["mean_y"], needed=["mean_x"])
    assert mended.strip() == "mean_x = 1"
    assert "mean_y" in notes[0]
    for needed in ([], ["other"]):
        assert drop_last_print(code, unknown=["mean_y"], needed=needed) == (code, [])
    assert drop_last_print(code, unknown=[], needed=["mean_x"]) == (code, [])


def test_the_row_of_an_extreme_is_taken_with_loc() -> None:
    code, notes = untangle('row = df[df["a"].idxmax()]["b"]')
    assert code == "row = df.loc[df['a'].idxmax()]['b']"
    assert notes == ["The row of idxmax() was taken with loc."]
    kept = 'row = df[names["a"].idxmax()]'
    assert untangle(kept) == (kept, [])


def test_a_column_is_left_out_of_what_it_correlates_with() -> None:
    code, notes = untangle('m = df.corr()\nbest = m["a"].abs().idxmax()')
    assert code.endswith("best = m['a'].drop('a').abs().idxmax()")
    assert len(notes) == 1
    assert untangle(code) == (code, [])
    kept = 'm = df.mean()\nbest = m["a"].max()'
    assert untangle(kept) == (kept, [])


def test_columns_of_text_are_found_under_their_new_type() -> None:
    code, notes = modernize("text = [c for c in df.columns if df[c].dtype == 'object']")
    assert code == "text = [c for c in df.columns if str(df[c].dtype) in ('object', 'str')]"
    assert notes
    code, _ = modernize("rest = df.columns[df.dtypes != object]")
    assert code == "rest = df.columns[~df.dtypes.astype(str).isin(['object', 'str'])]"
    kept = "a = df.dtypes == 'float64'"
    assert modernize(kept) == (kept, [])


def test_the_first_of_groups_in_no_order_is_doubted() -> None:
    code = 'g = df.groupby("k")["v"].max().reset_index()\nbest = g["k"].iloc[0]'
    assert "idxmax" in check(code)[0]
    assert check(code.replace("reset_index()", "sort_values()")) == []
    assert check('first = df["k"].iloc[0]') == []
    assert check("not python (") == []


@pytest.mark.parametrize(
    ("code", "typed_in"),
    [
        ("names = ['a', 'b']", True),
        ("print(df.head())\nmean_x = 4.2", True),
        ("mean_x = df['x'].mean()", False),
        ("mean_x = None\nmean_x = df['x'].mean()", False),
        ("names = []\nfor c in df: names.append(c)", False),
        ("if p < 0.05:\n    verdict = 'yes'\nelse:\n    verdict = 'no'", False),
        ("names = {}\nnames['a'] = 1", False),
        ("other = 3", False),
        ("mean_x = df['x'].mean()\nverdict = 'none'", False),
    ],
)
def test_values_that_are_only_written_down_are_noticed(code: str, typed_in: bool) -> None:
    assert only_literals(code, ["names", "mean_x", "verdict"]) is typed_in


BRACKETED = {
    "df": ["Weight (kg)", "Economy (GDP per Capita)", "Price (USD)", "Price (EUR)", "Kind"],
    "other": ["Height (m)"],
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("df['Weight'].mean()", "df['Weight (kg)'].mean()"),
        ("df[['GDP per capita', 'Kind']]", "df[['Economy (GDP per Capita)', 'Kind']]"),
        ("df.loc[df['Kind'] == 'a', 'weight']", "df.loc[df['Kind'] == 'a', 'Weight (kg)']"),
        (
            "heavy = df[df['Kind'] == 'a'].dropna()\nheavy['Weight'].mean()",
            "heavy = df[df['Kind'] == 'a'].dropna()\nheavy['Weight (kg)'].mean()",
        ),
    ],
)
def test_a_label_without_its_brackets_or_of_what_stands_in_them_is_completed(code, expected):
    corrected, notes = correct_columns(code, frames=BRACKETED)
    assert corrected == expected
    assert len(notes) == 1


@pytest.mark.parametrize(
    "code",
    [
        "df['Price']",  # of two columns
        "df['kg']",  # a unit
        "df['Height']",  # of another frame
        "made['Weight']",  # of no frame that is known
        "df = pd.DataFrame({'Weight': [1]})\ndf['Weight']",
        "other = df.groupby('Kind').size()\nother['Weight']",
        "df = other.copy()\ndf['Weight']",
        "sums = df.groupby('Kind')[['Weight (kg)']].sum().set_axis(['Weight'])\nsums['Weight']",
        "df.insert(0, 'Weight', 1)\ndf['Weight']",
        "df['Kind'].value_counts()['Weight']",
        "df.loc['Weight']",
        "for df in frames:\n    df['Weight']",
        "def mean(df):\n    return df['Weight'].mean()",
        "[df['Weight'] for df in frames]",
    ],
)
def test_a_label_with_brackets_is_not_guessed_where_another_thing_may_be_meant(code):
    assert correct_columns(code, frames=BRACKETED) == (code, [])
