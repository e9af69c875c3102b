"""Numbers of answers: those that were computed pass however they are written, others do not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.checks.grounding import numbers_not_computed

PRINTED = "mean 17750.87 rows 1704\nshare 0.25347\npop 127467972\n2007 -3.25"


@pytest.mark.parametrize(
    "answer",
    [
        "The mean is 17750.87.",
        "About 17,751 a head.",
        "It is **17750.9**, from 1,704 rows.",
        "A share of 25.3 %, or 25 percent.",
        "127.5 million people, or 0.13 billion.",
        "It fell by 3.25 in 2007.",
        "1. Japan\n2. Norway\nThe five best of 12.",
        "As known before [F123].",
        "No numbers at all.",
    ],
)
def test_computed_numbers_pass(answer: str) -> None:
    assert numbers_not_computed(answer, [PRINTED]) == []


@pytest.mark.parametrize(
    ("answer", "strange"),
    [
        ("The mean is 1.1352e+05.", ["1.1352e+05"]),
        ("17750.88 on average", ["17750.88"]),
        ("It is 17,752.", ["17,752"]),
        ("25.4 % of all, in 1952", ["25.4", "1952"]),
        ("128 million", ["128"]),
    ],
)
def test_other_numbers_do_not(answer: str, strange: list[str]) -> None:
    assert numbers_not_computed(answer, [PRINTED]) == strange


Shape = Callable[[random.Random, float], tuple[str, str]]
"""How code prints a value, and how a sentence tells it."""


def decimals(chance: random.Random, value: float) -> tuple[str, str]:
    return f"{value:.6f}", f"It is {value:,.{chance.randrange(3)}f}."


def halves(chance: random.Random, value: float) -> tuple[str, str]:
    cents = int(value) * 100 + 5 + 10 * chance.randrange(10)
    whole, part = divmod((cents + 5) // 10, 10)
    return f"{cents / 100}", f"It is {whole:,}.{part} on average."


def shares(chance: random.Random, value: float) -> tuple[str, str]:
    share = value / 1e6
    sign = chance.choice((" %", "%", " percent", " percentage points"))
    return f"{share:.5f}", f"That is {100 * share:.{chance.randrange(1, 3)}f}{sign}."


def small_percents(chance: random.Random, value: float) -> tuple[str, str]:
    share = (value % 11 + 1) / 100
    return f"{share:.4f}", f"It grew by {100 * share:.0f} %."


def millions(chance: random.Random, value: float) -> tuple[str, str]:
    people = value * chance.uniform(10, 1e3)
    return f"{people:.0f}", f"About {people / 1e6:.1f} million people live there."


def compact_list(chance: random.Random, value: float) -> tuple[str, str]:
    whole = 100 + int(value) % 900
    others = [chance.randrange(100, 999) for _ in range(2)]
    return f"2001,{others[0]},{whole},{others[1]}", f"In 2001 it was {whole}."


def array(chance: random.Random, value: float) -> tuple[str, str]:
    return (
        f"[{chance.random():.3f} {value:.3f} {chance.random():.3f}]",
        f"The second is {value:.2f}",
    )


def in_german(chance: random.Random, value: float) -> tuple[str, str]:
    told = f"{value:,.{chance.randrange(3)}f}"
    return f"{value:.4f}", "Es sind " + told.translate(str.maketrans(",.", ".,")) + " im Mittel."


def with_gaps(chance: random.Random, value: float) -> tuple[str, str]:
    told = f"{value:,.0f}".replace(",", chance.choice(" \u00a0\u202f\u2009'"))
    return f"{value:.4f}", f"It comes to {told} in all."


def hedged(chance: random.Random, value: float) -> tuple[str, str]:
    word = chance.choice(("about", "roughly", "nearly", "approximately"))
    return f"{value:.2f}", f"It is {word} {float(f'{value:.2e}'):,.0f}."


def scientific(chance: random.Random, value: float) -> tuple[str, str]:
    return f"{value:.6e}", f"It is {value:.3e}."


@pytest.mark.parametrize(
    "shape",
    [
        *(decimals, halves, shares, small_percents, millions, compact_list, array),
        *(in_german, with_gaps, hedged, scientific),
    ],
)
def test_planted_numbers_are_found_and_right_ones_left_alone(shape: Shape) -> None:
    """Of each shape hundred answers with a wrong number, and hundred with right ones."""
    chance = random.Random(3)
    missed = flagged = 0
    for _ in range(100):
        value = chance.uniform(13, 1e6)
        printed, right = shape(chance, value)
        flagged += bool(numbers_not_computed(right, [f"region mean\nnorth {printed}"]))
        other = value
        while shape(random.Random(0), other)[1] == shape(random.Random(0), value)[1]:
            other = value * chance.uniform(1.02, 1.5)
        _, wrong = shape(chance, other)
        missed += not numbers_not_computed(wrong, [f"region mean\nnorth {printed}"])
    assert missed <= 5
    assert flagged <= 2


def test_planted_numbers_are_found_among_many() -> None:
    chance = random.Random(5)
    missed = 0
    for _ in range(100):
        printed = "\n".join(f"value {chance.uniform(13, 1e6):.6f}" for _ in range(20))
        missed += not numbers_not_computed(f"It is {chance.uniform(13, 1e6):,.1f}.", [printed])
    assert missed <= 5


@pytest.mark.parametrize(
    "answer",
    [
        "The 95% CI holds it; so does the 95 % confidence interval.",
        "It differs (p < 0.05), at the 5 % level, with alpha = 0.05.",
        "In the 1990s, and in the 21st century.",
        "The top 10 % of them.",
        "See https://example.org/2021/4711 for more.",
    ],
)
def test_numbers_that_name_something_claim_nothing(answer: str) -> None:
    assert numbers_not_computed(answer, [PRINTED]) == []


@pytest.mark.parametrize(
    ("answer", "printed", "strange"),
    [
        ("It grew by 9 %.", "0.03", ["9"]),
        ("7 million people", "123456", ["7"]),
        ("They lost 3 billion dollars.", "0.5", ["3"]),
        ("Es sind 12,5 %.", "0.126\n12\n5", ["12,5"]),
        ("It is 1e999.", "1", ["1e999"]),
        ("It is about 20,000.", "17750.87", ["20,000"]),
        ("It is 17,800.", "17750.87", ["17,800"]),
        ("p = 0.04", "0.032", ["0.04"]),
    ],
)
def test_wrong_numbers_are_found_however_they_are_written(
    answer: str, printed: str, strange: list[str]
) -> None:
    assert numbers_not_computed(answer, [printed]) == strange


@given(st.text(alphabet="0123456789.,' -eE%[()]\u202fk million", max_size=60))
def test_any_text_can_be_looked_through(text: str) -> None:
    assert numbers_not_computed(text, [text]) == []
