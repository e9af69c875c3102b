"""Named values: rounding as the question asks, and reading printed ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.values import decimals_asked, lone_number, printed_values, rounded


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Round to two decimal places.", ["a", "b"], {"a": 2, "b": 2}),
        ("rounded to 3 decimals", ["a"], {"a": 3}),
        ("a with 2 decimals, b with four decimal places", ["a", "b"], {"a": 2, "b": 4}),
        (
            "mean with 2 decimals, sd with four decimal places, verdict in words",
            ["mean", "sd", "verdict"],
            {"mean": 2, "sd": 4},
        ),
        ("Give 2 decimals for one and four decimals for the other.", ["mean", "sd", "n"], {}),
        ("row holds the month, an integer, and the mean with 2 decimals", ["row"], {"row": 2}),
        ("how many are there?", ["n"], {}),
        ("n is an integer", ["n"], {"n": 0}),
        ("n is an integer, the mean is free", ["n", "mean"], {"n": 0}),
    ],
)
def test_decimals_are_read_from_the_questions_own_words(
    text: str, names: list[str], expected: dict[str, int]
) -> None:
    assert decimals_asked(text, names) == expected


def test_a_placeholder_of_the_callers_format_stands_for_its_name() -> None:
    text = "<mean=m> <sd=s> where m has two decimals and s has 4 decimals"
    pattern = re.compile(r"<(?P<name>\w+)=(?P<value>\w+)>")
    assert decimals_asked(text, ["mean", "sd", "n"], pattern) == {"mean": 2, "sd": 4}


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (2.34567, 2, 2.35),
        ("2.34567", 2, "2.35"),
        ("2.30", 2, "2.30"),
        ("about 2.34567", 2, "about 2.34567"),
        (7, 2, 7),
        (True, 0, True),
        (12.7, 0, 13),
        (float("nan"), 2, "nan"),
        ([1, 2.345], 2, [1, 2.35]),
        (2.34567, None, 2.34567),
    ],
)
def test_rounding_touches_only_numbers_with_more_decimals(
    value: object, decimals: int | None, expected: object
) -> None:
    result = rounded(value, decimals)
    assert result == expected or str(result) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 6))
def test_a_rounded_value_is_within_half_a_unit_and_stays_put(value: float, decimals: int) -> None:
    once = rounded(value, decimals)
    assert abs(once - value) <= 0.5000001 * 10**-decimals or abs(value) > 1e9
    assert rounded(once, decimals) == once


def test_values_are_read_in_the_callers_format_and_only_those_asked_for() -> None:
    pattern = re.compile(r"<(?P<name>\w+)=(?P<value>[^>]*)>")
    found = printed_values("<mean=3.5> <other=1>\n<mean=4>", ["mean"], pattern)
    assert found == {"mean": "4"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3.5\n", "3.5"),
        ("a\n-2e-05", "-2e-05"),
        ("1,204", "1,204"),
        ("mean: 3.5", None),
        ("", None),
    ],
)
def test_a_lone_number_is_a_last_line_that_is_nothing_else(text: str, number: str | None) -> None:
    assert lone_number(text) == number


def test_where_no_value_is_asked_for_there_is_nothing_to_round() -> None:
    assert decimals_asked("The mean to 2 decimals, the p-value to 4 decimals.", [], None) == {}
