"""``%%agent`` as a user sees it: in JupyterLab and Notebook 7, in a real browser."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import Page, expect

from .conftest import JupyterServer, RunCells

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FRAME = (
    "import pandas as pd\n"
    'sales = pd.DataFrame({"region": ["north", "south"], "qty": [3, 4]})\n'
    "%load_ext scripted_analyst"
)
CHART = (
    '```python\nprint(sales["qty"].sum())\npx.bar(sales, x="region", y="qty").show()\nsales\n```'
)
QUESTION = "%%agent\nHow many in sales, by region? Draw a chart."


@pytest.mark.parametrize("front_end", ["lab/tree", "notebooks"])
def test_a_run_streams_code_table_and_live_chart_into_the_cell(
    page: Page, jupyter: JupyterServer, run_cells: RunCells, front_end: str
) -> None:
    name = f"chart-{front_end.partition('/')[0]}.ipynb"
    path = jupyter.write(name, [FRAME, QUESTION], [CHART, "FINAL: There are **7**."])
    page.goto(jupyter.url(front_end, name))
    run_cells(page, 2)
    cell = page.locator(".jp-CodeCell").nth(1)
    expect(cell.locator(".js-plotly-plot .bars path").first).to_be_visible(timeout=30_000)
    expect(cell.locator("table").first).to_contain_text("north")
    expect(cell.get_by_text("There are 7.")).to_be_visible()
    page.keyboard.press("Control+s")
    page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=20_000
    )
    outputs = nbformat.read(path, as_version=4).cells[1].outputs
    saved = [mime for output in outputs for mime in output.get("data", {})]
    assert "application/vnd.plotly.v1+json" in saved
    assert "text/html" in saved


def test_a_reopened_notebook_shows_the_run_without_a_kernel(
    page: Page, jupyter: JupyterServer, run_cells: RunCells
) -> None:
    jupyter.write("again.ipynb", [FRAME, QUESTION], [CHART, "FINAL: There are **7**."])
    page.goto(jupyter.url("lab/tree", "again.ipynb"))
    run_cells(page, 2)
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto("about:blank")
    page.goto(jupyter.url("lab/tree", "again.ipynb"))
    cell = page.locator(".jp-CodeCell").nth(1)
    expect(cell.get_by_text("There are 7.")).to_be_visible(timeout=30_000)
    cell.get_by_text("There are 7.").scroll_into_view_if_needed()
    chart = cell.locator(".js-plotly-plot .bars path, .jp-OutputArea-output img").first
    expect(chart).to_be_visible(timeout=30_000)  # Lab saved an image of it beside its data


def test_the_stop_button_ends_a_run_cleanly_and_both_kernels_go_on(
    page: Page, jupyter: JupyterServer, run_cells: RunCells
) -> None:
    sleeping = "```python\nkept = 42\nimport time\ntime.sleep(100)\n```"
    replies = [sleeping, "```python\nprint(kept)\n```", "FINAL: It is 42."]
    cells = [FRAME, "%%agent\nSleep.", "%%agent\nWhat was kept?", "sales.shape"]
    jupyter.write("stop.ipynb", cells, replies)
    page.goto(jupyter.url("lab/tree", "stop.ipynb"))
    run_cells(page, 1)
    page.keyboard.press("Shift+Enter")
    running = page.locator(".jp-CodeCell").nth(1)
    expect(running.get_by_text("time.sleep(100)").first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(running.locator(".jp-InputPrompt")).to_contain_text("[2]", timeout=15_000)
    expect(running.get_by_text("Traceback")).to_have_count(0)
    expect(running.get_by_text("stopped", exact=False).first).to_be_visible()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    after = page.locator(".jp-CodeCell").nth(2)
    expect(after.get_by_text("It is 42.").first).to_be_visible(timeout=30_000)
    expect(page.locator(".jp-CodeCell").nth(3)).to_contain_text("(2, 2)", timeout=30_000)
