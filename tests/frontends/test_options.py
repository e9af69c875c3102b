"""The options of ``%%agent``: what they mean, and what is said when they are not right."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.frontends.errors import OptionError
from analyst.frontends.options import CellOptions, cell_parser, parse_cell_line
from analyst.settings import Settings


def test_no_options_are_the_defaults():
    assert parse_cell_line("") == CellOptions()


def test_all_options():
    line = (
        "--data a,b --file x.csv --file 'my sales.csv' --out r --values mean,total --model m "
        "--base-url http://127.0.0.1:9/v1 --protocol native --max-steps 4 --max-seconds 9.5 "
        "--max-tokens 5000 --rows --quiet --strict"
    )
    assert parse_cell_line(line) == CellOptions(
        data=("a", "b"),
        files=("x.csv", "my sales.csv"),
        values=("mean", "total"),
        out="r",
        quiet=True,
        strict=True,
        overrides={
            "model": "m",
            "base_url": "http://127.0.0.1:9/v1",
            "protocol": "native",
            "max_steps": "4",
            "max_seconds": "9.5",
            "max_tokens_per_run": "5000",
            "show_rows": True,
        },
    )


def test_options_that_stand_in_for_settings_are_settings():
    line = "--model m --base-url http://h/v1 --protocol native --max-steps 4 --max-seconds 9 "
    changed = Settings().updated(parse_cell_line(line + "--max-tokens 500 --rows").overrides)
    assert (changed.max_steps, changed.max_tokens_per_run, changed.show_rows) == (4, 500, True)


@pytest.mark.parametrize("line", ["--data a,b", "--data a, b", "--data a --data b", "--data=a,b,"])
def test_names_may_be_listed_in_any_way(line):
    assert parse_cell_line(line).data == ("a", "b")


def test_an_unknown_option_names_the_nearest_and_all():
    with pytest.raises(OptionError) as caught:
        parse_cell_line("--modle gpt")
    sentence = str(caught.value)
    assert "There is no option --modle. Did you mean --model?" in sentence
    for action in cell_parser()._actions:
        assert action.option_strings[0] in sentence


def test_a_question_on_the_line_is_sent_below_it():
    with pytest.raises(OptionError, match="question below the %%agent line"):
        parse_cell_line("what is the mean of df")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--model", "--model: expected one argument"),
        ("--file 'half", "No closing quotation"),
        ("--quiet=5", "ignored explicit argument"),
    ],
)
def test_other_mistakes_are_sentences(line, says):
    with pytest.raises(OptionError, match=says):
        parse_cell_line(line)


def test_options_are_not_guessed_from_their_beginning():
    with pytest.raises(OptionError, match="Did you mean --model"):
        parse_cell_line("--mod x")


@given(st.text(max_size=60))
def test_no_line_does_anything_but_parse_or_complain(line):
    with contextlib.suppress(OptionError):
        assert isinstance(parse_cell_line(line), CellOptions)
