"""Numbers kept as text: converted where code uses them as numbers, left alone where it does not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.kernel_side.unconverted import conversions_needed

FRAME = pd.DataFrame(
    {
        "cases": ["630308[495000-801000]", "12[10-14]", "7[1-9]"],
        "price": ["$1,204.50", "98", "3"],
        "code": ["001", "002", "003"],
        "ticket": ["A/5 21171", "113803", "PC 17599"],
        "name": ["x", "y", "z"],
        "size": [1.0, 2.0, 3.0],
    }
)


def run(code: str) -> dict[str, Any]:
    """Run code with the conversions that it needs."""
    namespace: dict[str, Any] = {"df": FRAME.copy(), "pd": pd}
    exec("\n".join((*conversions_needed(code, {"df": FRAME}), code)), namespace)
    return namespace


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("v = df['cases'].astype(int).max()", 630308),
        ("v = df['cases'].astype('float').max()", 630308),
        ("v = df['cases'].max()", 630308),
        ("v = df.groupby('name')['cases'].mean().max()", 630308),
        ("v = df.groupby('name').agg({'cases': 'sum'})['cases'].max()", 630308),
        ("d = df.astype({'cases': 'int64'})\nv = d['cases'].sum()", 630327),
        ("v = pd.to_numeric(df['cases']).min()", 7),
        ("v = df[df['cases'] > 10].shape[0]", 2),
        ("v = df.sort_values('cases')['name'].iloc[0]", "z"),
        ("v = df.sort_values(by=['cases'], ascending=False)['name'].iloc[0]", "x"),
        ("v = df[['cases', 'size']].dropna().corr().shape[0]", 2),
        ("v = df['price'].dropna().mean()", pytest.approx(435.1667, rel=1e-4)),
        ("v = (df['price'] * 2).max()", 2409),
        ("v = df['code'].mean()", 2),
    ],
)
def test_what_is_used_as_numbers_is_converted_first(code: str, value: object) -> None:
    assert run(code)["v"] == value


@pytest.mark.parametrize(
    "code",
    [
        "v = df['cases'].str.extract(r'(\\d+)')[0].astype(int).max()",
        "df['cases'] = pd.to_numeric(df['cases'], errors='coerce')\nv = df['cases'].max()",
        "v = df['cases'].apply(lambda x: int(x.split('[')[0])).max()",
        "v = df['size'].mean()",
        "v = df[df['code'] == '001']['size'].mean()",
        "v = df[df['code'].isin(['001'])]['size'].mean()",
        "v = df[df['code'] > '001']['size'].mean()",
        "v = df.groupby('code')['size'].mean()",
        "v = df['ticket'].max()",
        "v = df['name'].max()",
        "v = df['code'].nunique()",
        "v = other['cases'].max()",
        "x = (",
    ],
)
def test_what_is_treated_as_text_is_left_alone(code: str) -> None:
    assert conversions_needed(code, {"df": FRAME}) == []


@given(st.text(max_size=60))
def test_no_code_whatever_breaks_it(code: str) -> None:
    assert isinstance(conversions_needed(code, {"df": FRAME}), list)
