"""Values that an answer tells by its own words: only what was printed, and what has a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.memory.told_values import MOST_VALUES, told_values


def told(answer, printed):
    return [(one.name, one.value, one.unit) for one in told_values(answer, printed)]


@pytest.mark.parametrize(
    ("answer", "printed", "values"),
    [
        ("The mean tip is 2.998.", "2.99827", [("mean tip", 2.99827, None)]),
        ("**Mean tip:** $3.00", "2.998", [("Mean tip", 2.998, "$")]),
        ("The mean is 3 and the median is 2.", "3\n2", [("mean", 3, None), ("median", 2, None)]),
        ("- north: 3.5\n- south: 2.25", "3.5 2.25", [("north", 3.5, None), ("south", 2.25, None)]),
        (
            "The correlation between x and y is 0.5.",
            "0.5",
            [("correlation between x and y", 0.5, None)],
        ),
        (
            "In 2007, life expectancy was about 67.01 years.",
            "2007 67.007",
            [("life expectancy", 67.007, "years")],
        ),
        # Two computed numbers round to it: what the answer says is all that is known.
        ("The mean is 2.5.", "2.51 2.49", [("mean", 2.5, None)]),
    ],
)
def test_numbers_that_were_printed_get_the_names_the_answer_gives(answer, printed, values):
    assert told(answer, printed) == values


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        ("The mean tip is 2.998.", "3.1"),
        ("The mean tip is 2.998.", ""),
        ("It is 4.", "4"),
        ("There are 244 rows.", "244"),
        ("In 2007 it was 4.", "2007 4"),
        ("At p = 0.05 it holds.", "0.05"),
        ("x is 5 million", "5"),
        ("The mean is 3. The mean is 4.", "3 4"),
        ("one two three four five six seven eight nine ten is 4", "4"),
    ],
)
def test_what_was_not_printed_or_has_no_plain_name_is_left_out(answer, printed):
    assert told(answer, printed) == []


def test_none_passes_for_a_value_that_was_asked_for():
    (value,) = told_values("mean = 3.5", "3.5")
    assert not value.named


def test_only_so_many_are_kept():
    answer = "\n".join(f"v{chr(97 + n)} = {n}" for n in range(20))
    assert len(told_values(answer, " ".join(map(str, range(20))))) == MOST_VALUES


PIECES = st.sampled_from(["mean", "The ", " is ", ": ", "= ", "4", "1.5", "*", "`", "\n", "- "])


@given(answer=st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_names_are_words_of_the_answer_and_values_were_printed(answer):
    for value in told_values(answer, "4 and 1.5"):
        assert all(word in answer for word in value.name.replace("`", " ").split())
        assert value.value in {4, 1.5}


@given(words=st.text("ab .:=is14,-\n", max_size=3000))
def test_names_differ_and_are_few(words):
    names = [value.name for value in told_values(words, "1 4")]
    assert len(names) == len(set(names)) <= MOST_VALUES
