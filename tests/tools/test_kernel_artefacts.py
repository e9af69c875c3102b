"""What lives in a kernel: told, told apart, and brought back; called here as a plain module."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.kernel_side import artefacts


def entries(namespace: dict[str, Any], known: dict[str, str] | None = None) -> dict[str, Any]:
    return {one["name"]: one for one in artefacts.survey(namespace, known or {})}


def test_variables_are_told_in_a_line_each() -> None:
    found = entries(
        {
            "_hidden": 1,
            "In": [],
            "trend": pd.DataFrame({"year": [1, 2], "life": [3.0, 4.0]}),
            "few": pd.Series([1.5, 2.5], index=["a", "b"], name="x"),
            "grid": np.zeros((2, 3)),
            "best": np.float64(4.25),
            "notes": ["a", "b"],
            "pd": pd,
            "Path": Path,
            "helper": lambda: None,
            "thing": object(),
        }
    )
    assert [*found] == [
        "trend",
        "few",
        "grid",
        "best",
        "notes",
        "pd",
        "Path",
        "helper",
        "thing",
    ]
    assert found["trend"]["text"] == "DataFrame 2 x 2: 'year', 'life'"
    assert found["few"]["text"].startswith("Series of 2 float64, name 'x' = {'a': 1.5")
    assert found["grid"]["text"] == "array 2 x 3 of float64"
    assert found["best"]["text"] == "4.25"
    assert (found["pd"]["kind"], found["Path"]["kind"]) == ("module", "module")
    assert (found["helper"]["kind"], found["thing"]["kind"]) == ("other", "other")
    assert found["thing"]["digest"] is None


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(life=[3.0, 5.0]),
        lambda frame: frame.rename(columns={"life": "lives"}),
        lambda frame: frame.astype({"year": "float64"}),
        lambda frame: frame.iloc[::-1],
        lambda frame: frame.set_index("year"),
        lambda frame: frame.rename_axis("row"),
        lambda frame: frame.iloc[:1],
    ],
)
def test_a_changed_frame_is_told_apart(change: Any) -> None:
    frame = pd.DataFrame({"year": [1, 2], "life": [3.0, 4.0]})
    before = entries({"f": frame})["f"]["digest"]
    assert not entries({"f": frame.copy()}, {"f": before})["f"]["new"]
    assert entries({"f": change(frame)}, {"f": before})["f"]["new"]


def test_cells_that_no_hash_takes_are_told_apart_by_their_words() -> None:
    frame = pd.DataFrame({"a": [[1, 2], {"b": 3}]})
    digest = entries({"f": frame})["f"]["digest"]
    assert digest == entries({"f": frame.copy()})["f"]["digest"]
    assert digest != entries({"f": pd.DataFrame({"a": [[1, 2], {"b": 4}]})})["f"]["digest"]


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.just(dt.UTC)).map(lambda time: time.replace(fold=0))
)
_KEYS = st.integers() | st.text(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(_KEYS, inner, max_size=3)
        | st.sets(_KEYS, max_size=3)
    ),
    max_leaves=10,
)


def brought_back(value: Any) -> Any:
    entry = entries({"x": value})["x"]
    assert entry["plain"] is not None, entry
    namespace: dict[str, Any] = {}
    assert artefacts.restore(namespace, {"x": entry["plain"]}) == {}
    return namespace["x"]


@given(_VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = brought_back(value)
    assert repr(back) == repr(value) or back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        np.int64(3),
        np.float32(1.5),
        np.bool_(True),
        pd.Timestamp("2007-01-01", tz="UTC"),
        pd.Timedelta("3 days 02:00:00"),
        float("-inf"),
        pd,
        Path,
        math,
    ],
)
def test_what_json_has_no_word_for_comes_back_too(value: Any) -> None:
    back = brought_back(value)
    assert back == value
    assert type(back) is type(value)


def test_a_chart_comes_back() -> None:
    figure = px.line(x=[1, 2], y=[3, 4], title="Two points")
    entry = entries({"fig": figure})["fig"]
    assert (entry["kind"], entry["text"]) == ("chart", "Two points")
    assert brought_back(figure).to_plotly_json()["layout"] == figure.to_plotly_json()["layout"]


def test_what_cannot_be_kept_says_so() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    found = entries({"odd": Odd(), "deep": deep, "long": "x" * 2_000_000, "items": [Odd()]})
    assert [one["digest"] for one in found.values()] == [None] * 4


def test_a_lost_value_loses_no_other() -> None:
    namespace: dict[str, Any] = {}
    failed = artefacts.restore(
        namespace, {"a": '{"unheard": 1}', "b": "not json", "c": "3", "d": '{"module": "nowhere_"}'}
    )
    assert namespace == {"c": 3}
    assert sorted(failed) == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("check", "found"),
    [
        ("len(x) == 2", {"holds": True}),
        ("x['a'] > 0", {"holds": True}),
        ("x['a'] > 1", {"holds": False}),
        ("x['b'] > 1", {"trouble": "KeyError: 'b'"}),
        ("it is sorted", {}),
        ("x is sorted", {}),
        ("x is not None", {"holds": True}),
        ("all values are there", {}),
        ("y = 3", {}),
        ("", {}),
    ],
)
def test_a_check_holds_or_not_or_is_words(check: str, found: dict[str, Any]) -> None:
    assert artefacts.holds(check, {"x": pd.DataFrame({"a": [1, 2]})}) == found


def test_a_check_leaves_nothing_behind() -> None:
    namespace: dict[str, Any] = {"x": 1}
    assert artefacts.holds("(y := 5) > x", namespace) == {"holds": True}
    assert namespace == {"x": 1}
