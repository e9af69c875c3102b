"""The panel and the notebook: stop and approvals in cells, context, cells, errors."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import JupyterServer, RunCells

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FRAME = (
    "import pandas as pd\n"
    'sales = pd.DataFrame({"region": ["north", "south"], "qty": [3, 4]})\n'
    "%load_ext scripted_analyst"
)
CALL = "```python\nkept = 41\nprint('kept is', kept + 1)\n```"
OTHER = "```python\nprint('the other')\n```"
LAST = "```python\nprint('the last')\n```"
ASLEEP = "```python\nimport time\nprint('asleep', flush=True)\ntime.sleep(100)\n```"
ASKING = "%%agent --approval ask\nq"


@pytest.mark.parametrize("front_end", ["lab/tree", "notebooks"])
def test_calls_are_decided_by_clicks_while_their_cell_blocks_the_kernel(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells, front_end: str
) -> None:
    name = f"approve-{front_end.partition('/')[0]}.ipynb"
    jupyter_with_panel.write(name, [FRAME, ASKING], [CALL, OTHER, LAST, "FINAL: It is decided."])
    cell = start_second_cell(page, jupyter_with_panel, run_cells, name, front_end)
    card = cell.get_by_role("group", name="May this code run?")
    code = card.get_by_label("Code that waits")
    expect(code).to_have_value(re.compile("kept = 41"), timeout=30_000)
    code.fill("kept = 1\nprint('kept is', kept + 1)")
    # Longer than a cell without an extension waits before it asks by input().
    page.wait_for_timeout(4000)
    expect(code).to_have_value(re.compile("kept = 1\n"))
    expect(cell.locator(".jp-Stdin")).to_have_count(0)
    card.get_by_role("button", name="Run as edited").click()
    expect(cell.get_by_text("kept is 2").first).to_be_attached(timeout=10_000)
    expect(code).to_have_value(re.compile("the other"))
    card.get_by_role("button", name="Deny").click()
    expect(code).to_have_value(re.compile("the last"))
    card.get_by_role("button", name="Approve").press("Enter")
    expect(cell.get_by_text("It is decided.").first).to_be_visible(timeout=10_000)
    expect(cell.get_by_role("group", name="The run of this cell")).to_have_count(0)
    expect(cell.locator(".jp-InputPrompt")).to_contain_text("[2]")


def start_second_cell(
    page: Page,
    server: JupyterServer,
    run_cells: RunCells,
    name: str,
    front_end: str = "lab/tree",
) -> Locator:
    """Run the first cell, start the second, and return it."""
    page.goto(server.url(front_end, name))
    run_cells(page, 1)
    page.keyboard.press("Shift+Enter")
    return page.locator(".jp-CodeCell").nth(1)
