"""Budgets of a run: steps, tokens, seconds, money, malformed replies, repeated code.

Here: counting, the warning before the end, and the sentence for each budget that ends a run. Not
here: what the run says then (:mod:`analyst.agent.partial`).
"""

from __future__ import annotations

import ast
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from analyst.configuration import Price
from analyst.record.events import Usage

WARN_AT = 0.8
"""The used share of a budget at which its end is announced."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use. ``tokens`` counts read and written ones, cached included.

    ``cost`` is money, in the currency of the prices. ``malformed`` replies and ``failures`` of
    calls count in a row, ``repeats`` of code in all.
    """

    steps: int = 8
    tokens: int = 50_000
    seconds: float = 600.0
    cost: float | None = None
    malformed: int = 3
    repeats: int = 2
    failures: int = 4


@dataclass(frozen=True, slots=True)
class BudgetNews:
    """Something about a budget that is said once: its end is near, or a price is not known."""

    code: Literal["budget_near", "no_price"]
    text: str


@dataclass
class Budget:
    """What one run has used. A step is one reply of the model.

    ``prices``: of models, by name. ``whole``: the budget that this one is a part of.
    """

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    prices: Mapping[str, Price] = field(default_factory=dict)
    whole: Budget | None = None
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    money: float = 0.0
    unpriced: set[str] = field(default_factory=set)
    malformed_in_a_row: int = 0
    failures_in_a_row: int = 0
    repeats: int = 0
    paused_seconds: float = 0.0
    _codes: Counter[str] = field(default_factory=Counter)
    _told: set[str] = field(default_factory=set)
    _has_parts: bool = False
    _is_concluding: bool = False
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def part(self, *, steps: int) -> Budget:
        """Return a budget of so many steps; what it uses counts here too, and can end it."""
        self._has_parts = True
        return Budget(
            replace(self.limits, steps=steps),
            clock=self.clock,
            prices=self.prices,
            whole=self,
        )

    @property
    def seconds(self) -> float:
        """Seconds used, without the time spent waiting for the user."""
        return self.clock() - self._started - self.paused_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self.limits.seconds - self.seconds)

    @property
    def cost(self) -> float | None:
        """Money used; ``None`` without prices, and when a model replied that has none."""
        return None if self.unpriced or not self.prices else self.money

    def count_reply(self, usage: Usage, *, model: str = "", kept: bool = False) -> None:
        """Count one reply of a model, a step; one that was ``kept`` from before costs nothing."""
        self.steps += 1
        self._charge(usage, model, kept=kept)
        if self.whole is not None:
            self.whole.count_reply(usage, model=model, kept=kept)

    def count_beside(self, usage: Usage, *, model: str, kept: bool = False) -> None:
        """Count a reply to something asked beside the conversation, which is no step."""
        self._charge(usage, model, kept=kept)
        if self.whole is not None:
            self.whole.count_beside(usage, model=model, kept=kept)

    def _charge(self, usage: Usage, model: str, *, kept: bool) -> None:
        self.usage += usage
        price = self.prices.get(model)
        if kept:
            return
        if price is None:
            self.unpriced.add(model)
        else:
            self.money += cost_of(usage, price)

    def is_repeat(self, code: str) -> bool:
        """Count ``code``; tell whether the same code was sent before in this run."""
        key = normal_form(code)
        self._codes[key] += 1
        repeated = self._codes[key] > 1
        self.repeats += repeated
        return repeated

    def reply_room(self, model: str, *, read: int = 0) -> int:
        """Return how many tokens a reply may have by what is left of tokens and money.

        ``read``: how many its prompt has, where those are to be paid for too.
        """
        whole = self.whole or self
        room: float = whole.limits.tokens - whole.usage.total - read
        price = self.prices.get(model)
        if whole.limits.cost is not None and price is not None:
            money = whole.limits.cost - whole.money - read * price.input / 1e6
            if price.output > 0:
                room = min(room, money / price.output * 1e6)
            elif money < 0:
                room = 0
        return max(0, math.floor(room))

    def exhausted(self) -> str | None:
        """Name the budget that is used up, as a clause; ``None`` while all have room."""
        limits = self.limits
        if self.malformed_in_a_row >= limits.malformed:
            count = self.malformed_in_a_row
            return f"the model's last {count} replies were neither code nor an answer"
        if self.failures_in_a_row >= limits.failures:
            return f"the last {self.failures_in_a_row} tries did not work"
        if self.repeats > limits.repeats:
            return "the model sent the same code again and again"
        if self.steps >= limits.steps:
            return f"the limit of {limits.steps} steps was reached"
        return (self.whole or self).spent()

    def spent(self) -> str | None:
        """Name what is used up of tokens, seconds and money, as a clause; ``None`` if nothing."""
        limits = self.limits
        if self.usage.total >= limits.tokens:
            return f"the limit of {limits.tokens} tokens was reached"
        if self.seconds >= limits.seconds:
            return f"the limit of {limits.seconds:g} seconds was reached"
        if limits.cost is not None and self.money >= limits.cost:
            return f"the limit of {limits.cost:g} for the cost was reached"
        return None

    def news(self, model: str, *, beside: bool = False) -> Iterator[BudgetNews]:
        """Yield what the user should know before ``model`` is asked, each thing once.

        ``beside``: the request is no step, so that it does not matter how many are left.
        """
        if self.whole is not None:
            yield from self.whole.news(model, beside=beside)
            return
        if self.limits.cost is not None and model not in self.prices and model not in self._told:
            self._told.add(model)
            yield BudgetNews(
                "no_price",
                f"No price of {model} is known, so its replies do not count towards max_cost. "
                f'Give it in analyst-tools.toml under [prices."{model}"], as input = … and '
                "output = … (money per million tokens).",
            )
        if "budget_near" not in self._told and (used := self._nearly_used(beside=beside)):
            self._told.add("budget_near")
            yield BudgetNews("budget_near", f"The budget is nearly used up: {used}.")

    def should_conclude(self) -> bool:
        """Tell, once in a run, that whoever works on the question should come to an end."""
        if self.whole is not None:
            return self.whole.should_conclude()
        if self._is_concluding or not self._nearly_used(beside=False):
            return False
        self._is_concluding = True
        return True

    def _nearly_used(self, *, beside: bool) -> str:
        limits = self.limits
        # Parts have steps of their own, each as many as it needs.
        if not (beside or self._has_parts) and self.steps >= WARN_AT * limits.steps:
            return f"{self.steps} of {limits.steps} steps"
        if self.usage.total >= WARN_AT * limits.tokens:
            return f"{self.usage.total:,} of {limits.tokens:,} tokens"
        if self.seconds >= WARN_AT * limits.seconds:
            return f"{self.seconds:.0f} of {limits.seconds:g} seconds"
        if limits.cost is not None and self.money >= WARN_AT * limits.cost:
            return f"{self.money:.4g} of {limits.cost:g} for the cost"
        return ""


def cost_of(usage: Usage, price: Price) -> float:
    """Return what a reply costs, in the currency of its price."""
    cached = min(usage.cached, usage.input)
    read = price.input if price.cached is None else price.cached
    tokens = (usage.input - cached) * price.input + cached * read + usage.output * price.output
    return tokens / 1e6


def normal_form(code: str) -> str:
    """Return code without comments, blank lines and layout, to tell repeats from new tries."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "\n".join(line.strip() for line in code.splitlines() if line.strip())
