"""The checks that an answer goes through before it is given, besides those of its single calls.

Here: the second computation (the question asked afresh, and the values compared) and the review
by a critic, each with what it costs. Not here: whether numbers were computed at all
(:mod:`.checks.grounding`), silent errors of code (:mod:`analyst.tools`), or how values are compared
(:mod:`.checks.agreement`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from analyst.agent import values as asked
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.checks.agreement import agreeing, elect
from analyst.agent.checks.critic import critic_message, fault_in
from analyst.agent.checks.grounding import numbers_not_computed
from analyst.agent.checks.independent import Apart, Computed, code_of, compute
from analyst.agent.checks.second_words import NUMBERS_AGREE, NUMBERS_DIFFER, told
from analyst.agent.context import Context
from analyst.agent.gate import decided
from analyst.agent.protocol import CODE_TOOL, ActionProtocol, new_call_id
from analyst.agent.side_requests import SideRequests
from analyst.agent.task import Progress, Task
from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    LanguageModel,
    Message,
    ModelError,
)
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.permissions import Judgement
from analyst.tools.registry import ToolRegistry
from kernel_sandbox import KernelSandboxError

Account = Literal["second", "last_tries"]
"""On whose account an answer is computed again: to compare, or as nothing came of the question."""

TEMPERATURES: Mapping[Account, float] = {"second": 0.6, "last_tries": 0.8}
"""The first computation is the likeliest; further ones are to be of another mind."""

CODE_TOKENS = 450
CRITIC_TOKENS = 200

ALL_AT_ONCE = "Compute it in one piece of code, and print every number that the answer needs."


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Which checks an answer goes through.

    ``rounds`` are further computations, so many side by side in each round; another round comes
    only where those before do not agree. Empty: none. ``note`` is said to them. ``last_tries``
    come side by side, where all tries failed and tokens and time are left.
    """

    rounds: tuple[int, ...] = ()
    last_tries: int = 0
    critic: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of an answer: given as it is, or computed by ``code``, or mended for ``fault``.

    At most one of both is there.
    """

    code: str = ""
    fault: str = ""


@dataclass
class Verifier:
    """Checks the answers of one run. ``critic_model``: who reviews, if not the same model."""

    checks: Checks
    model: LanguageModel
    protocol: ActionProtocol
    tools: ToolRegistry
    approvals: Approvals
    apart: Apart
    critic_model: LanguageModel | None = None

    async def check(
        self,
        task: Task,
        text: str,
        *,
        context: Context,
        budget: Budget,
        make: EventMaker,
        progress: Progress,
    ) -> AsyncIterator[events.Event | Verdict]:
        """Check an answer; last comes the :class:`Verdict`. A check that fails changes nothing."""
        verdict = Verdict()
        beside = SideRequests(context=context, budget=budget, make=make, progress=progress)
        # What only repeats known code was checked when that was found.
        computed = progress.calls_ok and progress.requests
        if computed and self.checks.rounds and self._is_comparable(task, text, progress):
            async for item in self._compute_again(task, text, beside):
                if isinstance(item, Computed):
                    verdict = Verdict(code=item.code)
                else:
                    yield item
        if computed and self.checks.critic and not verdict.code and budget.exhausted() is None:
            async for found in self._review(text, beside):
                if isinstance(found, str):
                    verdict = Verdict(fault=found)
                else:
                    yield found
        yield verdict

    async def rescue(
        self, task: Task, *, context: Context, budget: Budget, make: EventMaker, progress: Progress
    ) -> AsyncIterator[events.Event | Computed]:
        """Try once more, several ways side by side, a question that all tries failed at.

        Last comes the computation to take, if any gave all that is asked.
        """
        started = time.monotonic()
        beside = SideRequests(context=context, budget=budget, make=make, progress=progress)
        computed: list[Computed] = []
        plain = max(1, self.checks.last_tries // 2)
        # Some know what failed before, some do not: it may have led astray.
        afresh = (("", plain), (None, self.checks.last_tries - plain))
        try:
            for note, count in afresh if task.value_names else ():
                if not count or computed:
                    continue
                messages = context.asked_afresh(task.question, note)
                async for item in self._compute_each(
                    messages, count, task, beside, account="last_tries"
                ):
                    if isinstance(item, Computed):
                        computed.append(item)
                    else:
                        yield item
        except (ModelError, KernelSandboxError) as error:
            yield beside.note("second_failed", str(error), "warning")
        progress.charge("last_tries", seconds=time.monotonic() - started)
        if computed:
            yield computed[elect([one.values for one in computed], task.value_names)]

    def _is_comparable(self, task: Task, text: str, progress: Progress) -> bool:
        """Tell whether there are values, or numbers of the answer's own, to be compared."""
        if task.value_names:
            return not asked.missing(task.value_names, progress.values)
        return task.has_data and not _bears_out(task, text, ())

    async def _compute_again(
        self, task: Task, text: str, beside: SideRequests
    ) -> AsyncIterator[events.Event | Computed]:
        """Compute the answer apart; yield another computation if that is the one to take."""
        started = time.monotonic()
        names = task.value_names
        computed = [Computed(values=dict(beside.progress.values))]
        settled = False
        try:
            await self.apart.set_aside()
        except KernelSandboxError:
            return
        try:
            for count in self.checks.rounds:
                if settled or beside.budget.exhausted() is not None:
                    break
                note = (self.checks.note or None) if names else ALL_AT_ONCE
                messages = beside.context.asked_afresh(task.question, note)
                async for item in self._compute_each(messages, count, task, beside):
                    if isinstance(item, Computed):
                        computed.append(item)
                    else:
                        yield item
                settled = (
                    _is_settled(computed, names)
                    if names
                    else any(_bears_out(task, text, one.seen) for one in computed[1:])
                )
        except (ModelError, KernelSandboxError) as error:
            yield beside.note("second_failed", str(error), "warning")
        finally:
            with suppress(KernelSandboxError):
                await self.apart.bring_back()
            beside.progress.charge("second", seconds=time.monotonic() - started)
        if len(computed) == 1:
            return
        if not names:
            yield beside.note(*(NUMBERS_AGREE if settled else NUMBERS_DIFFER))
            return
        chosen = elect([one.values for one in computed], names)
        yield beside.note(*told(chosen, [one.values for one in computed], names))
        if chosen:
            yield computed[chosen]

    async def _compute_each(
        self,
        messages: Sequence[Message],
        count: int,
        task: Task,
        beside: SideRequests,
        *,
        account: Account = "second",
    ) -> AsyncIterator[events.Event | Computed]:
        """Ask several times side by side; yield what happens, and what each reply computes."""
        request = CompletionRequest(
            messages=tuple(messages),
            tools=self.tools.as_openai_tools() if self.protocol.sends_tools else (),
            max_tokens=CODE_TOKENS,
            temperature=TEMPERATURES[account],
            stop=tuple(self.protocol.stop),
        )
        replies: list[Completion] = []
        async for item in beside.send(self.model, request, check=account, count=count):
            if isinstance(item, Completion):
                replies.append(item)
            else:
                yield item
        for reply in replies:
            judged: list[Judgement] = []
            found = await self._result(reply, task, judged.append)
            for one in judged:
                yield decided(beside.make, new_call_id(), CODE_TOOL, one)
            for computed in found:
                yield computed

    async def _result(
        self, reply: Completion, task: Task, judged: Callable[[Judgement], None]
    ) -> list[Computed]:
        """Return what the code of a reply computes: all that is asked, and nothing doubtful."""
        code = code_of(reply, self.protocol)
        if not code:
            return []
        await self.apart.start_again()
        found = await compute(code, task, self.tools, self.approvals, decided=judged)
        if found is None or found.doubts or asked.missing(task.value_names, found.values):
            return []
        return [found]

    async def _review(self, answer: str, beside: SideRequests) -> AsyncIterator[events.Event | str]:
        """Have the answer reviewed; yield the fault that was found, if one was."""
        started = time.monotonic()
        messages = beside.context.messages
        request = CompletionRequest(
            messages=(*messages, critic_message(answer, messages[-1])),
            max_tokens=CRITIC_TOKENS,
            stop=tuple(self.protocol.stop),
        )
        fault, replied = "", False
        try:
            async for item in beside.send(self.critic_model or self.model, request, check="critic"):
                if isinstance(item, Completion):
                    fault, replied = fault_in(item.text), True
                else:
                    yield item
        except ModelError as error:
            yield beside.note("critic_failed", str(error), "warning")
            return
        beside.progress.charge("critic", seconds=time.monotonic() - started)
        if fault:
            yield beside.note("critic_fault", f"A reviewer found fault: {fault}", "warning")
            yield fault
        elif replied:
            yield beside.note("critic_agrees", "A reviewer found no fault.")


def _bears_out(task: Task, text: str, seen: Sequence[str]) -> bool:
    """Tell whether all numbers of an answer, but those of the question, stand in some texts."""
    return not numbers_not_computed(text, [task.question.text, *task.question.data, *seen])


def _is_settled(computed: Sequence[Computed], names: Sequence[str]) -> bool:
    """Tell whether more than half of the computations, and two at least, agree on all values."""
    values = [one.values for one in computed]
    chosen = values[elect(values, names)]
    backing = sum(len(agreeing(chosen, other, names)) == len(names) for other in values)
    return backing >= 2 and 2 * backing > len(values)
