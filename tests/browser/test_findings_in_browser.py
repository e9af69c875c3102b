"""``%agent findings`` as a user sees it in JupyterLab: the table, and the browser one clicks in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import JupyterServer, RunCells

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FRAME = """\
import pandas as pd
sales = pd.DataFrame({"region": ["north", "south"], "qty": [3, 4]})
%load_ext scripted_analyst"""
SAVE_ATTACK = """\
from analyst.session import Session
from analyst.session.findings import Findings
from analyst.memory.finding import Finding, KeyValue
attack = "<img src=x onerror=alert(1)><script>alert(2)</script>[go](https://evil.example)"
with Findings() as findings:
    value = KeyValue(name=attack, value=attack, unit=attack)
    findings._memory.store.save(Finding(
        question=attack, answer=attack, code=attack, values=(value,), tags=(attack,)))"""
ASK = "%%agent\nWhat is the mean qty of sales?"
KERNEL_IS_THERE = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""
OUTPUTS_ARE_WITHOUT = """words => {
  const cell = window.jupyterapp.shell.currentWidget.content.model.cells.get(4);
  return !JSON.stringify(cell.toJSON().outputs).includes(words);
}"""
REPLIES = ["```python\nprint(sales.qty.mean())\n```", "FINAL: The mean is 3.5 kg."]


def test_findings_are_looked_through_verified_and_changed(
    page: Page, jupyter: JupyterServer, run_cells: RunCells
) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    cells = [FRAME, SAVE_ATTACK, ASK, "%agent findings", "%agent findings browse mean qty"]
    jupyter.write("findings.ipynb", cells, REPLIES)
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.goto(jupyter.url("lab/tree", "findings.ipynb"))
    run_cells(page, len(cells))
    table = page.locator(".jp-CodeCell").nth(3).locator(".analyst-findings")
    expect(table).to_contain_text("mean = 3.5 kg")

    cell = page.locator(".jp-CodeCell").nth(4)
    form = cell.locator(".analyst-browser")
    expect(form.get_by_text("The mean is 3.5 kg.")).to_be_visible(timeout=20_000)
    expect(cell.locator(".analyst-findings")).to_be_hidden()
    form.get_by_role("button", name="Verify").click()
    expect(form.get_by_text("All that it says came out again.")).to_be_visible(timeout=30_000)
    form.get_by_role("button", name="Pin").click()
    expect(form.get_by_role("button", name="Unpin")).to_be_visible()
    # Of a hostile finding nothing runs and nothing can be followed.
    attack = form.locator("select option", has_text="onerror")
    form.locator("select").select_option(label=attack.first.inner_text())
    expect(form.locator(".analyst-question")).to_contain_text("onerror")
    form.get_by_role("button", name="Delete …").click()
    expect(form.locator("a, img, script")).to_have_count(0)
    form.get_by_role("button", name="Delete for good").click()
    expect(form.locator("select option", has_text="onerror")).to_have_count(0)

    page.wait_for_function(OUTPUTS_ARE_WITHOUT, arg="onerror")
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto("about:blank")
    page.goto(jupyter.url("lab/tree", "findings.ipynb"))
    saved = page.locator(".jp-CodeCell").nth(4)
    # What the saved notebook shows in place of the form is how things were after the changes.
    expect(saved.locator(".analyst-findings")).to_be_visible(timeout=30_000)
    expect(saved.locator(".analyst-pin")).to_have_count(1)
    expect(saved).not_to_contain_text("onerror")
    expect(saved.get_by_text("Error displaying widget")).to_be_hidden()
    assert dialogs == []
    # A server that is to end while a kernel starts does not.
    page.evaluate(KERNEL_IS_THERE)
