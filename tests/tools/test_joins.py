"""Joins that are not what was meant are seen, and everyday joins are left alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analyst.tools.kernel_side import cells, changes, joins, snapshots

N = 100
CITIES = ["Oslo", "Rome", "Bonn", "Lima"]

ORDERS = pd.DataFrame(
    {
        "order_id": range(N),
        "customer": [f"c{n % 40}" for n in range(N)],
        "amount": [float(n % 7 + 1) for n in range(N)],
        "shipping": [float(n % 3 + 1) for n in range(N)],
        "month": [n % 12 + 1 for n in range(N)],
    }
)
CUSTOMERS = pd.DataFrame(
    {
        "customer": [f"c{n}" for n in range(40)],
        "city": [CITIES[n % 4] for n in range(40)],
        "credit": [float(n) for n in range(40)],
    }
)
FRAMES = {
    "orders": ORDERS,
    "customers": CUSTOMERS,
    # Several items an order.
    "items": pd.DataFrame(
        {
            "order_id": [n for n in range(N) for _ in range(n % 3 + 1)],
            "product": [f"p{n % 9}" for n in range(N) for _ in range(n % 3 + 1)],
            "quantity": [1 for n in range(N) for _ in range(n % 3 + 1)],
        }
    ),
    # Hardly any customer is in both.
    "leads": pd.DataFrame(
        {"customer": [f"c{n}" for n in range(38, 138)], "score": [n / 2 for n in range(100)]}
    ),
    # Few customers, all of them known.
    "answers": pd.DataFrame({"customer": ["c1", "c2", "c3", "c4"], "rating": [1.0, 2.0, 5.0, 3.0]}),
    "shouted": pd.DataFrame(
        {"customer": [f" C{n} " for n in range(40)], "tier": ["a", "b"] * 20, "limit": range(40)}
    ),
    "strangers": pd.DataFrame({"customer": ["x1", "x2"], "tier": ["a", "b"]}),
    "visits": pd.DataFrame(
        {"customer": [f"c{n % 20}" for n in range(60)], "page": range(60), "day": range(60)}
    ),
    "regions": pd.DataFrame({"region": ["north", "south"]}, index=["Oslo", "Rome"]),
    "prices": pd.DataFrame({"order_id": range(N), "paid": [True, False] * 50}),
}

OF = "of = customers.rename(columns={'customer': 'of'})\n"


def look(*cells_of_code: str, question: str = "") -> tuple[list[str], list[str]]:
    """Run code, cell by cell; return the doubts about the last, and its remarks."""
    changes._seen.clear()
    namespace: dict[str, Any] = {"pd": pd, **{name: one.copy() for name, one in FRAMES.items()}}
    snapshots.begin(namespace, [])
    changes.changes(namespace)
    report: dict[str, Any] = {}
    for code in cells_of_code:
        cells.before_cell(code, namespace)
        exec(code, namespace)
        report = cells.report(code, [], namespace, question)
    return report["doubts"], report["remarks"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("m = customers.merge(leads, on='customer')", "2 of 40 rows of customers"),
        ("m = pd.merge(customers, leads, on='customer')\nn = m['credit'].sum()", "2 of 40 rows"),
        ("mean = customers.merge(leads, on='customer', how='left')['score'].mean()", "2 of 40"),
        ("m = customers.merge(leads, how='left')\nmean = m['score'].mean()", "2 of 40 rows"),
        ("m = leads.merge(customers, on='customer', how='right')\nx = m.score.mean()", "2 of 40"),
        ("m = customers.merge(answers, how='left')\nmean = m['rating'].mean()", "4 of 40 rows"),
        ("m = orders.merge(answers, on='customer')\nx = m['rating'].mean()", "of 100 rows"),
        (
            "m = orders.merge(answers, on='customer', how='left')\n\
x = m.groupby('rating')['amount'].sum()",
            "of 100 rows",
        ),
        (
            "customers['customer'] = customers['customer'].str.upper()\n\
m = orders.merge(customers, how='left')\nx = m[m['city'] == 'Oslo']['amount'].sum()",
            "no 'customer' in common",
        ),
        ("m = orders.merge(strangers, on='customer')", "no 'customer' in common"),
        ("x = orders.merge(strangers, on='customer')['amount'].sum()", "in common"),
        ("x = orders.merge(strangers, how='left').groupby('tier')['amount'].mean()", "in common"),
        (OF + "x = orders.join(of)['credit'].mean()", "40 of 100 rows"),
    ],
)
def test_joins_that_hardly_match_are_doubted(code: str, words: str) -> None:
    (doubt,) = look(code)[0]
    assert words in doubt


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("m = orders.merge(customers, on='customer')", ""),
        ("x = orders.merge(customers, on='customer').groupby('city')['amount'].sum()", ""),
        ("m = customers.merge(answers, how='left')\nnone = m[m['rating'].isna()]", ""),
        ("m = customers.merge(leads, how='left', indicator=True)", ""),
        ("m = customers.merge(leads, how='left')\nx = m['score'].fillna(0).mean()", ""),
        ("m = customers.merge(leads, how='left')\nx = m['credit'].mean()", ""),
        ("m = customers.merge(answers, on='customer')\nx = m['rating'].mean()", ""),
        ("m = customers.merge(leads, how='outer')", ""),
        ("m = customers.merge(leads)", "How many customers are in both tables?"),
        ("m = customers.merge(leads)", "Mean credit of the matching customers?"),
        ("m = customers.merge(leads)", "Which customers do customers and leads have in common?"),
        ("m = customers.merge(strangers)", "How many customers are in both?"),
        ("m = leads.merge(customers)\nn = len(m)", "How many leads are already customers?"),
        ("m = customers.merge(leads, how='left')\nx = m['score'].mean()", "Those without a match?"),
        ("m = customers.merge(leads)\nrate = len(m) / len(customers)", "What rate matches?"),
        (
            "first = orders[orders['month'] == 1]\nlast = orders[orders['month'] == 12]\n\
m = first.merge(last, on='customer')",
            "",
        ),
        ("few = customers[customers['credit'] > 37]\nm = orders.merge(few)\nx = m.city.max()", ""),
        (
            "sums = visits.groupby('customer')['page'].sum().reset_index()\n\
big = sums.nlargest(3, 'page')\nm = customers.merge(big, how='left')\nx = m['page'].mean()",
            "",
        ),
        ("for name in ['x']:\n    m = customers.merge(leads)", ""),
        ("def f(customers):\n    return customers.merge(leads)\nm = f(orders)", ""),
        ("x = orders.pivot_table(index='month', values='amount', aggfunc='sum')", ""),
        ("orders['last'] = orders['amount'].shift(1)\nx = orders['last'].mean()", ""),
        ("x = ', '.join(customers['city'])", ""),
        ("m = customers.set_index('city').join(regions)\nx = m['credit'].mean()", ""),
        (OF + "m = orders.join(of)\nx = m['amount'].mean()", ""),
    ],
)
def test_everyday_joins_are_not(code: str, question: str) -> None:
    assert look(code, question=question)[0] == []


def test_unmatched_rows_are_told() -> None:
    code = "m = customers.merge(leads)"
    doubts, remarks = look(code, question="How many customers are in both?")
    assert doubts == []
    assert "38 of 40 rows of customers have no match in leads." in remarks
    assert look("m = orders.merge(customers, on='customer')")[1] == []
    code = "m = orders.merge(visits.drop_duplicates('customer'), on='customer')"
    assert look(code)[1] == []
    code = "once = visits.drop_duplicates('customer')\nm = orders.merge(once, on='customer')"
    assert look(code)[1] == ["40 of 100 rows of orders have no match in once."]


@pytest.mark.parametrize(
    "question", ["", "How many are in both?", "How many orders have no customer?"]
)
def test_keys_that_differ_in_case_or_spaces_are_doubted_whatever_is_asked(question: str) -> None:
    for code in (
        "m = orders.merge(shouted, on='customer')",
        "m = orders.merge(shouted, on='customer', how='left')\nx = m['limit'].mean()",
        "few = orders[orders['month'] < 3]\nm = few.merge(shouted, on='customer')",
    ):
        (doubt,) = look(code, question=question)[0]
        assert "'c0'" in doubt
        assert "' C0 '" in doubt


@pytest.mark.parametrize(
    "code",
    [
        "x = orders.merge(visits, on='customer').groupby('month')['amount'].sum()",
        "x = orders.merge(visits, on='customer')['amount'].sum()",
        "x = pd.merge(orders[['customer', 'amount']], visits, on='customer').amount.sum()",
        "x = (orders.merge(visits, on='customer')\n     .groupby('month').agg({'amount': 'sum'}))",
        "print(orders.merge(visits, on='customer', how='left').shape)",
        "orders = orders[orders['month'] < 9]\nx = orders.merge(visits).amount.sum()",
        "try:\n    m = orders.merge(visits)\nexcept KeyError:\n    m = None",
    ],
)
def test_rows_multiplied_within_a_chain_are_doubted(code: str) -> None:
    (doubt,) = look(code)[0]
    assert "rows were multiplied" in doubt


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("x = orders.merge(visits, on='customer')['order_id'].nunique()", ""),
        ("m = orders.merge(visits, on='customer')\nm2 = m.drop_duplicates('order_id')", ""),
        ("m = orders.merge(visits)\nm2 = m[m['day'] <= m['month']]", ""),
        ("x = orders.merge(visits).query('day <= month')", ""),
        ("m = orders.merge(visits, on='customer')", "List all pairs of orders and visits."),
        ("m = orders.merge(visits, how='cross')", ""),
        ("m = orders.merge(orders, on='customer')", ""),
        ("m = orders.merge(customers, on='customer', validate='m:1')", ""),
    ],
)
def test_rows_multiplied_on_purpose_are_not(code: str, question: str) -> None:
    assert look(code, question=question)[0] == []


@pytest.mark.parametrize(
    "code",
    [
        "m = orders.merge(items, on='order_id')\nx = m['shipping'].sum()",
        "x = orders.merge(items, on='order_id')['shipping'].sum()",
        "m = pd.merge(orders, items, on='order_id', how='left')\nx = m.shipping.mean()",
        "x = orders.merge(items, on='order_id').groupby('month')['shipping'].sum()",
        "m = orders.merge(items)\nx = m.groupby('customer').agg({'shipping': 'sum'})",
        "m = orders.merge(items)\nx = m.groupby('month').agg(total=('shipping', 'sum'))",
        "x = orders.merge(items).groupby(by='month')['shipping'].sum()",
        "m = orders.merge(items)\nx = m[['shipping', 'amount']].sum()",
        "m = customers.merge(orders, on='customer')\nx = m['credit'].sum()",
        "m = customers.merge(orders, on='customer')\nx = m['credit'].mean()",
        "m = customers.merge(orders, on='customer')\nx = m.groupby('city')['credit'].mean()",
    ],
)
def test_a_sum_over_rows_that_the_join_repeated_is_doubted(code: str) -> None:
    (doubt,) = look(code)[0]
    assert "several times" in doubt
    assert "orders" in doubt or "customers" in doubt


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("m = orders.merge(customers, on='customer')\nx = m['amount'].sum()", ""),
        ("m = orders.merge(customers, on='customer')\nx = m['credit'].mean()", ""),
        ("m = customers.merge(orders, on='customer')\nx = m['amount'].sum()", ""),
        ("m = customers.merge(orders)\nx = m.groupby('city')['amount'].sum()", ""),
        ("m = orders.merge(items)\nx = m['quantity'].sum()", ""),
        ("m = orders.merge(items)\nx = m.groupby('product')['shipping'].mean()", ""),
        ("m = customers.merge(orders)\nx = m.groupby('customer')['credit'].mean()", ""),
        ("m = customers.merge(orders)\nx = m.groupby('customer')['credit'].first()", ""),
        ("m = orders.merge(items)\nx = m['shipping'].max()", ""),
        ("m = orders.merge(items)\nx = m.drop_duplicates('order_id')['shipping'].sum()", ""),
        ("m = orders.merge(items)\nm = m.drop_duplicates('order_id')\nx = m.shipping.sum()", ""),
        ("m = orders.merge(items)\nx = orders['shipping'].sum()", ""),
        ("m = orders.merge(items)\nx = m[m['product'] == 'p1']['shipping'].sum()", ""),
        ("m = orders.merge(items)\nx = (m['shipping'] * m['quantity']).sum()", ""),
        ("m = orders.merge(prices)\nx = m['amount'].sum()", ""),
        ("m = customers.merge(orders)\nx = m['credit'].mean()", "Mean credit per order?"),
        ("m = customers.merge(orders)\nx = m['credit'].mean()", "Mean credit across all orders?"),
        ("m = orders.merge(items)\nx = len(m)", ""),
    ],
)
def test_other_sums_are_not(code: str, question: str) -> None:
    assert look(code, question=question)[0] == []


def test_a_sum_in_a_later_cell_is_doubted_too() -> None:
    first = "m = orders.merge(items, on='order_id')"
    (doubt,) = look(first, "x = m['shipping'].sum()")[0]
    assert "several times" in doubt
    assert look(first, "m = m.drop_duplicates('order_id')", "x = m['shipping'].sum()")[0] == []
    assert look(first, "x = m['quantity'].sum()")[0] == []


def test_a_sum_over_rows_of_a_looked_up_table_is_told() -> None:
    doubts, remarks = look("x = items.merge(orders, on='order_id')['shipping'].sum()")
    assert doubts == []
    assert any("several times" in remark for remark in remarks)


def test_looking_at_joins_changes_nothing() -> None:
    before = {name: frame.copy() for name, frame in FRAMES.items()}
    after = {name: frame.copy() for name, frame in FRAMES.items()}
    code = "x = orders.merge(visits, on='customer', how='left')['amount'].sum()"
    assert joins.join_look(code, before, after)[0]
    for name, frame in FRAMES.items():
        pd.testing.assert_frame_equal(before[name], frame)
        pd.testing.assert_frame_equal(after[name], frame)


def test_large_frames_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joins, "MOST_ROWS", 50)
    assert look("m = customers.merge(leads, on='customer')") == ([], [])
