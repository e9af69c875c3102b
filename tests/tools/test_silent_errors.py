"""Silent errors: planted ones are found, and what is right is left alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.code_checks import more_doubts
from analyst.tools.kernel_side import cells, changes, snapshots, suspicions

ORDERS = pd.DataFrame(
    {
        "customer": ["a", "a", "b", "c", "c", "c"],
        "amount": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "region": ["North", "North", "South", "South", None, "East"],
        "day": ["12/25/2015", "01/03/2016", "02/01/2016", "11/30/2014", "05/05/2015", "06/06/2015"],
        "iso": ["2015-12-25", "2016-01-03", "2016-02-01", "2014-11-30", "2015-05-05", "2015-06-06"],
        "year": [2015, 2016, 2016, 2014, 2015, 2015],
        "remark": [None, None, None, None, None, "late"],
    }
)
CUSTOMERS = pd.DataFrame({"customer": ["a", "b", "c"], "city": ["Oslo", "Rome", "Bonn"]})
VISITS = pd.DataFrame({"customer": ["a", "a", "b", "c"], "page": [1, 2, 3, 4]})
UPPER = pd.DataFrame({"customer": ["A", "B", "C"], "city": ["Oslo", "Rome", "Bonn"]})


def look(code: str, question: str = "") -> dict[str, Any]:
    """Run code as a cell and return the report of the helper."""
    changes._seen.clear()
    namespace: dict[str, Any] = {
        "pd": pd,
        "orders": ORDERS.copy(),
        "customers": CUSTOMERS.copy(),
        "visits": VISITS.copy(),
        "upper": UPPER.copy(),
    }
    snapshots.begin(namespace, [])
    changes.changes(namespace)
    cells.before_cell(code, namespace)
    exec(code, namespace)
    return cells.report(code, [], namespace, question)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("both = orders.merge(visits, on='customer')", "rows were multiplied"),
        ("orders = pd.merge(orders, visits, on='customer', how='left')", "rows were multiplied"),
        ("both = orders.merge(visits)", "repeats in both"),
        ("both = orders.merge(upper, on='customer')", "'a', 'b', 'c'; upper holds 'A'"),
        ("n = orders[orders['region'] == 'north']['amount'].sum()", "It holds 'North'"),
        ("n = (orders.region == 'Nort').sum()", "It holds 'North'"),
        ("n = orders[orders['year'] == '2015'].shape[0]", "holds numbers"),
        ("n = orders[orders['region'].isin(['north', 'south'])]", "It holds 'North', 'South'"),
        ("last = orders.sort_values('day').iloc[-1]", "'day' holds dates as text"),
        ("last = orders['day'].max()", "pd.to_datetime(orders['day'])"),
        ("late = orders[orders['day'] > '01/01/2016']", "'day' holds dates as text"),
        ("mean = orders.dropna()['amount'].mean()", "dropna(subset=['amount']): that leaves 6"),
        ("orders = orders.dropna()\nmean = orders['amount'].mean()", "1 of 6 rows"),
        (
            "share = orders.groupby('customer')['amount'].sum() / orders['year'].eq(0).sum()",
            None,
        ),
        ("orders['b'] = pd.cut(orders['amount'], [1, 3, 6])", "add include_lowest=True"),
        ("b = pd.cut(orders['amount'], bins=[0, 2, 5], labels=['a', 'b'])", "is 6. The values"),
        ("orders['b'] = pd.cut(orders.amount, [1, 3, 6], right=False)", "make the last one higher"),
        (
            "few = orders[orders['amount'] < 4]\n\
share = orders.groupby('customer')['amount'].sum() / few['amount'].sum()",
            "add up to",
        ),
    ],
)
def test_planted_errors_are_found(code: str, words: str | None) -> None:
    doubts = look(code)["doubts"]
    if words is None:
        assert doubts == []
    else:
        (doubt,) = doubts
        assert words in doubt


@pytest.mark.parametrize(
    "code",
    [
        "both = orders.merge(customers, on='customer')",
        "both = customers.merge(orders, on='customer', how='left')",
        "both = orders.merge(orders, on='customer')",
        "both = orders.merge(visits.drop_duplicates('customer'), on='customer')",
        "one = visits.drop_duplicates('customer')\nboth = orders.merge(one, on='customer')",
        "none = orders[orders['amount'] > 99]\nboth = none.merge(customers, on='customer')",
        "n = orders[orders['region'] == 'North']['amount'].sum()",
        "orders['size'] = 'small'\nn = (orders['size'] == 'small').sum()",
        "orders['s'] = orders['amount'].map(lambda x: 'b' if x > 9 else 'a')\nn = orders.s == 'a'",
        "orders = orders[orders['region'] == 'North']",
        "n = orders[orders['region'].isin(['North', 'West'])]",
        "n = orders[orders['year'] == 2015].shape[0]",
        "n = orders[orders['amount'] > 99].shape[0]",
        "kind = 'sum'\nn = orders['amount'].sum() if kind == 'sum' else 0",
        "last = orders.sort_values('iso').iloc[-1]",
        "orders['day'] = pd.to_datetime(orders['day'])\nlast = orders['day'].max()",
        "last = orders.sort_values('amount')['day'].iloc[-1]",
        "n = orders['day'].nunique()",
        "n = orders.dropna(subset=['amount'])['amount'].mean()",
        "n = orders['amount'].dropna().mean()",
        "n = len(orders.dropna())",
        "n = orders.dropna()['remark'].count()",
        # What rows are dropped of is not what the name held before.
        "orders = orders['amount']\nmean = orders.dropna().mean()",
        "orders = orders[['amount', 'region']]\nmean = orders.dropna()['amount'].mean()",
        "rate_share = orders.groupby('customer')['amount'].mean() / 2",
        "share = orders['region'].value_counts() / len(orders)",
        "share = orders.groupby('customer')['amount'].sum() / orders['amount'].sum() * 100",
        "orders['b'] = pd.cut(orders['amount'], [0, 3, 6])",
        "orders['b'] = pd.cut(orders['amount'], [1, 3, 6], include_lowest=True)",
        "orders['b'] = pd.cut(orders['amount'], 3)",
        "orders['b'] = pd.cut(orders['amount'], [1, 3])\norders = orders.dropna(subset=['b'])",
        "x = 1\nprint(x",
        "n = orders.groupby('region')['amount'].sum()",
    ],
)
def test_what_is_right_is_left_alone(code: str) -> None:
    changes._seen.clear()
    if code.endswith("(x"):
        namespace: dict[str, Any] = {}
        cells.before_cell(code, namespace)
        assert cells.report(code, [], namespace)["doubts"] == []
        return
    assert look(code)["doubts"] == []


@pytest.mark.parametrize(
    "question",
    [
        "Remove all rows with missing values, then compute the mean amount.",
        "Drop any missing data first.",
        "Use the complete cases only.",
    ],
)
def test_what_is_asked_for_is_not_doubted(question: str) -> None:
    assert look("n = orders.dropna()['amount'].mean()", question)["doubts"] == []


def test_rows_in_no_group_are_told_without_a_doubt() -> None:
    report = look("n = orders.groupby('region')['amount'].sum()")
    assert report["remarks"] == ["1 of 6 rows have no 'region' and are in no group."]
    assert look("n = orders.groupby('customer')['amount'].sum()")["remarks"] == []
    code = "n = orders.groupby('region', dropna=False)['amount'].sum()"
    assert look(code)["remarks"] == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("df['total'] = df['price_usd'] + df['fee_eur']", "in US dollars and 'fee_eur' in euros"),
        ("n = (df['length (km)'] > df['width (miles)']).sum()", "kilometres"),
        ("d = df.run_minutes - df.rest_hours", "minutes and 'rest_hours' in hours"),
        ("X = df[['a', 'b', 'y']]\ny = df['y']\nmodel.fit(X, y)", "'y' is among the features"),
    ],
)
def test_mixed_units_and_leaks_are_found(code: str, words: str) -> None:
    (doubt,) = more_doubts(code)
    assert words in doubt


@pytest.mark.parametrize(
    "code",
    [
        "t = df['price_usd'] + df['fee_usd']",
        "t = df['price_usd'] * df['fee_eur']",
        "speed = df['km'] / df['hours']",
        "t = df['delay_days'] + df['price_usd']",
        "t = df['price_usd'] + df['fee_eur'] * 1.1",
        "t = df['a'] - df['b']",
        "X = df[['a', 'b']]\ny = df['y']\nmodel.fit(X, y)",
        "X = df.drop('y', axis=1)\ny = df['y']\nmodel.fit(X, y)",
        "no python at all (",
    ],
)
def test_fitting_units_and_features_are_left_alone(code: str) -> None:
    assert more_doubts(code) == []


MASK = "outliers = abs(z) > 3\nn = outliers.sum()\n"


@pytest.mark.parametrize(
    "code",
    [
        MASK + "mean_after_removal = df['x'].mean()",
        "clean = df.dropna()\n" + MASK + "mean_after_removal = round(clean['x'].mean(), 2)",
    ],
)
def test_outliers_that_are_found_but_left_in_are_doubted(code: str) -> None:
    (doubt,) = more_doubts(code, ["n", "mean_after_removal"])
    assert "outliers plays no part" in doubt


@pytest.mark.parametrize(
    "code",
    [
        MASK + "mean_after_removal = df[~outliers]['x'].mean()",
        MASK + "df = df[~outliers]\nmean_after_removal = df['x'].mean()",
        MASK + "df.drop(outliers.index, inplace=True)\nmean_after_removal = df['x'].mean()",
        MASK + "mean_before = df['x'].mean()",
        "clean = df[abs(z) <= 3]\nmean_after_removal = clean['x'].mean()",
        MASK + "for x in y:\n    pass\nmean_after_removal = df['x'].mean()",
        "outliers = abs(z) > 3\ncount_without_outliers = 3",
    ],
)
def test_outliers_that_are_left_out_are_not(code: str) -> None:
    names = ["n", "mean_after_removal", "mean_before"]
    assert more_doubts(code, names) == []


CODES = st.sampled_from(
    [
        "both = a.merge(b)",
        "both = pd.merge(a, b, on='k')",
        "n = a[a['k'] == 'x']",
        "m = a.sort_values('k')['k'].max()",
        "c = a.dropna()['k']",
        "share = a.groupby('k').size() / len(a)",
        "m = a.merge(b, how='left')\nx = m['k'].mean()",
        "m = a.join(b)",
        "a['k'] = pd.cut(a['k'], [1, 2])",
        "a['k'] = a['k'].shift(1)",
    ]
)
CELLS = st.lists(st.one_of(st.none(), st.integers(), st.text(), st.floats(), st.booleans()))


@given(CODES, CELLS, CELLS, st.sampled_from(["k", "", "size", "x"]))
def test_no_frames_whatever_break_a_look(code: str, one: list[Any], two: list[Any], k: str) -> None:
    frames = {
        "a": pd.DataFrame({k: pd.Series(one, dtype=object)}),
        "b": pd.DataFrame({k: pd.Series(two, dtype=object)}),
    }
    suspicions.hold(dict(frames))
    found = suspicions.suspicions(code, {**frames, "both": frames["a"], "share": pd.Series(two)})
    assert set(found) == {"doubts", "remarks"}


def test_a_computation_of_its_own_leaves_the_variables_as_they_were() -> None:
    namespace: dict[str, Any] = {"df": pd.DataFrame({"x": [1, 2]}), "old": 1, "total": 7}
    snapshots.begin(namespace, ["total"])
    namespace["df"]["y"] = 5
    namespace.update(total=3, old=2, model=[1])
    snapshots.set_aside(namespace)
    assert list(namespace["df"].columns) == ["x"]
    assert (namespace["total"], namespace["old"], "model" in namespace) == (7, 1, False)
    namespace["df"]["z"] = 6
    namespace.update(total=9, other=1)
    snapshots.start_again(namespace)
    assert list(namespace["df"].columns) == ["x"]
    assert "other" not in namespace
    namespace["extra"] = 1
    snapshots.bring_back(namespace)
    assert list(namespace["df"].columns) == ["x", "y"]
    assert (namespace["total"], namespace["old"], namespace["model"]) == (3, 2, [1])
    assert "extra" not in namespace


FARES = pd.DataFrame({"PassengerId": [904, 905], "Fare": [1.0, 99.0], "age_min": [1, 2]})


def look_at(code: str, question: str) -> list[str]:
    namespace: dict[str, Any] = {"df": FARES.copy()}
    snapshots.begin(namespace, ["ids"])
    changes.changes(namespace)
    cells.before_cell(code, namespace)
    exec(code, namespace)
    doubts: list[str] = cells.report(code, ["ids"], namespace, question)["doubts"]
    return doubts


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("ids = df[df['Fare'] > 9].index.tolist()", 'Which "PassengerId"s have a fare above 9?'),
        ("ids = df[df['Fare'] > 9].index.tolist()", "Give the PassengerId of high fares."),
        ("ids = df['Fare'].max()", "The mean of age_min of the highest fare?"),
        ("ids = df['age_min'].max()", "The highest 'Fare'?"),
    ],
)
def test_a_named_column_that_plays_no_part_is_doubted(code: str, question: str) -> None:
    (doubt,) = look_at(code, question)
    assert "which the code does not use" in doubt


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("ids = df[df['Fare'] > 9]['PassengerId'].tolist()", 'Which "PassengerId"s?'),
        ("ids = df['Fare'].max()", "The highest fare of a Passenger? Age plays no part."),
        ("ids = df['Fare'].max()", "The highest fare, regardless of 'PassengerId'?"),
        ("ids = df['Fare'].max()", "Do not use PassengerId."),
        ("ids = [c for c in df.columns if df[c].max() > 9]", 'Is "PassengerId" above 9?'),
        ("other = df['Fare'].max()", 'Which "PassengerId"s?'),
        ("ids = df['Fare'].max()", "What is @ids[PassengerId]?"),
        ("ids = df['Fare'].max()", ""),
    ],
)
def test_a_column_that_is_used_or_need_not_be_is_not(code: str, question: str) -> None:
    assert look_at(code, question) == []


def test_columns_used_in_an_earlier_cell_count_as_used() -> None:
    namespace: dict[str, Any] = {"df": FARES.copy()}
    snapshots.begin(namespace, ["ids"])
    first, second = "top = df.set_index('PassengerId')", "ids = top[top['Fare'] > 9].index.tolist()"
    question = "Which PassengerId have a high fare?"
    for code in (first, second):
        cells.before_cell(code, namespace)
        exec(code, namespace)
        assert cells.report(code, ["ids"], namespace, question)["doubts"] == []
