"""The panel when things go wrong: the server, the network, kernels, tabs, floods."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import JupyterServer, serve_panel
from .panel_page import (
    ask,
    await_answer,
    begin,
    code_of,
    let_lab_complain,
    open_panel,
    set_approval,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SLOW = "import time\nfor n in range({n}):\n    print('line', n, flush=True)\n    time.sleep(0.5)\n"


@pytest.fixture
def second_page(browser: Browser) -> Iterator[Page]:
    """A page of another browser, as another person has."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_cut_network_loses_and_repeats_nothing(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    let_lab_complain(page)
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of(SLOW.format(n=90)))
    text = panel.locator(".jp-Analyst-text").last
    expect(text).to_contain_text("line 3\n", timeout=60_000)
    page.context.set_offline(True)
    page.wait_for_timeout(30_000)
    page.context.set_offline(False)
    await_answer(panel, 60_000)
    panel.get_by_role("button", name=re.compile("I compute it")).click()
    lines = text.inner_text().split("\n")
    assert [line for line in lines if line] == [f"line {n}" for n in range(90)]


def test_a_tab_that_is_closed_and_opened_again_goes_on(
    page: Page, jupyter_with_panel: JupyterServer, second_page: Page
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of(SLOW.format(n=12)))
    expect(panel.locator(".jp-Analyst-text").last).to_contain_text("line 1", timeout=60_000)
    page.close()
    panel = open_panel(second_page, jupyter_with_panel)
    panel.locator(".jp-Analyst-switch").click()
    panel.locator(".jp-Analyst-menuItem").first.click()
    await_answer(panel, 60_000)
    expect(panel.get_by_text("Please run this.").first).to_be_visible()


def test_of_two_tabs_the_first_decides_and_the_other_sees_it(
    page: Page, jupyter_with_panel: JupyterServer, second_page: Page
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    set_approval(page, "ask")
    begin(panel)
    ask(panel, code_of("print('decided', 1)\n"))
    card = panel.get_by_role("alertdialog", name="May this code run?")
    expect(card).to_be_visible(timeout=60_000)
    other = open_panel(second_page, jupyter_with_panel)
    other.locator(".jp-Analyst-switch").click()
    other.locator(".jp-Analyst-menuItem").first.click()
    other_card = other.get_by_role("alertdialog", name="May this code run?")
    expect(other_card).to_be_visible(timeout=20_000)
    other_card.get_by_role("button", name="Approve").click()
    for one in (panel, other):
        await_answer(one, 20_000)
        expect(one.get_by_role("alertdialog")).to_have_count(0)
    set_approval(page, "server")


def test_a_kernel_that_is_killed_is_told_and_the_next_question_has_another(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of("import os\nprint('about to end', flush=True)\nos.kill(os.getpid(), 9)\n"))
    told = panel.get_by_text(re.compile("agent's kernel ended")).first
    expect(told).to_be_visible(timeout=60_000)
    begin(panel)
    ask(panel, code_of("print('alive', 1)\n"))
    await_answer(panel, 60_000)


def test_fifty_megabytes_of_output_leave_the_panel_usable(
    page: Page, jupyter_with_panel: JupyterServer
) -> None:
    panel = open_panel(page, jupyter_with_panel)
    begin(panel)
    ask(panel, code_of("for _ in range(500):\n    print('x' * 100_000)\n"))
    expect(panel.locator(".jp-Analyst-step").first).to_be_visible(timeout=60_000)
    expect(panel.get_by_role("button", name="Ask", exact=True)).to_be_visible(timeout=90_000)
    shown = page.evaluate("() => document.querySelector('#jupyter-analyst').textContent.length")
    assert shown < 200_000
    begin(panel)
    ask(panel, code_of("print('after', 1)\n"))
    await_answer(panel, 60_000)


def test_a_server_that_ends_in_a_run_comes_back_with_all_that_was_told(
    page: Page, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    let_lab_complain(page)
    home = tmp_path_factory.mktemp("restarted")
    with serve_panel(home, installed) as server:
        panel = open_panel(page, server)
        ask(panel, code_of(SLOW.format(n=200)))
        expect(panel.locator(".jp-Analyst-text").last).to_contain_text("line 2", timeout=60_000)
        page.wait_for_timeout(1500)
        port = int(server.address.rpartition(":")[2])
        (process,) = (
            one for one in psutil.Process(os.getpid()).children() if _is_serving(one, port)
        )
        below = process.children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        expect(panel.get_by_text("connection to the server is lost")).to_be_visible(timeout=30_000)
        # Nobody is left to run the code; who watched the kernel ends it.
        _, alive = psutil.wait_procs([one for one in below if _is_ours(one)], timeout=20)
        assert not alive
        with serve_panel(home, installed, port=port, token=server.token):
            expect(panel.get_by_text(re.compile("server ended while this run"))).to_be_visible(
                timeout=60_000
            )
            expect(panel.locator(".jp-Analyst-turn")).to_have_count(1)
            ask(panel, code_of("print('again', 1)\n"))
            await_answer(panel, 60_000)


def _is_serving(process: psutil.Process, port: int) -> bool:
    try:
        return f"--port={port}" in process.cmdline()
    except psutil.Error:
        return False


def _is_ours(process: psutil.Process) -> bool:
    try:
        return "ks-" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_without_a_model_the_panel_says_what_is_missing_and_offers_it(
    page: Page, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("bare")
    empty = str(tmp_path_factory.mktemp("no-models"))
    with serve_panel(home, installed, session="", ANALYST_CACHE=empty) as server:
        panel = open_panel(page, server)
        expect(panel.get_by_role("heading", name="Something is missing")).to_be_visible(
            timeout=30_000
        )
        expect(panel.get_by_role("button", name="Fetch it")).to_be_enabled()
