"""The checks that an answer goes through before it is given, besides those of its single calls.

Here: the second computation (the question asked afresh, and the values compared) and the review
by a critic, each with what it costs. Not here: whether numbers were computed at all
(:mod:`analyst.agent.grounding`), silent errors of code (:mod:`analyst.tools`), or how values are
compared (:mod:`analyst.agent.agreement`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from analyst.agent.agreement import agreeing, elect, unconfirmed
from analyst.agent.approval import Approvals
from analyst.agent.budget import Budget
from analyst.agent.context import Context
from analyst.agent.critic import critic_message, fault_in
from analyst.agent.gate import decided
from analyst.agent.grounding import numbers_not_computed
from analyst.agent.independent import Apart, Computed, code_of, compute
from analyst.agent.protocol import CODE_TOOL, ActionProtocol, new_call_id
from analyst.agent.side_requests import SideRequests
from analyst.agent.task import Progress, Task
from analyst.llm.completion import Completion, CompletionRequest, LanguageModel, ModelError
from analyst.record import events
from analyst.record.making import EventMaker
from analyst.tools.permissions import Judgement
from analyst.tools.registry import ToolRegistry
from kernel_sandbox import KernelSandboxError

TEMPERATURE = 0.6
"""Of further computations: the first one is the likeliest, these are to be of another mind."""

CODE_TOKENS = 700
CRITIC_TOKENS = 200
SHOWN = 60

ALL_AT_ONCE = "Compute it in one piece of code, and print every number that the answer needs."


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Which checks an answer goes through.

    ``rounds`` are further computations, so many side by side in each round; another round comes
    only where those before do not agree. Empty: none. ``note`` is said to them.
    """

    rounds: tuple[int, ...] = ()
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

    def _is_comparable(self, task: Task, text: str, progress: Progress) -> bool:
        """Tell whether there are values, or numbers of the answer's own, to be compared."""
        if task.value_names:
            return not [name for name in task.value_names if name not in progress.values]
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
                replies: list[Completion] = []
                async for item in self._ask(task, count, beside):
                    if isinstance(item, Completion):
                        replies.append(item)
                    else:
                        yield item
                for reply in replies:
                    judged: list[Judgement] = []
                    computed += await self._result(reply, task, judged.append)
                    for one in judged:
                        yield decided(beside.make, new_call_id(), CODE_TOOL, one)
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
        yield beside.note(*_told(chosen, [one.values for one in computed], names))
        if chosen:
            yield computed[chosen]

    async def _ask(
        self, task: Task, count: int, beside: SideRequests
    ) -> AsyncIterator[events.Event | Completion]:
        note = self.checks.note if task.value_names else ALL_AT_ONCE
        request = CompletionRequest(
            messages=tuple(beside.context.asked_afresh(task.question, note)),
            tools=self.tools.as_openai_tools() if self.protocol.sends_tools else (),
            max_tokens=CODE_TOKENS,
            temperature=TEMPERATURE,
            stop=tuple(self.protocol.stop),
        )
        async for item in beside.send(self.model, request, check="second", count=count):
            yield item

    async def _result(
        self, reply: Completion, task: Task, judged: Callable[[Judgement], None]
    ) -> list[Computed]:
        """Return what the code of a reply computes, if it computes all that is asked."""
        code = code_of(reply, self.protocol)
        if not code:
            return []
        await self.apart.start_again()
        found = await compute(code, task, self.tools, self.approvals, decided=judged)
        complete = found and not [name for name in task.value_names if name not in found.values]
        return [found] if found and complete else []

    async def _review(self, answer: str, beside: SideRequests) -> AsyncIterator[events.Event | str]:
        """Have the answer reviewed; yield the fault that was found, if one was."""
        started = time.monotonic()
        messages = beside.context.messages
        request = CompletionRequest(
            messages=(*messages, critic_message(answer, messages[-1])),
            max_tokens=CRITIC_TOKENS,
            stop=tuple(self.protocol.stop),
        )
        fault = ""
        try:
            async for item in beside.send(self.critic_model or self.model, request, check="critic"):
                if isinstance(item, Completion):
                    fault = fault_in(item.text)
                else:
                    yield item
        except ModelError as error:
            yield beside.note("critic_failed", str(error), "warning")
            return
        beside.progress.charge("critic", seconds=time.monotonic() - started)
        if fault:
            yield beside.note("critic_fault", f"A reviewer found fault: {fault}", "warning")
            yield fault
        else:
            yield beside.note("critic_agrees", "A reviewer found no fault.")


_NoteParts = tuple[str, str, events.NoteLevel]
NUMBERS_AGREE: _NoteParts = (
    "second_agrees",
    "An independent computation gave the same numbers.",
    "info",
)
NUMBERS_DIFFER: _NoteParts = (
    "second_differs",
    "Computed again another way, not all numbers of the answer came out.",
    "warning",
)


def _bears_out(task: Task, text: str, seen: Sequence[str]) -> bool:
    """Tell whether all numbers of an answer, but those of the question, stand in some texts."""
    return not numbers_not_computed(text, [task.question.text, *task.question.data, *seen])


def _is_settled(computed: Sequence[Computed], names: Sequence[str]) -> bool:
    """Tell whether more than half of the computations, and two at least, agree on all values."""
    values = [one.values for one in computed]
    chosen = values[elect(values, names)]
    backing = sum(len(agreeing(chosen, other, names)) == len(names) for other in values)
    return backing >= 2 and 2 * backing > len(values)


def _told(chosen: int, values: Sequence[Mapping[str, Any]], names: Sequence[str]) -> _NoteParts:
    """Word how the computations compare."""
    alone = unconfirmed(chosen, values, names)
    if alone:
        others = [_listed(one, alone) for at, one in enumerate(values) if at != chosen]
        text = (
            f"Not confirmed: {_listed(values[chosen], alone)}. Computed again another way: "
            f"{'; '.join(dict.fromkeys(others))}."
        )
        return "second_differs", text, "warning"
    count = sum(len(agreeing(values[chosen], one, names)) == len(names) for one in values)
    text = f"{count} of {len(values)} independent computations agree."
    if chosen:
        text += f" The first one did not: {_listed(values[0], names)}."
    return "second_agrees", text, "info"


def _listed(values: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name} = {str(values[name])[:SHOWN]}" for name in names if name in values)
