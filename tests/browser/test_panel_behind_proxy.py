"""The panel as a hub serves it: below a prefix, behind nginx, over connections that are cut."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import JupyterServer, serve_panel
from .panel_page import ask, await_answer, begin, code_of, let_lab_complain, open_panel
from .proxy import PATIENCE_SECONDS, Proxy, proxying

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PREFIX = "/user/ann/"
SLOW = "import time\nfor n in range({n}):\n    print('line', n, flush=True)\n    time.sleep(0.5)\n"
QUIET = f"import time\nprint('quiet', flush=True)\ntime.sleep({PATIENCE_SECONDS + 5})\n"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, installed: Path
) -> Iterator[tuple[JupyterServer, Proxy]]:
    home = tmp_path_factory.mktemp("hub")
    with (
        serve_panel(home, installed, base_url=PREFIX) as served,
        proxying(tmp_path_factory.mktemp("proxy"), served.host, PREFIX) as proxy,
    ):
        yield dataclasses.replace(served, address=f"{proxy.address}{PREFIX.rstrip('/')}"), proxy


def test_a_run_streams_is_resumed_and_outlives_a_cut_below_a_prefix(
    page: Page, server: tuple[JupyterServer, Proxy]
) -> None:
    through, proxy = server
    let_lab_complain(page)
    outside: list[str] = []
    page.on("request", lambda one: outside.append(one.url))
    panel = open_panel(page, through)
    begin(panel)
    ask(panel, code_of(SLOW.format(n=40)))
    text = panel.locator(".jp-Analyst-text").last
    # As it happens, and not when the proxy has gathered enough of it.
    expect(text).to_contain_text("line 2\n", timeout=60_000)
    assert "line 12\n" not in text.inner_text()
    page.goto("about:blank")
    panel = open_panel(page, through)
    expect(text).to_contain_text("line 12\n", timeout=30_000)
    proxy.stop()
    expect(panel.get_by_text("connection to the server is lost")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(5_000)
    proxy.start()
    await_answer(panel, 60_000)
    assert lines_of(panel) == [f"line {n}" for n in range(40)]
    elsewhere = [one for one in outside if not one.startswith(f"{through.address}/")]
    assert {one for one in elsewhere if one.startswith("http")} == set()


def lines_of(panel: Locator) -> list[str]:
    step = panel.get_by_role("button", name=re.compile("I compute it"))
    step.click()
    lines = panel.locator(".jp-Analyst-text").last.inner_text().split("\n")
    return [line for line in lines if line]


def test_silence_longer_than_the_proxys_patience_does_not_cut_the_stream(
    page: Page, server: tuple[JupyterServer, Proxy]
) -> None:
    through, proxy = server
    panel = open_panel(page, through)
    begin(panel)
    ask(panel, code_of(QUIET))
    expect(panel.locator(".jp-Analyst-text").last).to_contain_text("quiet", timeout=60_000)
    before = proxy.streams()
    await_answer(panel, 60_000)
    assert proxy.streams() == before
