"""Which values say the same, and which computation most others bear out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.checks.agreement import agreeing, elect, same, unconfirmed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0.1 + 0.2, 0.3),
        ("12", 12),
        ("1,204.5", 1204.5),
        ("North ", "north"),
        (True, "yes"),
        ("False", False),
        ([1, "a"], (1.0, "A")),
        ({"a": 1}, {"a": "1"}),
    ],
)
def test_values_that_say_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.01), (True, 1), ("north", "south"), ([1, 2], [2, 1]), ([1], [1, 2]), ("nan", "nan")],
)
def test_values_that_do_not(one: Any, other: Any) -> None:
    assert not same(one, other)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(VALUES, VALUES)
def test_no_values_whatever_fail_and_order_plays_no_part(one: Any, other: Any) -> None:
    assert same(one, other) == same(other, one)


def test_the_computation_that_most_bear_out_is_taken_the_first_of_equals() -> None:
    names = ["a", "b"]
    assert elect([{"a": 1, "b": 1}, {"a": 2, "b": 2}], names) == 0
    assert elect([{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 2}], names) == 1
    # Each value of the second has a second voice, no other computation has two.
    computed = [{"a": 1, "b": 9}, {"a": 1, "b": 2}, {"a": 7, "b": 2}]
    assert elect(computed, names) == 1
    assert unconfirmed(1, computed, names) == []
    assert unconfirmed(0, computed, names) == ["b"]
    assert agreeing(computed[0], computed[1], names) == ["a"]
