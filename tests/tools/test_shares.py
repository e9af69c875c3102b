"""Shares of one whole: those that add up to more are doubted, to less are told."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analyst.tools.kernel_side import cells, changes, snapshots

SALES = pd.DataFrame(
    {
        "region": ["North", "South", None, "East"] * 5,
        "shop": ["a", "b", "c", "d", "e"] * 4,
        "amount": [float(n) for n in range(1, 21)],
    }
)
FEW = "few = sales[sales['amount'] < 9]\n"


def look(code: str, question: str = "") -> tuple[list[str], list[str]]:
    changes._seen.clear()
    namespace: dict[str, Any] = {"pd": pd, "sales": SALES.copy()}
    snapshots.begin(namespace, [])
    changes.changes(namespace)
    cells.before_cell(code, namespace)
    exec(code, namespace)
    report = cells.report(code, [], namespace, question)
    return report["doubts"], report["remarks"]


@pytest.mark.parametrize(
    "code",
    [
        FEW + "pct = sales.groupby('shop')['amount'].sum() / few['amount'].sum() * 100",
        FEW + "percent = 100 * sales['shop'].value_counts() / len(few)",
        FEW
        + "total = few['amount'].sum()\n\
share = sales.groupby('shop')['amount'].sum() / total",
        FEW
        + "by_shop = sales.groupby('shop', as_index=False)['amount'].sum()\n\
by_shop['pct'] = by_shop['amount'] / few['amount'].sum() * 100",
    ],
)
def test_shares_of_another_total_are_doubted(code: str) -> None:
    (doubt,) = look(code)[0]
    assert "add up to" in doubt
    assert look(code, "What is the ratio of each shop to the small sales?")[0] == []


@pytest.mark.parametrize(
    "code",
    [
        "pct = sales.groupby('shop')['amount'].sum() / sales['amount'].sum() * 100",
        "pct = sales['shop'].value_counts() / len(sales) * 100",
        "cum_pct = sales['shop'].value_counts().cumsum() / len(sales) * 100",
        "pct_missing = sales.isna().sum() / len(sales) * 100",
        "pct = (sales['amount'] / sales['amount'].sum()).groupby(sales['shop']).sum()",
        "top = sales.groupby('shop')['amount'].sum().nlargest(2)\n\
pct = top / sales['amount'].sum() * 100",
        "sales['pct'] = sales['amount'] / sales.groupby('shop')['amount'].transform('sum')",
        "growth_pct = sales.groupby('shop')['amount'].sum() / len(sales) * 100",
        "sales['pct_of_first'] = sales['amount'] / sales['amount'].iloc[0]",
    ],
)
def test_other_shares_are_not(code: str) -> None:
    doubts, remarks = look(code)
    assert doubts == []
    assert not any("add up to" in remark for remark in remarks)


def test_shares_that_add_up_to_less_than_their_own_frames_total_are_told() -> None:
    code = "pct = sales.groupby('region')['amount'].sum() / sales['amount'].sum() * 100"
    doubts, remarks = look(code)
    assert doubts == []
    assert any("pct add up to 73.81, not to 100" in remark for remark in remarks)
    few = FEW + "pct = few.groupby('shop')['amount'].sum() / sales['amount'].sum() * 100"
    assert look(few) == ([], [])
