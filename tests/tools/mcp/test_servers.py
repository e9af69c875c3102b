"""Servers that are odd, slow, or end: what becomes of calls, and of their processes."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import psutil
import pytest

from analyst.configuration import McpServer
from analyst.tools.mcp import processes
from analyst.tools.mcp.source import McpTools
from analyst.tools.registry import ToolNotice, ToolResult, TransientToolError

from .conftest import Bench, Web, called, left_over, official, raw, result

DEAD = "I was not made for this"


@pytest.mark.parametrize("mode", ["asking", "sampling"])
async def test_requests_of_older_servers_are_declined(
    mode: str, bench: Bench, source: McpTools
) -> None:
    bench.configure(s=raw(mode))
    (look,) = await source.tools(bench)
    told = json.loads((await result(look, {"at": "x"})).observation)
    assert told["message"].endswith("not supported")


async def test_stopping_a_call_reaches_the_server(
    tmp_path: Path, bench: Bench, source: McpTools
) -> None:
    marked = tmp_path / "cancelled"
    bench.configure(s=official(env={"CANCELLED_FILE": str(marked)}))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    call = asyncio.create_task(result(tools["s__slow"], {"seconds": 60}))
    await asyncio.sleep(0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    for _ in range(100):
        if marked.exists():
            break
        await asyncio.sleep(0.05)
    assert marked.exists()
    assert (await result(tools["s__echo"], {"text": "still here"})).observation == "still here"


async def test_a_call_that_takes_too_long_is_given_up(bench: Bench, source: McpTools) -> None:
    bench.settings = bench.settings.updated({"cell_deadline_seconds": 0.3})
    bench.configure(s=official(), silent=raw("silent"))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    for name, given in (("s__slow", {"seconds": 30}), ("silent__look", {"at": "x"})):
        late = await result(tools[name], given)
        assert late.status == "timeout"
        assert "within 0.3 s" in late.observation
    assert (await result(tools["s__echo"], {"text": "a"})).observation == "a"


async def test_a_crash_is_told_and_the_server_started_anew_once(
    bench: Bench, source: McpTools
) -> None:
    bench.configure(s=official(env={"SECRET": "correct-horse"}))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    crashed = await result(tools["s__crash"])
    assert crashed.status == "error"
    assert "giving up, the key was …" in crashed.observation
    assert "not known" in crashed.observation
    again = await called(tools["s__echo"], {"text": "again"})
    assert isinstance(again[0], ToolNotice)
    assert "started anew" in again[0].text
    assert isinstance(again[-1], ToolResult)
    assert again[-1].observation == "again"
    # Each crash that is not followed by a success counts, and the second is the last.
    await result(tools["s__crash"])
    await result(tools["s__crash"])
    given_up = await result(tools["s__echo"], {"text": "again"})
    assert given_up.status == "error"
    assert "not started once more" in given_up.observation
    assert left_over() == []


async def test_a_call_that_only_reads_may_be_made_again_after_a_crash(
    tmp_path: Path, bench: Bench, source: McpTools
) -> None:
    flag = str(tmp_path / "died")
    bench.configure(s=raw("dying", flag, allow_read_only=True))
    (look,) = await source.tools(bench)
    with pytest.raises(TransientToolError, match="its program ended"):
        await result(look, {"at": "x"})
    assert (await result(look, {"at": "x"})).observation == "looked"
    bench.configure(s=raw("dying", f"{flag} again"))
    (look,) = await source.tools(bench)
    assert (await result(look, {"at": "x"})).status == "error"


async def test_a_server_at_an_address_may_come_back(
    bench: Bench, source: McpTools, web: Web
) -> None:
    bench.configure(s=McpServer(url=web.url))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    web.stop()
    lost = await result(tools["s__echo"], {"text": "a"})
    assert lost.status == "error"
    assert web.url in lost.observation
    web.start()
    assert (await result(tools["s__echo"], {"text": "b"})).observation == "b"


async def test_servers_get_none_of_our_keys(
    bench: Bench, source: McpTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ours")
    monkeypatch.setenv("TOKEN_OF_THEIRS", "theirs")
    monkeypatch.setenv("LANG", "C.UTF-8")
    bench.configure(s=official(env={"TOKEN": "${TOKEN_OF_THEIRS}"}))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    environment = json.loads((await result(tools["s__environment"])).observation)
    assert environment.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own
    assert set(environment) == {"PATH", "HOME", "LANG", "TOKEN", "TEST_OF", processes.MARK}
    assert environment["TOKEN"] == "theirs"


async def test_no_process_is_left_behind(bench: Bench) -> None:
    source = McpTools()
    bench.configure(s=official(), stubborn=raw("stubborn"))
    tools = {tool.name: tool for tool in await source.tools(bench)}
    left = int((await result(tools["s__leave_behind"])).observation)
    assert psutil.pid_exists(left)
    assert len(left_over()) == 4
    began = time.monotonic()
    await source.aclose()
    assert time.monotonic() - began < 10
    assert left_over() == []
    await source.aclose()


async def test_no_process_is_left_behind_when_the_start_is_cancelled(bench: Bench) -> None:
    source = McpTools()
    bench.configure(s=raw("mute"))
    starting = asyncio.create_task(source.tools(bench))
    for _ in range(200):
        if left_over():
            break
        await asyncio.sleep(0.02)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await source.aclose()
    assert left_over() == []


def test_no_process_is_left_behind_when_the_loop_ends(bench: Bench) -> None:
    bench.configure(s=official())

    async def forgetful() -> int:
        tools = {tool.name: tool for tool in await McpTools().tools(bench)}
        await result(tools["s__leave_behind"])
        return len(left_over())

    assert asyncio.run(forgetful()) == 2
    assert left_over() == []


async def test_a_server_that_cannot_be_used_costs_one_note(
    bench: Bench, source: McpTools, monkeypatch: pytest.MonkeyPatch, web: Web
) -> None:
    monkeypatch.setattr("analyst.tools.mcp.connection.START_SECONDS", 3.0)
    monkeypatch.setattr("analyst.tools.mcp.source.PATIENCE_SECONDS", 0.5)
    bench.configure(
        good=raw("plain"),
        absent=McpServer(command="no-such-program-at-all"),
        dead=raw("dead"),
        mute=raw("mute"),
        unset=McpServer(command="x", env={"A": "${NOT_SET_AT_ALL}"}),
        nowhere=McpServer(url="http://127.0.0.1:9/mcp?key=secret"),
        elsewhere=McpServer(url=web.url.replace("/mcp", "/other")),
    )
    for _ in range(2):
        tools = await source.tools(bench)
        assert {tool.name.split("__")[0] for tool in tools} == {"good"}
    other = web.url.replace("/mcp", "/other")
    assert {note.removeprefix("The tools of the server ") for note in bench.notes} == {
        "absent are left out: there is no program no-such-program-at-all.",
        f"dead are left out: its program ended, and its last words were: {DEAD}.",
        f"elsewhere are left out: it cannot be spoken to at {other} (HTTP 404).",
        "mute are left out: it did not answer within 3 s.",
        "nowhere are left out: it cannot be reached at http://127.0.0.1:9/mcp.",
        "unset are left out: the environment variable NOT_SET_AT_ALL is not set.",
    }
    assert len(bench.notes) == 6


async def test_servers_follow_the_configuration(bench: Bench, source: McpTools) -> None:
    bench.configure(s=raw("plain"))
    assert len(await source.tools(bench)) == 1
    first = left_over()
    bench.configure(s=raw("plain", env={"OTHER": "1"}))
    assert len(await source.tools(bench)) == 1
    assert not set(left_over()) & set(first)
    bench.configure()
    assert await source.tools(bench) == []
    assert left_over() == []


async def test_a_server_that_breaks_the_protocol_breaks_nothing_else(
    bench: Bench, source: McpTools
) -> None:
    bench.configure(
        chatty=raw("chatty"),
        lying=raw("lying"),
        none=raw("no-result"),
        refusing=raw("refusing"),
        endless=raw("endless"),
    )
    tools = {tool.name: tool for tool in await source.tools(bench)}
    found = {name: await result(tool, {"at": "x"}) for name, tool in sorted(tools.items())}
    assert found["chatty__look"].observation == "looked"
    assert found["lying__look"].observation == "looked"
    assert found["none__look"].status == "error"
    assert "does not keep to the protocol" in found["none__look"].observation
    assert found["refusing__look"].observation == (
        "The call of the server refusing failed: it says: not today."
    )
    assert "a message that is too long" in found["endless__look"].observation
