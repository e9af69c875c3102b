"""Numbers of answers: those that were computed pass however they are written, others do not."""

from __future__ import annotations

import random

import pytest

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


def test_planted_numbers_are_found_and_right_ones_left_alone() -> None:
    """Hundred answers with a wrong number each, and hundred with right ones."""
    chance = random.Random(3)
    missed = flagged = 0
    for _ in range(100):
        values = [chance.uniform(13, 1e6) for _ in range(20)]
        printed = "\n".join(f"value {one:.6f}" for one in values)
        right = chance.choice(values)
        places = chance.randrange(3)
        told = f"The value is {right:,.{places}f}."
        flagged += bool(numbers_not_computed(told, [printed]))
        wrong = f"The value is {right * chance.uniform(1.01, 1.5):,.{places}f}."
        missed += not numbers_not_computed(wrong, [printed])
    assert missed <= 5
    assert flagged <= 2
