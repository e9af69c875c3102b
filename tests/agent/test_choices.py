"""Texts that a question allows for a value: found where they stand, left alone elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.checks.choices import choice_doubts, choices_asked, spelled

FORMAT = re.compile(r"@(?P<name>\w+)\[(?P<value>.*?)\]")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Give normal ("yes" or "no").', {"normal": ("yes", "no")}),
        ("Set normal to 'Normal' or 'Not'.", {"normal": ("Normal", "Not")}),
        (
            '@normal[either "Normal" or "Not Normal"] @p[three decimals]',
            {"normal": ("Normal", "Not Normal")},
        ),
        ("@normal[yes/no] @p[p_value]", {"normal": ("yes", "no")}),
        (
            '@normal[n] @p[p_value] where "n" is a string, "low", "mid", or "high".',
            {"normal": ("low", "mid", "high")},
        ),
        ('@normal[n] where "n" or "p" is a number', {}),
        ('Use the columns "a" or "b" for normal.', {}),
        ('normal is a word such as "big" or "small".', {}),
        ('normal: the sum of "a" and "b"', {}),
        ("normal is the share", {}),
        ('"yes" or "no"? Give normal.', {}),
    ],
)  # fmt: skip
def test_choices_are_read_for_the_value_they_belong_to(
    text: str, found: dict[str, tuple[str, ...]]
) -> None:
    assert choices_asked(text, ["normal", "p"], FORMAT) == found


@pytest.mark.parametrize(
    ("value", "options", "meant"),
    [
        ("not_normal", ("Normal", "Not Normal"), "Not Normal"),
        (True, ("yes", "no"), "yes"),
        (False, ("No", "Yes"), "No"),
        ("Yes", ("True", "False"), "True"),
        (0.98, ("Normal", "Not Normal"), 0.98),
        ("other", ("a", "b"), "other"),
        (True, (), True),
    ],
)
def test_values_are_spelled_as_asked(value: Any, options: tuple[str, ...], meant: Any) -> None:
    assert spelled(value, options) == meant


def test_what_is_none_of_the_choices_is_doubted() -> None:
    choices = {"normal": ("yes", "no"), "other": ("a", "b")}
    (doubt,) = choice_doubts({"normal": 0.983}, choices)
    assert doubt == "normal must be 'yes' or 'no', and came out as 0.983."
    assert choice_doubts({"normal": "yes", "p": 3}, choices) == ()


@given(st.text(), st.text())
def test_no_text_whatever_breaks_it(text: str, value: str) -> None:
    choices = choices_asked(text, ["a", "b"], FORMAT)
    assert isinstance(spelled(value, choices.get("a", ())), str)
