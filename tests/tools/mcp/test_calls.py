"""Calls of a server that behaves, as a program and at an address: one of each for all tests."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from analyst.configuration import McpServer
from analyst.tools.mcp.source import McpTools
from analyst.tools.mcp.tool import McpTool
from analyst.tools.registry import ToolNotice, ToolOutput, ToolResult

from .conftest import Bench, Web, called, official, result

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(params=["program", "address"], scope="module", loop_scope="module")
async def tools(
    request: pytest.FixtureRequest, web: Web, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, McpTool]]:
    """The tools of the test server, in both ways."""
    place: Path = tmp_path_factory.mktemp("calls")
    bench = Bench(cwd=place, data_directory=place / "data")
    bench.configure(s=McpServer(url=web.url) if request.param == "address" else official())
    source = McpTools()
    yield {tool.name: tool for tool in await source.tools(bench)}
    await source.aclose()


async def test_what_servers_return_reaches_the_model(tools: dict[str, McpTool]) -> None:
    assert (await result(tools["s__echo"], {"text": "hello"})).observation == "hello"
    added = await result(tools["s__add"], {"a": 1, "b": 2})
    assert (added.status, added.observation, added.computed) == ("ok", "3", True)
    # What may be left out is null in a strict schema, and is left out.
    assert (await result(tools["s__add"], {"a": 1, "b": None})).observation == "11"
    weather = await result(tools["s__weather"], {"place": "Rome"})
    assert json.loads(weather.observation) == {"place": "Rome", "degrees": 21.5}
    papers = (await result(tools["s__papers"])).observation
    assert papers == (
        "[from file:///a.txt]\nthe words of a paper\n[link to b, file:///b.txt: more]"
    )
    huge = (await result(tools["s__huge"], {"size": 100_000})).observation
    assert len(huge) < 7_000
    assert huge.startswith("line 0\n")
    assert huge.endswith("line 99999")
    assert "characters not shown" in huge


async def test_images_are_shown_if_they_only_draw(tools: dict[str, McpTool]) -> None:
    items = await called(tools["s__image"])
    shown = [item for item in items if isinstance(item, ToolOutput)]
    assert len(shown) == 1
    output = shown[0].output
    assert output is not None
    assert output["output_type"] == "display_data"
    assert base64.b64decode(output["data"]["image/png"]).startswith(b"\x89PNG")
    assert isinstance(items[-1], ToolResult)
    assert items[-1].observation == (
        "Here it is:\n[an image is shown to the user]\n[an image that cannot be shown]"
    )


async def test_what_fails_says_why(tools: dict[str, McpTool]) -> None:
    failed = await result(tools["s__failing"])
    assert failed.status == "error"
    assert "the flux is out of order" in failed.observation


async def test_progress_is_told_without_escapes(tools: dict[str, McpTool]) -> None:
    items = await called(tools["s__slow"], {"seconds": 0.01})
    told = [item.text for item in items if isinstance(item, ToolNotice)]
    assert told == ["The server s is at 1 of 2: half way"]


async def test_calls_run_side_by_side(tools: dict[str, McpTool]) -> None:
    began = time.monotonic()
    results = await asyncio.gather(*(result(tools["s__slow"], {"seconds": 0.5}) for _ in range(4)))
    assert {one.observation for one in results} == {"done"}
    assert time.monotonic() - began < 1.5


async def test_servers_get_no_answers_of_the_user(tools: dict[str, McpTool]) -> None:
    asked = await result(tools["s__wants"])
    assert asked.status == "error"
    assert "accept" not in asked.observation
