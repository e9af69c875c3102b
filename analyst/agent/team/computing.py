"""The turn of whoever computes: the ordinary loop on the whole question; and going back.

Not here: the other turns (:mod:`analyst.agent.team.turns`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from analyst.agent.action import ToolCall
from analyst.agent.calls import ToolCalls
from analyst.agent.protocol import CODE_TOOL, new_call_id
from analyst.agent.task import Progress, Task
from analyst.agent.team import team_words as words
from analyst.agent.team.blackboard import Blackboard, Entry, Said
from analyst.agent.team.coordinator import Turn
from analyst.agent.team.speaking import Floor, Speaker, asked_of, call_told
from analyst.record import events


async def compute(
    task: Task, board: Blackboard, speaker: Speaker, turn: Turn, floor: Floor
) -> AsyncIterator[events.Event | Said]:
    """Answer the question, or answer it again; the last item is what it came to.

    A model that calls functions goes on in its conversation. A small one says again what stands
    before it, so that it begins afresh.
    """
    earlier = speaker.loop
    if earlier is not None and not speaker.native:
        await earlier.roll_back()
        yield floor.make(events.Note, code="retry", text="Taking another way.")
    goes_on = earlier is not None and speaker.native
    ask = _what_to_do(board, speaker, turn)
    question = asked_of(speaker, task.question, board, ask, after=speaker.heard if goes_on else 0)
    if goes_on:
        question = replace(question, data=())
    own = replace(task, question=question)
    loop = speaker.make(own)
    if earlier is not None and goes_on:
        loop.context = earlier.context
    speaker.loop = loop
    running: dict[str, str] = {}
    codes: list[str] = []
    async for event in floor.loop(loop, own, seen=[*floor.progress.seen]):
        match event:
            case events.Answer(complete=complete):
                yield Said(
                    kind="result" if complete else "remark",
                    text=event.text,
                    values=event.values,
                    codes=tuple(codes),
                    ungrounded=event.ungrounded,
                    complete=complete,
                    failed=not complete,
                )
                continue
            case events.ToolCallStarted(tool="python", arguments={"code": str(written)}):
                running[event.call_id] = written
            case events.ToolCallFinished(status="ok") if event.call_id in running:
                ran = (event.arguments or {}).get("code")
                codes.append(ran if isinstance(ran, str) else running[event.call_id])
            case events.Note(code="retry"):
                codes.clear()
        yield event


async def compute_again(
    task: Task, result: Entry, speaker: Speaker, floor: Floor
) -> AsyncIterator[events.Event]:
    """Undo what a small model tried after a result, and run the code of that one again.

    One that calls functions went on from its result, so that nothing of it was undone.
    """
    if speaker.native or speaker.loop is None:
        return
    yield floor.make(events.Note, code="retry", text=f"Going back to result {result.number}.")
    await speaker.loop.roll_back()
    loop = speaker.make(task)
    calls = ToolCalls(loop.protocol, loop.tools, loop.context, loop.roll_back, loop.approvals)
    calling = [
        ToolCall(call_id=new_call_id(), tool=CODE_TOOL, arguments={"code": code}, raw="")
        for code in result.codes
    ]
    # Its progress is nobody's: what it gives was given before.
    own, part = Progress(requests=1), floor.budget.part(steps=1)
    async for event in calls.run(task, calling, part, floor.make, own):
        yield event


def _what_to_do(board: Blackboard, speaker: Speaker, turn: Turn) -> str:
    mine = [one for one in board.results if one.role == speaker.role.name]
    if not mine:
        return call_told(board, turn)
    objections = [one for one in board.entries if one.kind == "objection"]
    if any(one.about == mine[-1].number for one in objections):
        return words.mend(native=speaker.native)
    return words.go_on()
