"""The panel in the oldest JupyterLab and Notebook that are supported.

One walk through it, since a whole run of the panel's tests takes minutes; that is had by hand
with ``ANALYST_LAB=4.5 pytest tests/browser``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import LABS, JupyterServer, RunCells, serve_panel
from .panel_page import ask, await_answer, begin, code_of, open_panel, set_approval

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CHART = 'import plotly.express as px\npx.bar(x=["north", "south"], y=[3, 4]).show()\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, oldest_lab: Path) -> Iterator[JupyterServer]:
    with serve_panel(tmp_path_factory.mktemp("oldest-lab"), oldest_lab) as served:
        yield served


def test_a_question_is_asked_charted_and_decided_in_the_oldest_lab(
    page: Page, server: JupyterServer
) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    panel = open_panel(page, server)
    version = page.evaluate("() => window.jupyterapp.version")
    assert version.startswith(next(iter(LABS)))
    begin(panel)
    ask(panel, code_of(CHART))
    await_answer(panel)
    expect(panel.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=20_000)
    assert errors == []
    set_approval(page, "ask")
    # The page was loaded anew, which cuts off what was still loading.
    errors.clear()
    begin(panel)
    ask(panel, code_of("print('first', 1)\n"))
    card = panel.get_by_role("alertdialog", name="May this code run?")
    expect(card.get_by_label("Code that waits")).to_have_value("print('first', 1)", timeout=60_000)
    card.get_by_role("button", name="Approve").click()
    await_answer(panel)
    assert errors == []
    set_approval(page, "server")


@pytest.mark.parametrize("front_end", ["lab/tree", "notebooks"])
def test_a_running_cell_is_decided_about_and_stopped_by_clicks_there(
    page: Page, server: JupyterServer, run_cells: RunCells, front_end: str
) -> None:
    load = "%load_ext scripted_analyst"
    name = f"oldest-{front_end.partition('/')[0]}.ipynb"
    asleep = "import time\nprint('asleep', flush=True)\ntime.sleep(100)"
    replies = ["```python\nprint('kept')\n```", f"```python\n{asleep}\n```"]
    server.write(name, [load, "%%agent --approval ask\nq"], replies)
    page.goto(server.url(front_end, name))
    run_cells(page, 1)
    page.keyboard.press("Shift+Enter")
    cell = page.locator(".jp-CodeCell").nth(1)
    card = cell.get_by_role("group", name="May this code run?")
    card.get_by_role("button", name="Always in this conversation").click(timeout=30_000)
    expect(cell.get_by_text("asleep").first).to_be_attached(timeout=30_000)
    cell.get_by_role("button", name="Stop").click()
    expect(cell.locator(".jp-InputPrompt")).to_contain_text("[2]", timeout=5_000)
