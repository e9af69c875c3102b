"""Questions that ask for the same are told from those that only look alike."""

from __future__ import annotations

import pytest

from analyst.memory.affinity import Affinity, ask_the_same, columns_in, may_ask_the_same
from analyst.memory.embedding import WordLlamaEmbedder
from analyst.memory.wording import wording

COLUMNS = ("region", "price", "unit_price", "quantity", "lifeExp", "year", "sex")


def read(question):
    return wording(question, COLUMNS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is the mean price?", "What is the average price?"),
        ("What is the mean price?", "Please give me the average of the prices"),
        ("How many regions are there?", "What is the number of regions?"),
        ("What is the highest unit price?", "Find the maximum unit_price."),
        ("What was the mean life exp in 2007?", "Average lifeExp in 2007"),
        ("What is the standard deviation of price?", "How much does price vary?"),
        ("Is price correlated with quantity?", "How are quantity and price related?"),
        ("What is the mean price?", "How high is the price on average?"),
    ],
)
def test_other_words_for_the_same(first, second):
    assert ask_the_same(read(first), read(second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is the mean price?", "What is the median price?"),
        ("What is the mean price?", "What is the mean quantity?"),
        ("What is the mean price?", "What is the mean unit price?"),
        ("What is the mean price in Asia?", "What is the mean price in Europe?"),
        ("What is the mean price in Asia?", "What is the mean price?"),
        ("What is the mean price of women?", "What is the mean price of men?"),
        ("What is the mean lifeExp in 2007?", "What is the mean lifeExp in 2002?"),
        ("Top 5 regions by price", "Top 10 regions by price"),
        ("What is the highest price?", "What is the lowest price?"),
        ("What is the mean price?", "What is the mean price by region?"),
        ("What is the mean of 'a b' in region?", "What is the mean of 'a c' in region?"),
        ("Price above 100", "Price not above 100"),
        ("What is the mean of price?", "What is the mean of unit price?"),
        ("What is the mean price without outliers?", "What is the mean price?"),
        ("What is the price in the north?", "What is the price excluding the north?"),
    ],
)
def test_nearly_the_same_is_another_question(first, second):
    assert not ask_the_same(read(first), read(second))
    assert not ask_the_same(read(second), read(first))


def test_the_last_word_of_a_column_stands_for_it_where_only_one_ends_so():
    columns = ("total_bill", "tip", "petal_length", "sepal_length")
    assert wording("the largest bill", columns).columns == {"total_bill"}
    assert wording("the largest length", columns).columns == frozenset()
    assert wording("price", ("price", "unit_price")).columns == {"price"}


def test_columns_of_the_code_count_where_a_question_names_them():
    known = read("What was the final value in the north?")
    asked = read("Last price in the north?")
    used = columns_in("df[df['region'] == 'north'].price.iloc[-1]", COLUMNS)
    assert used == {"region", "price"}
    assert may_ask_the_same(asked, known, used)
    assert not may_ask_the_same(asked, known, {"quantity"})
    assert columns_in("this is no code(", COLUMNS) == frozenset()


def test_nearness_follows_meaning_and_numbers():
    affinity = Affinity(WordLlamaEmbedder())
    known = read("What is the mean price in 2007?")
    near = affinity.of(read("How large was the price on average in 2007?"), known)
    other_year = affinity.of(read("How large was the price on average in 1990?"), known)
    unrelated = affinity.of(read("Who wrote the report?"), known)
    assert near > other_year > unrelated
    assert near > 1.0
    assert unrelated < 0.66
