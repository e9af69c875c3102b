"""Budgets: each one that is used up has its own sentence."""

from __future__ import annotations

import pytest

from analyst.agent.budget import Budget, Limits, normal_form
from analyst.record.events import Usage


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fresh_budget_has_room() -> None:
    assert Budget(Limits()).exhausted() is None


def test_each_budget_names_itself_when_it_is_used_up() -> None:
    clock = Clock()
    budget = Budget(Limits(steps=2, tokens=100, seconds=5), clock=clock)
    budget.count_reply(Usage(input=10, output=5))
    assert budget.exhausted() is None
    budget.count_reply(Usage(input=10, output=5))
    assert budget.exhausted() == "the limit of 2 steps was reached"
    budget = Budget(Limits(tokens=100), clock=clock)
    budget.count_reply(Usage(input=90, output=10, cached=80))
    assert budget.exhausted() == "the limit of 100 tokens was reached"
    budget = Budget(Limits(seconds=5), clock=clock)
    clock.now += 5
    assert budget.exhausted() == "the limit of 5 seconds was reached"


def test_waiting_for_the_user_does_not_count() -> None:
    clock = Clock()
    budget = Budget(Limits(seconds=5), clock=clock)
    clock.now += 7
    budget.paused_seconds += 6
    assert budget.exhausted() is None
    assert budget.seconds == 1


def test_malformed_replies_end_a_run_only_in_a_row() -> None:
    budget = Budget(Limits(malformed=3))
    budget.malformed_in_a_row = 2
    assert budget.exhausted() is None
    budget.malformed_in_a_row = 3
    assert "last 3 replies" in str(budget.exhausted())


def test_failures_end_a_run_only_in_a_row() -> None:
    budget = Budget(Limits(failures=4))
    budget.failures_in_a_row = 3
    assert budget.exhausted() is None
    budget.failures_in_a_row = 4
    assert budget.exhausted() == "the last 4 tries did not work"


def test_repeats_are_told_from_new_tries_by_meaning_not_by_layout() -> None:
    budget = Budget(Limits(repeats=1))
    assert not budget.is_repeat("x = 1\nprint(x)")
    assert budget.is_repeat("x=1  # once more\n\nprint( x )")
    assert not budget.is_repeat("x = 2\nprint(x)")
    assert budget.exhausted() is None
    assert budget.is_repeat("x = 2\nprint(x)")
    assert budget.exhausted() == "the model sent the same code again and again"


@pytest.mark.parametrize("code", ["%timeit x", "for", "\x00", "x = (" * 300])
def test_code_that_is_no_python_has_a_normal_form_too(code: str) -> None:
    assert normal_form(code) == normal_form(code + "\n\n")
