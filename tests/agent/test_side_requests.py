"""Requests beside the conversation keep to the budget, and say what is not known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from analyst.agent.budget import Budget, Limits
from analyst.agent.context import Context, Question
from analyst.agent.side_requests import SideRequests
from analyst.agent.task import Progress
from analyst.configuration import Price
from analyst.llm.completion import Completion, CompletionRequest
from analyst.llm.scripted import ScriptedModel, ScriptedReply
from analyst.record import events
from analyst.record.events import Usage
from analyst.record.making import EventMaker

NAME = "scripted replies, no model"
WANTED = 450


class Beside:
    """A run that used ``used`` tokens, and whose conversation has ``read`` of them."""

    def __init__(self, limits: Limits, *, used: int = 0, read: int = 0, **options: Any) -> None:
        self.budget = Budget(limits, **options)
        self.budget.count_reply(Usage(input=used), model=NAME)
        context = Context([{"role": "user", "content": "x"}], 10_000)
        context.ask(Question(text="q"))
        context.tokens = read
        self.requests = SideRequests(
            context=context, budget=self.budget, make=EventMaker("run"), progress=Progress()
        )
        self.model = ScriptedModel([self.reply] * 9)

    @staticmethod
    def reply(request: CompletionRequest) -> ScriptedReply:
        """Write all that may be written."""
        return ScriptedReply(text="x", usage=Usage(input=100, output=request.max_tokens or 0))

    async def send(self, count: int = 1, *, text: str = "q") -> list[Any]:
        messages: Sequence[Any] = ({"role": "user", "content": text},)
        request = CompletionRequest(messages=messages, max_tokens=WANTED)
        stream = self.requests.send(self.model, request, check="second", count=count)
        return [item async for item in stream]

    @property
    def limits(self) -> list[int | None]:
        return [request.max_tokens for request in self.model.requests]


def codes(items: list[Any]) -> list[str]:
    return [item.code for item in items if isinstance(item, events.Note)]


async def test_with_enough_left_all_are_asked_for_in_full() -> None:
    beside = Beside(Limits(), read=100)
    items = await beside.send(3)
    assert beside.limits == [WANTED] * 3
    assert [type(item) for item in items if not isinstance(item, events.ModelResponded)] == [
        *[events.Prompt] * 3,
        *[Completion] * 3,
    ]


@pytest.mark.parametrize(
    ("used", "limits"),
    [
        (8350, [WANTED] * 3),
        (8351, [WANTED] * 2),
        (8900, [WANTED] * 2),
        (8901, [WANTED]),
        (9450, [WANTED]),
        (9500, [400]),
        (9836, [64]),
        (9837, []),
        (9990, []),
        (10_500, []),
    ],
)
async def test_what_is_left_of_the_tokens_is_shared(used: int, limits: list[int]) -> None:
    beside = Beside(Limits(tokens=10_000), used=used, read=100)
    items = await beside.send(3)
    assert beside.limits == limits
    assert len([item for item in items if isinstance(item, Completion)]) == len(limits)
    assert ("check_left_out" in codes(items)) == (not limits)
    assert beside.budget.usage.total <= max(10_000, used)


async def test_what_is_not_asked_for_is_told_once_and_costs_nothing() -> None:
    beside = Beside(Limits(tokens=1000), used=990)
    items = [*await beside.send(3), *await beside.send(2)]
    (note,) = [item for item in items if isinstance(item, events.Note)]
    assert note.level == "warning"
    assert note.text == (
        "Too little of the budget is left for a second computation, so it is left out."
    )
    assert beside.budget.usage.total == 990
    assert beside.requests.progress.requests == 0


async def test_a_conversation_that_was_not_counted_yet_is_estimated() -> None:
    beside = Beside(Limits(tokens=10_000), used=8000)
    assert codes(await beside.send(text="x" * 9000)) == ["check_left_out"]


async def test_what_is_left_of_the_money_is_shared_too() -> None:
    prices = {NAME: Price(input=10.0, output=100.0)}
    # A reply of 450 costs 0.046 with what it reads.
    for cost, limits in ((0.14, [WANTED] * 3), (0.1, [WANTED] * 2), (0.02105, [200]), (0.006, [])):
        beside = Beside(Limits(cost=cost), read=100, prices=prices)
        await beside.send(3)
        assert beside.limits == limits


async def test_a_model_without_a_price_is_named_before_it_is_asked() -> None:
    beside = Beside(Limits(cost=0.01))
    items = [*await beside.send(2), *await beside.send(1)]
    assert codes(items) == ["no_price"]
    assert isinstance(items[0], events.Note)
    assert f'[prices."{NAME}"]' in items[0].text


async def test_the_end_of_the_tokens_is_told_but_not_that_of_the_steps() -> None:
    assert codes(await Beside(Limits(steps=1)).send()) == []
    assert codes(await Beside(Limits(tokens=1000), used=850).send()) == ["budget_near"]
