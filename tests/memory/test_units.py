"""Units of values: those that are written, and none that is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.memory.units import unit_in_name, unit_of, with_unit

ANY_TEXT = st.text(max_size=60)
ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT


@pytest.mark.parametrize(
    ("value", "answer", "unit"),
    [
        (12.5, "It is 12.5 %.", "%"),
        (12.4713, "It is **12.5**%.", "%"),
        (12, "12 percent of them", "%"),
        (2.5, "up 2.5 percentage points", "percentage points"),
        (3.2, "3.2 km away", "km"),
        (60.2, "60.2 km/h", "km/h"),
        (5.5, "5.5 m²", "m²"),
        (12.3, "12.3kg", "kg"),
        (4, "$ 4.00", "$"),
        (4, "\\$4", "$"),
        (5, "US$5", "USD"),
        (1234.5, "1,234.50 EUR", "EUR"),
        (4, "After 4 years", "years"),
        (20, "20 MB", "MB"),
        ("3.20", "3.20 kg", "kg"),
        (3.25, "Of 3.25 (that is, 3.25 kg)", "kg"),
    ],
)
def test_a_unit_that_stands_at_the_value_is_its_unit(value, answer, unit):
    assert unit_of("x", value, answer) == unit


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (0.125, "It is 12.5 %."),
        (3.6, "4 years"),
        (4, "$4 million"),
        (4, "4 million USD"),
        (4.5, "4.5 km per hour"),
        (4.5, "4.5 kg/m²"),
        (3, "the 3 rows weigh 3 kg"),
        (12, "12 in total"),
        (12, "12-15 %"),
        (3, "3m"),
        (7, "7's"),
        (4, "44 kg"),
        (4, "4 kgs4"),
        (True, "1 kg"),
        ("north", "north 3 kg"),
        (float("nan"), "nan kg"),
        (10**400, "1 kg"),
        (4, "from 3 to 4 $5"),
    ],
)
def test_where_the_text_leaves_a_doubt_there_is_no_unit(value, answer):
    assert unit_of("x", value, answer) is None


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("weight_kg", "kg"),
        ("mean_weight_kg", "kg"),
        ("weight_kg_mean", "kg"),
        ("price_usd", "USD"),
        ("temp (°C)", "°C"),
        ("height [m]", "m"),
        ("missing_pct", "%"),
        ("duration_ms", "ms"),
        ("weight", None),
        ("kg", None),
        ("best_year", None),
        ("price_min", None),
        ("count_f", None),
        ("weight_kg_count", None),
        ("corr_height_cm", None),
        ("usd_per_kg", None),
        ("share_usd", None),
        ("mean (all)", None),
        ("", None),
    ],
)
def test_a_name_gives_the_unit_it_ends_in(name, unit):
    assert unit_in_name(name) == unit


def test_text_and_name_must_not_disagree():
    assert unit_of("weight_kg", 3.5, "It is 3.5 kg.") == "kg"
    assert unit_of("price_usd", 3.5, "It is $3.50.") == "USD"
    assert unit_of("weight_kg", 3.5, "It is 3.5 lb.") is None
    assert unit_of("weight_kg", 3.5, "It is 3.5.") == "kg"


@given(name=ANY_TEXT, value=ANY_VALUE, answer=ANY_TEXT)
def test_any_text_has_a_unit_or_none(name, value, answer):
    unit = unit_of(name, value, answer)
    assert unit is None or (unit and isinstance(value, int | float | str))


@given(
    value=st.floats(1.5, 1e6).map(lambda x: round(x, 2)).filter(lambda x: not x.is_integer()),
    unit=st.sampled_from(["%", "kg", "km", "h", "EUR", "°C", "km/h"]),
    before=st.sampled_from(["", "It is ", "In all, ", "**"]),
)
def test_what_is_written_with_a_unit_is_read_with_it(value, unit, before):
    assert unit_of("x", value, f"{before}{with_unit(str(value), unit)}.") == unit
    assert unit_of("x", value + 1, f"{before}{with_unit(str(value), unit)}.") is None


def test_a_currency_stands_before_its_value():
    assert with_unit("4", "$") == "$4"
    assert with_unit("4", "kg") == "4 kg"
    assert with_unit("4", None) == "4"
