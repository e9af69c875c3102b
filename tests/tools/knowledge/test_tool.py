"""The tool, and the desk that keeps reading out of the event loop."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from analyst.memory.errors import FindingsError
from analyst.tools.knowledge.desk import KnowledgeDesk
from analyst.tools.knowledge.tool import NOTHING, KnowledgeTool
from analyst.tools.knowledge.updating import Updated
from analyst.tools.registry import ToolNotice, ToolRegistry, ToolResult


class SlowLibrary:
    """A stand-in that reads as long as it is told to."""

    def __init__(self):
        self.let = threading.Event()
        self.updates = 0
        self.notice = None
        self.found = []

    def update(self, *, progress, stopped):
        self.updates += 1
        progress(3, 10)
        while not (self.let.wait(0.01) or stopped.is_set()):
            pass
        return Updated(read=10, notes=("a.pdf is broken.",))

    def search(self, _query, _limit):
        return self.found

    def close(self):
        pass


async def call(tool, query):
    ToolRegistry([tool]).validate(tool.name, {"query": query})
    items = [item async for item in tool.run({"query": query})]
    assert isinstance(items[-1], ToolResult)
    return items[-1], [item.text for item in items if isinstance(item, ToolNotice)]


@pytest.fixture
async def desk(folder, opened):
    desk = KnowledgeDesk(opened(folder))
    yield desk
    await desk.aclose()


async def test_passages_are_told_with_their_names(desk):
    tool = KnowledgeTool(desk)
    assert (tool.pure, tool.judge({}).level) == (True, "safe")
    result, notices = await call(tool, "Who is a premium customer?")
    assert result.status == "ok"
    assert result.computed
    assert notices == []
    assert ": handbook.md, Loyalty programme] Handbook > Loyalty programme\n" in result.observation
    assert "more than 500 euros" in result.observation


async def test_nothing_is_told_to_be_nothing(desk):
    result, _ = await call(KnowledgeTool(desk), "capital of Mongolia")
    assert (result.status, result.observation, result.computed) == ("ok", NOTHING, False)


async def test_a_changed_file_is_seen_by_the_next_question(folder, opened):
    desk = KnowledgeDesk(opened(folder), fresh_seconds=0)
    assert await desk.search("gift cards") == []
    (folder / "gifts.md").write_text("# Gift cards\nGift cards are valid for three years.")
    assert (await desk.search("gift cards"))[0].file == "gifts.md"
    await desk.aclose()


async def test_folders_are_not_looked_at_for_each_question():
    library = SlowLibrary()
    library.let.set()
    desk = KnowledgeDesk(library)
    for _ in range(3):
        await desk.search("x")
    assert library.updates == 1
    await desk.aclose()


async def test_reading_does_not_block_and_is_told():
    library = SlowLibrary()
    desk = KnowledgeDesk(library, patience_seconds=0.2, step_seconds=0.05)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    result, notices = await call(KnowledgeTool(desk), "x")
    ticking.cancel()
    assert ticks > 10
    assert notices
    assert set(notices) == {"Your documents are being read: 3 of 10 so far."}
    assert "3 of 10" in result.observation
    library.let.set()
    result, notices = await call(KnowledgeTool(desk), "x")
    assert notices == ["a.pdf is broken."]
    assert result.observation == NOTHING
    # Each note is told once.
    assert (await call(KnowledgeTool(desk), "x"))[1] == []
    await desk.aclose()


async def test_closing_stops_reading():
    library = SlowLibrary()
    desk = KnowledgeDesk(library)
    desk.begin()
    began = time.monotonic()
    await desk.aclose()
    assert time.monotonic() - began < 2
    assert not [one for one in threading.enumerate() if one.name == "analyst-knowledge"]


async def test_trouble_is_told_as_a_sentence(monkeypatch):
    library = SlowLibrary()
    desk = KnowledgeDesk(library, fresh_seconds=0)

    def fail(**_):
        raise FindingsError("The index is gone.")

    monkeypatch.setattr(library, "update", fail)
    result, _ = await call(KnowledgeTool(desk), "x")
    assert (result.status, result.observation) == ("error", "The index is gone.")

    def crash(**_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(library, "update", crash)
    result, _ = await call(KnowledgeTool(desk), "x")
    assert result.status == "error"
    assert "oops" in result.observation
    await desk.aclose()


async def test_a_stop_while_waiting_leaves_the_reading_going():
    library = SlowLibrary()
    desk = KnowledgeDesk(library, step_seconds=0.05)
    task = asyncio.create_task(desk.search("x"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    library.let.set()
    assert await desk.search("x") == []
    assert library.updates == 1
    await desk.aclose()
