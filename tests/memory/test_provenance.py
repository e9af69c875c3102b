"""What some code stands on: rather too much than too little."""

from __future__ import annotations

import pytest

from analyst.memory.provenance import reads_outside, trace


def test_code_on_its_own_needs_nothing():
    found = trace("print(sales.price.mean())", ["x = 1", "fig = px.bar(sales)"], ["sales", "other"])
    assert (found.setup, found.data, found.changed_data) == ("", {"sales"}, False)


def test_earlier_variables_are_traced_through():
    earlier = ["a = sales.price", "unrelated = 1", "b = a * 2", "c = 5"]
    found = trace("print(b.sum())", earlier, ["sales"])
    assert found.setup == "a = sales.price\n\nb = a * 2"
    assert found.data == {"sales"}
    assert not found.changed_data


def test_imports_come_along_without_their_cells():
    earlier = ["import numpy as np\nfrom math import sqrt, pi\nnoise = 3"]
    found = trace("print(np.log(sqrt(2)))", earlier, [])
    assert found.code == "import numpy as np\nfrom math import sqrt\nprint(np.log(sqrt(2)))"
    assert found.setup == ""


@pytest.mark.parametrize(
    "change",
    [
        "sales['net'] = sales.price * 0.8",
        "sales = sales.dropna()",
        "sales.loc[0, 'price'] = 3",
        "sales.price.values[0] = 3",
        "sales.drop(columns='price', inplace=True)",
        "sales.insert(0, 'x', 1)",
        "del sales['price']",
        "for sales in [1]: pass",
        "sales.columns = list('abc')",
        "y = sales.rename(columns=str.upper, inplace=True)",
        "exec('sales = 1')",
        "sales += 1",
        "shuffle(sales)",
        "random.shuffle(sales.price)",
        "%run something.py",
        "def sales(): pass",
        "with open('x') as sales: pass",
        "(sales := 3)",
    ],
)
def test_code_that_changed_the_data_is_noticed(change):
    found = trace("print(sales.price.mean())", [change], ["sales"])
    assert found.changed_data or found.setup


def test_a_change_by_another_name_is_noticed():
    earlier = ["d = sales", "part = d.price", "part[0] = 3"]
    found = trace("print(sales.price.mean())", earlier, ["sales"])
    assert found.changed_data
    assert "part[0] = 3" in found.setup


@pytest.mark.parametrize(
    "code",
    [
        "pd.read_csv('/data/x.csv').x.mean()",
        "open('x').read()",
        "np.random.rand(3).mean()",
        "df.sample(10).x.mean()",
        "pd.Timestamp.now() - df.date.max()",
        "requests.get('https://example.org').text",
        "os.environ['HOME']",
    ],
)
def test_code_that_reads_more_than_the_data_is_noticed(code):
    assert reads_outside(code)
    assert not reads_outside("df.groupby('time').x.mean().sort_values()\nprint(df.sample_size)")


def test_looking_does_not_change():
    for look in ("sales.head()", "sales.plot()", "print(sales)", "sales.price.hist()"):
        found = trace("print(sales.price.mean())", [look], ["sales"])
        assert (found.setup, found.changed_data) == ("", False)


def test_code_that_cannot_be_read_stands_on_everything():
    found = trace("exec(something)", ["a = 1"], ["sales"])
    assert (found.setup, found.data, found.changed_data) == ("a = 1", {"sales"}, True)
