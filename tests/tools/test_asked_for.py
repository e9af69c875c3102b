"""Silent errors: what the question asks for in so many words is told at most, never doubted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyst.tools.kernel_side import cells, changes, snapshots
from analyst.tools.python import doubts_about

ROWS = 100
ORDERS = pd.DataFrame(
    {
        "id": range(ROWS),
        "status": ["open", "Done", "in_progress", "open"] * (ROWS // 4),
        "amount": [float(n % 50 + 1) for n in range(ROWS)],
        "temp": [-999.0 if n % 5 == 0 else 20.0 + n % 7 for n in range(ROWS)],
        "size": ["?" if n % 4 == 0 else str(n) for n in range(ROWS)],
        "mark": ["a", "b", "c", "d"] * (ROWS // 4),
        "day": ["12/25/2015", "01/03/2016"] * (ROWS // 2),
    }
)


def look(code: str, question: str) -> tuple[list[str], list[str]]:
    """Run code as a cell; return its doubts and the remarks."""
    changes._seen.clear()
    namespace: dict[str, Any] = {"pd": pd, "np": np, "o": ORDERS.copy()}
    snapshots.begin(namespace, [])
    changes.changes(namespace)
    cells.before_cell(code, namespace)
    exec(code, namespace)
    report = cells.report(code, [], namespace, question)
    return list(doubts_about(code, report)), report["remarks"]


REPLACE = "Replace -999 in temp by NaN, then give the mean."


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("o['temp'] = o['temp'].replace(-999, np.nan)\nm = o['temp'].mean()", REPLACE),
        ("o['temp'] = o['temp'].replace({-999: None})", REPLACE),
        ("o = o.replace(-999, np.nan)", REPLACE),
        ("o.replace(-999, np.nan, inplace=True)", REPLACE),
        ("o.loc[o['temp'] == -999, 'temp'] = np.nan", REPLACE),
        ("o['temp'] = o['temp'].where(o['temp'] != -999)", REPLACE),
        ("o['temp'] = o['temp'].mask(o['temp'] < -100)", "Leave the faults out."),
        ("o['temp'] = np.where(o['temp'] == -999, np.nan, o['temp'])", REPLACE),
        ("o['temp'] = o['temp'].apply(lambda t: None if t == -999 else t)", REPLACE),
        ("clean = o.copy()\nclean['temp'] = clean['temp'].replace(-999, float('nan'))", REPLACE),
        ("s = o['temp'].replace(-999, pd.NA)\no['temp'] = s", REPLACE),
        ("o['amount'] = o['amount'].rolling(12).mean()", "Smooth amount by a 12-row average."),
        ("o[['amount', 'temp']] = o[['amount', 'temp']].rolling(12).mean()", "Smooth them."),
        ("o['amount'] = o.amount.shift(20)", "What was it 20 rows before?"),
        ("o['amount'] = o['amount'].diff(periods=20)", "Change over 20 rows?"),
        ("o['amount'] = o['amount'].pct_change(20)", "Relative change over 20 rows?"),
        ("o = o.reindex(range(50, 150))", "Show rows 50 to 149."),
        (
            "o['size'] = pd.to_numeric(o['size'], errors='coerce')",
            "Read size as a number, '?' as missing, and give its mean.",
        ),
        (
            "o['size'] = pd.to_numeric(o['size'].replace('?', np.nan), errors='coerce')",
            "Give the mean size.",
        ),
    ],
)
def test_nulls_that_are_meant_are_not_doubted(code: str, question: str) -> None:
    assert look(code, question)[0] == []


@pytest.mark.parametrize(
    "code",
    [
        "o['size'] = pd.to_numeric(o['size'], errors='coerce')",
        "p = o.copy()\np['size'] = pd.to_numeric(p['size'], errors='coerce')",
        "o['size'] = o['size'].apply(pd.to_numeric, errors='coerce')",
        "o['day'] = pd.to_datetime(o['day'], format='%d/%m/%Y', errors='coerce')",
        "o['mark'] = o['mark'].map({'a': 1, 'b': 2})",
        "kinds = {'a': 1}\no['mark'] = o['mark'].map(kinds)",
        "o['temp'] = o['temp'].replace(-999, np.nan)\n\
o['size'] = pd.to_numeric(o['size'], errors='coerce')",
        "o['size'] = pd.to_numeric(o['size'].str.replace('x', ''), errors='coerce')",
        "o['lag'] = o['amount'].shift(1)\no['mark'] = o['mark'].map({'a': 1})",
        "o['size'] = pd.to_numeric(o['size'].replace('-', np.nan), errors='coerce')",
        "o['mark'] = pd.Series(['a'] * 50)",
        "print(o['size'].shift(1).isna().sum())\n\
o['size'] = pd.to_numeric(o['size'], errors='coerce')",
        "if o['id'] is not None:\n    o['mark'] = pd.Series(['a'] * 50)",
    ],
)
def test_nulls_that_a_conversion_made_still_are(code: str) -> None:
    doubts, _ = look(code, REPLACE)
    assert any("had 0 nulls and now has" in doubt for doubt in doubts)


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("n = (o['status'] == 'closed').sum()", "How many orders have the status 'closed'?"),
        ("n = (o['status'] == 'closed').sum()", "How many orders are closed?"),
        ("n = o[o['status'].isin(['closed', 'lost'])].shape[0]", "How many are closed or lost?"),
        ("n = (o.status == 'done deal').sum()", 'How many are "done deal"?'),
        ("n = (o.status == 'opened').sum()", "How many have status opened?"),
    ],
)
def test_a_text_that_the_question_names_is_told_only(code: str, question: str) -> None:
    doubts, remarks = look(code, question)
    assert doubts == []
    assert "No row of o has" in remarks[0]


@pytest.mark.parametrize(
    ("code", "question", "words"),
    [
        ("n = (o['status'] == 'done').sum()", "How many have the status 'done'?", "'Done'"),
        ("n = (o['status'] == 'Open').sum()", "How many are Open?", "'open'"),
        ("n = (o['status'] == 'in progress').sum()", "How many are in progress?", "in_progress"),
        ("n = (o['status'] == ' Done').sum()", "How many are ' Done'?", "'Done'"),
        ("n = (o['status'] == 'closed').sum()", "How many orders were shut?", "'open'"),
        ("n = (o['status'] == 'closed').sum()", "How many are Closed?", "'open'"),
        ("n = (o['status'] == 'closed').sum()", "How many are enclosed?", "'open'"),
        ("n = o[o['status'].isin(['closed', 'lost'])].shape[0]", "How many are lost?", "'open'"),
        ("n = (o['id'] == '7').sum()", "How many have the id 7?", "holds numbers"),
    ],
)
def test_a_text_that_is_written_otherwise_in_the_data_is_doubted(
    code: str, question: str, words: str
) -> None:
    (doubt,) = look(code, question)[0]
    assert words in doubt


CUT = "o['bin'] = pd.cut(o['amount'], [10, 20, 30])"


@pytest.mark.parametrize(
    ("code", "question"),
    [
        (CUT, "How many fall in (10,20] and in (20,30]?"),
        ("b = pd.cut(o['amount'], bins=[10.5, 20.5])", "How many between 10.5 and 20.5?"),
        ("edges = [10, 20, 30]\nb = pd.cut(o['amount'], edges)", "Count (10,20], (20,30]."),
        ("b = pd.cut(o['amount'], [9, 20, 30])", "How many in 10-20 and in 21-30?"),
        ("b = pd.cut(o['amount'], np.arange(10, 41, 10))", "Bins of 10, from above 10 to 40."),
        ("b = pd.cut(o['amount'], [10, np.inf])", "How many are above 10?"),
        ("b = pd.cut(o['amount'], [0, 20], right=False)", "How many in [0, 20)?"),
    ],
)
def test_bins_that_the_question_gives_are_not_doubted(code: str, question: str) -> None:
    doubts, remarks = look(code, question)
    assert doubts == []
    assert "rows in no bin" in remarks[0]


@pytest.mark.parametrize(
    ("code", "question", "words"),
    [
        (CUT, "Put amount into bins and count.", "make the bins cover them"),
        (CUT, "Bins with edges 10 and 20.", "make the bins cover them"),
        (CUT, "How many are below 10, in 10-20, in 20-30, over 30?", "make the bins cover them"),
        (CUT, "How many are in 10-20, in 20-30, and 30 or more?", "make the bins cover them"),
        ("b = pd.cut(o['amount'], [1, 30, 60])", "How many in 1-30 and 30-60?", "include_lowest"),
        ("b = pd.cut(o['amount'], [0, 25, 50], right=False)", "0-25 and 25-50?", "higher"),
        (CUT, "", "make the bins cover them"),
    ],
)
def test_bins_that_leave_out_what_is_asked_for_are(code: str, question: str, words: str) -> None:
    (doubt,) = look(code, question)[0]
    assert words in doubt


def test_an_order_by_letters_that_is_asked_for_is_not_doubted() -> None:
    code = "last = o.sort_values('day').iloc[-1]"
    assert look(code, "Which day comes last?")[0]
    assert look(code, "Which day comes last when sorted alphabetically?")[0] == []
    code = "last = o.sort_values('size')['size'].iloc[-1]"
    assert look(code, "Which size comes last as a string?")[0] == []


def test_a_missing_value_that_is_asked_for_is_not_doubted() -> None:
    report: dict[str, Any] = {}
    for question in ("The mean of amounts above 99?", "The mean above 99; give NaN if none is."):
        namespace: dict[str, Any] = {"o": ORDERS.copy()}
        code = "mean = o[o['amount'] > 99]['amount'].mean()"
        snapshots.begin(namespace, ["mean"])
        cells.before_cell(code, namespace)
        exec(code, namespace)
        report[question] = cells.report(code, ["mean"], namespace, question)["not_numbers"]
    assert list(report.values()) == [["mean"], []]
