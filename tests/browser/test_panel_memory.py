"""A conversation that goes on for hours: what the page and the server hold does not pile up.

The runs are scripted events, 40,000 of them; the page that shows them is real.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import CDPSession, Page, expect

from .conftest import JupyterServer, serve_panel
from .panel_page import open_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RUNS = 60
DELTAS = 330
"""Of each of two replies: a run has 660 pieces of text, and some events besides."""

PRINTED = 30_000
"""Characters that each run prints; the panel keeps 20,000 of them."""

EACH_RUN_KEEPS = 150_000
"""Bytes of the page's heap that a run may go on to hold: its output, its answer, its view."""

MB = 1e6


@dataclass(frozen=True)
class Held:
    """What is held at a moment: the page's heap, its nodes, and the server's memory."""

    heap: float
    nodes: float
    server: float


def test_forty_thousand_events_leave_page_and_server_as_they_were(
    page: Page, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("long")
    with serve_panel(home, installed, session="events") as server:
        process = serving(server)
        measuring = page.context.new_cdp_session(page)
        asked = {"replies": 2, "deltas": DELTAS, "step": True, "output": ["x", PRINTED]}
        with httpx.Client(
            base_url=f"{server.address}/analyst/api/",
            headers={"Authorization": f"token {server.token}"},
            timeout=60,
            trust_env=False,
        ) as client:
            conversation = client.post("conversations", json={}).json()["id"]
            panel = open_panel(page, server)
            held: list[Held] = []
            for count in range(1, RUNS + 1):
                answer = client.post(
                    f"conversations/{conversation}/ask", json={"question": json.dumps(asked)}
                )
                assert answer.status_code == 200, answer.text
                while client.get(f"conversations/{conversation}").json()["busy"]:
                    time.sleep(0.02)
                if count % 10 == 0:
                    turns = panel.locator(".jp-Analyst-near")
                    expect(turns).to_have_count(count, timeout=30_000)
                    expect(panel.locator(".jp-Analyst-answer").last).to_be_visible()
                    held.append(holding(measuring, process))
                    print(count, held[-1])
                    expect(panel.locator(".jp-Analyst-step").last).to_be_visible()
            told = client.get(f"conversations/{conversation}").json()["number"]
    assert told > 40_000
    middle, last = held[len(held) // 2 - 1], held[-1]
    runs = RUNS // 2
    assert last.heap < 150 * MB
    assert last.heap - middle.heap < runs * EACH_RUN_KEEPS
    # Turns out of sight are one element with one line each.
    assert last.nodes - middle.nodes < runs * 20
    assert last.server - middle.server < 10 * MB


def serving(server: JupyterServer) -> psutil.Process:
    """Return the server's process."""
    port = server.address.rpartition(":")[2]
    for child in psutil.Process(os.getpid()).children():
        if f"--port={port}" in child.cmdline():
            return child
    raise AssertionError("the server has no process")


def holding(measuring: CDPSession, process: psutil.Process) -> Held:
    """Collect what is garbage, and return what is left."""
    measuring.send("HeapProfiler.collectGarbage")
    heap = measuring.send("Runtime.getHeapUsage")["usedSize"]
    nodes = measuring.send("Memory.getDOMCounters")["nodes"]
    return Held(heap, nodes, process.memory_info().rss)
