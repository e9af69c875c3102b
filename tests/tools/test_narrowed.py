"""A frame under an asked name, of which a part is printed: the part is the value."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analyst.tools.kernel_side import cells

FRAME = pd.DataFrame({"name": ["a", "b", "c"], "score": [1, 3, 2], "max": [7, 8, 9]})


def values(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"df": FRAME.copy(), "pd": pd}
    exec(code, namespace)
    found: dict[str, Any] = cells.report(code, ["top"], namespace)["values"]
    return found


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("print(top['name'].tolist())", ["b"]),
        ("print(top['name'].values[0])", "b"),
        ("print('best:', top['name'].iloc[0])", "b"),
        ("print(top.iloc[0]['name'])", "b"),
        ("print(top.name)", "b"),
    ],
)
def test_what_is_printed_of_a_frame_is_the_value(printed: str, value: object) -> None:
    code = f"top = df[df['score'] == df['score'].max()]\n{printed}"
    assert values(code) == {"top": value}


def test_what_is_printed_of_a_row_is_the_value() -> None:
    code = "top = df.loc[df['score'].idxmax()]\nprint(top['name'])"
    assert values(code) == {"top": "b"}


@pytest.mark.parametrize(
    "printed",
    [
        "print(top)",
        "print(top['name'].map(danger))",
        "print(top.to_csv('x.csv'))",
        "print(len(top))",
        "print(top[danger()])",
        "print(top.__class__)",
        "print(other['name'])",
        "x = (",
    ],
)
def test_nothing_else_is_evaluated(printed: str) -> None:
    namespace: dict[str, Any] = {"top": FRAME, "danger": lambda *_: pytest.fail("evaluated")}
    report = cells.report(f"top = df\n{printed}", ["top"], namespace)
    assert report["values"] == {}


def test_plain_values_stay_what_they_are() -> None:
    assert values("top = 3\nprint(df['name'])") == {"top": 3}
    column = "top = df['name']\nprint(top.iloc[0])"
    assert values(column) == {"top": ["a", "b", "c"]}
