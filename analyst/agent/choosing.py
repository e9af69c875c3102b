"""Asking the model which of some findings answers a question.

Not here: the words of it (:mod:`analyst.agent.reuse`), and what becomes of the finding
(:mod:`analyst.session.recollection`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from analyst.agent import reuse
from analyst.agent.budget import Budget
from analyst.agent.loop import AgentLoop
from analyst.agent.task import Progress
from analyst.llm.completion import Completion
from analyst.memory.finding import Finding
from analyst.record import events
from analyst.record.making import EventMaker


async def choose_known(
    loop: AgentLoop,
    question: str,
    findings: Sequence[Finding],
    *,
    budget: Budget,
    make: EventMaker,
    progress: Progress,
) -> AsyncIterator[events.Event | Finding]:
    """Yield what happens, and last the finding that the model chose, if any.

    The conversation is as before afterwards. Raises
    :class:`analyst.llm.completion.ModelError`.
    """
    before = len(loop.context.messages)
    loop.context.append({"role": "user", "content": reuse.offer(question, findings)})
    try:
        async for item in loop.ask_model(budget, make, progress, most_tokens=reuse.REPLY_TOKENS):
            if not isinstance(item, Completion):
                yield item
                continue
            yield loop.count(item, budget, make, progress)
            found = reuse.chosen(item.text, findings)
            if found is not None:
                yield found
    finally:
        del loop.context.messages[before:]
