"""Budgets: each one that is used up has its own sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.agent.budget import Budget, Limits, cost_of, normal_form
from analyst.configuration import Price
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


PRICES = {"m": Price(input=2.0, cached=0.5, output=10.0), "plain": Price(input=1.0, output=1.0)}


def test_money_is_counted_by_the_price_of_each_model() -> None:
    budget = Budget(Limits(), prices=PRICES)
    budget.count_reply(Usage(input=1_000_000, cached=400_000, output=100_000), model="m")
    assert budget.cost == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    budget.count_reply(Usage(input=1_000_000, cached=400_000), model="plain")
    assert budget.cost == pytest.approx(3.4)


def test_a_kept_reply_costs_nothing_whoever_gave_it() -> None:
    budget = Budget(Limits(), prices=PRICES)
    budget.count_reply(Usage(input=1000, cached=1000), model="unknown", kept=True)
    assert budget.cost == 0


def test_without_a_price_the_cost_is_not_known_rather_than_low() -> None:
    budget = Budget(Limits(cost=0.01), prices=PRICES)
    budget.count_reply(Usage(input=10), model="unknown")
    budget.count_reply(Usage(input=10_000), model="plain")
    assert budget.cost is None
    # What is known still ends it.
    assert budget.exhausted() == "the limit of 0.01 for the cost was reached"


def test_a_missing_price_is_told_once_and_only_where_money_is_limited() -> None:
    budget = Budget(Limits(cost=1.0), prices=PRICES)
    (news,) = budget.news("unknown")
    assert news.code == "no_price"
    assert '[prices."unknown"]' in news.text
    assert not [*budget.news("unknown")]
    assert not [*budget.news("m")]
    assert not [*Budget(Limits(), prices=PRICES).news("unknown")]


@pytest.mark.parametrize(
    ("limits", "used", "said"),
    [
        (Limits(steps=5, cost=None), Usage(), "4 of 5 steps"),
        (Limits(tokens=1000), Usage(input=190, output=10), "800 of 1,000 tokens"),
        (Limits(cost=0.01), Usage(input=2000), "0.008 of 0.01 for the cost"),
    ],
)
def test_the_end_of_a_budget_is_announced_once(limits: Limits, used: Usage, said: str) -> None:
    budget = Budget(limits, prices=PRICES)
    for _ in range(3):
        budget.count_reply(used, model="plain")
        assert not [*budget.news("plain")]
    budget.count_reply(used, model="plain")
    assert [one.text for one in budget.news("plain")] == [f"The budget is nearly used up: {said}."]
    budget.count_reply(used, model="plain")
    assert not [*budget.news("plain")]


def test_the_end_of_the_time_is_announced() -> None:
    clock = Clock()
    budget = Budget(Limits(seconds=10), clock=clock)
    clock.now += 9
    budget.paused_seconds = 2
    assert not [*budget.news("")]
    budget.paused_seconds = 0
    assert [one.code for one in budget.news("")] == ["budget_near"]


def test_a_part_counts_for_the_whole_and_ends_with_it() -> None:
    whole = Budget(Limits(steps=2, tokens=1000, cost=1.0), prices=PRICES)
    part = whole.part(steps=3)
    for _ in range(3):
        part.count_reply(Usage(input=100), model="plain")
    assert part.exhausted() == "the limit of 3 steps was reached"
    assert (whole.steps, whole.usage.input, whole.cost) == (3, 300, pytest.approx(3e-4))
    # The steps of parts are their own; tokens and money are the whole's.
    assert whole.spent() is None
    assert not [*part.news("plain")]
    other = whole.part(steps=9)
    other.count_reply(Usage(input=500), model="plain")
    assert [one.code for one in other.news("plain")] == ["budget_near"]
    assert not [*whole.news("plain")]
    other.count_reply(Usage(input=200), model="plain")
    assert other.exhausted() == "the limit of 1000 tokens was reached"


def test_what_is_asked_beside_costs_but_is_no_step() -> None:
    whole = Budget(Limits(tokens=1000), prices=PRICES)
    part = whole.part(steps=2)
    part.count_beside(Usage(input=300), model="plain")
    part.count_beside(Usage(input=200, cached=200), model="unknown", kept=True)
    assert (part.steps, whole.steps) == (0, 0)
    assert (whole.usage.input, whole.cost) == (500, pytest.approx(3e-4))


def test_a_reply_gets_no_more_room_than_money_is_left() -> None:
    budget = Budget(Limits(tokens=10_000, cost=0.01), prices=PRICES)
    assert budget.reply_room("m") == 1000
    assert budget.reply_room("unknown") == 10_000
    budget.count_reply(Usage(input=3000), model="m")
    assert budget.reply_room("m") == 400
    assert budget.part(steps=2).reply_room("m") == 400
    budget.count_reply(Usage(input=30_000), model="m")
    assert budget.reply_room("m") == 0


def test_what_is_read_first_leaves_less_room() -> None:
    budget = Budget(Limits(tokens=10_000, cost=0.01), prices=PRICES)
    assert budget.reply_room("m", read=2500) == 500
    assert budget.reply_room("unknown", read=2500) == 7500
    assert budget.reply_room("m", read=5000) == 0
    free = Budget(Limits(cost=0.01), prices={"free": Price(input=1.0, output=0.0)})
    assert free.reply_room("free", read=9000) == 41_000
    assert free.reply_room("free", read=10_001) == 0


def test_beside_a_conversation_steps_do_not_come_to_an_end() -> None:
    budget = Budget(Limits(steps=1))
    budget.count_reply(Usage(input=10))
    assert not [*budget.news("m", beside=True)]
    assert [one.code for one in budget.news("m")] == ["budget_near"]


def test_the_model_is_told_to_conclude_once_whoever_told_the_user() -> None:
    whole = Budget(Limits(tokens=1000))
    part = whole.part(steps=3)
    assert not part.should_conclude()
    part.count_reply(Usage(input=850))
    assert [one.code for one in whole.news("m", beside=True)] == ["budget_near"]
    assert part.should_conclude()
    assert not whole.part(steps=2).should_conclude()


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1e6))
def test_no_usage_costs_less_than_nothing(read: int, cached: int, written: int, at: float) -> None:
    usage = Usage(input=read, cached=cached, output=written)
    assert cost_of(usage, Price(input=at, output=at)) >= 0
