"""Whole rows in place of a value are doubted; what else holds several values is not."""

from __future__ import annotations

from typing import Any

import pytest

from analyst.agent.checks.shapes import shape_doubts


@pytest.mark.parametrize("value", [["Oslo", 3, 1.5], [1, 2, "x"], ["a", "b", 2.0, 3]])
def test_a_whole_row_is_doubted(value: Any) -> None:
    (doubt,) = shape_doubts({"city": value, "count": 2})
    assert doubt.startswith(f"city came out as a whole row of {len(value)} values")


@pytest.mark.parametrize(
    "value",
    [
        "Oslo",
        3,
        ["Oslo", 3],
        [1, 2.0, 3],
        ["a", "b", "c"],
        [True, "a", "b"],
        [["a", 1], ["b", 2]],
        [],
    ],
)
def test_other_values_are_not(value: Any) -> None:
    assert shape_doubts({"city": value}) == ()
