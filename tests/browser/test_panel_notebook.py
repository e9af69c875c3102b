"""The panel and the notebook: stop and approvals in cells, context, cells, errors."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import JupyterServer, RunCells
from .panel_page import ask

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
TIMES = "\N{MULTIPLICATION SIGN}"
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


def test_stop_ends_a_busy_cell_by_a_click(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("stop.ipynb", [FRAME, "%%agent\nq", "sales.shape"], [ASLEEP])
    cell = start_second_cell(page, jupyter_with_panel, run_cells, "stop.ipynb")
    expect(cell.get_by_text("asleep").first).to_be_attached(timeout=30_000)
    cell.get_by_role("button", name="Stop").click()
    expect(cell.locator(".jp-InputPrompt")).to_contain_text("[2]", timeout=5_000)
    expect(cell.get_by_text("Stopped: it was stopped").first).to_be_visible()
    expect(cell.get_by_text("Traceback")).to_have_count(0)
    expect(cell.get_by_role("button", name="Stop")).to_have_count(0)
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-CodeCell").nth(2).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-CodeCell").nth(2)).to_contain_text("(2, 2)", timeout=10_000)


def test_the_kernels_interrupt_ends_a_call_that_waits(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("interrupt.ipynb", [FRAME, ASKING], [CALL, "FINAL: No."])
    cell = start_second_cell(page, jupyter_with_panel, run_cells, "interrupt.ipynb")
    card = cell.get_by_role("group", name="May this code run?")
    expect(card).to_be_visible(timeout=30_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(cell.locator(".jp-InputPrompt")).to_contain_text("[2]", timeout=10_000)
    expect(card).to_have_count(0)
    expect(cell.get_by_text("Stopped: it was stopped").first).to_be_visible()


def test_a_reloaded_page_says_that_it_cannot_reach_the_cell(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("reload.ipynb", [FRAME, "%%agent\nq"], [ASLEEP])
    cell = start_second_cell(page, jupyter_with_panel, run_cells, "reload.ipynb")
    expect(cell.get_by_text("asleep").first).to_be_attached(timeout=30_000)
    save(page)
    page.goto("about:blank")
    page.goto(jupyter_with_panel.url("lab/tree", "reload.ipynb"))
    expect(cell.get_by_text("cannot reach the run")).to_be_visible(timeout=30_000)
    expect(cell.get_by_role("button", name="Stop")).to_have_count(0)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    page.wait_for_function(KERNEL_IS_IDLE, timeout=20_000)


def test_the_kernels_tables_are_offered_and_handed_over_while_it_is_busy(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    sleeping = "import time\ntime.sleep(60)\nstill_here = 1"
    jupyter_with_panel.write("busy.ipynb", [FRAME, sleeping], [])
    cell = start_second_cell(page, jupyter_with_panel, run_cells, "busy.ipynb")
    panel = open_panel(page)
    question = panel.get_by_role("combobox", name="Question")
    question.press_sequentially("@sal")
    offer = panel.get_by_role("option", name=f"sales (2 {TIMES} 2)")
    expect(offer).to_contain_text("region, qty", timeout=10_000)
    question.press("Enter")
    expect(panel.get_by_label("Goes along")).to_contain_text(f"sales (2 {TIMES} 2)")
    ask(panel, "```python\nprint('sum is', sales.qty.sum())\n```")
    answered(panel, 1)
    panel.locator(".jp-Analyst-stepHead").click()
    expect(panel.get_by_text("sum is 7").first).to_be_visible()
    expect(cell.locator(".jp-InputPrompt")).to_contain_text("[*]")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    page.wait_for_function(KERNEL_IS_IDLE, timeout=20_000)


def test_code_of_a_step_becomes_a_cell_that_one_undo_takes_away(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("insert.ipynb", [FRAME, "kept = 1", "last = 2"], [])
    page.goto(jupyter_with_panel.url("lab/tree", "insert.ipynb"))
    run_cells(page, 1)
    panel = open_panel(page)
    ask(panel, "```python\ninserted = 41\nprint(inserted + 1)\n```")
    step = panel.get_by_role("region", name="Step 1")
    answered(panel, 1)
    step.locator(".jp-Analyst-stepHead").click()
    insert = step.get_by_role("button", name="Insert as a cell into insert.ipynb")
    insert.focus()
    insert.press("Enter")
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(4)
    expect(cells.nth(2)).to_contain_text("inserted = 41")
    expect(insert).to_be_focused()
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.type("# mine ")
    # In an editor, Ctrl+Z takes back what was typed there, and not what was inserted.
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(cells.nth(2)).not_to_contain_text("# mine")
    expect(cells.nth(2)).to_contain_text("inserted = 41")
    cells.nth(3).locator(".jp-InputPrompt").click()
    page.keyboard.press("z")
    expect(cells).to_have_count(3)
    expect(page.locator(".jp-Notebook")).to_contain_text("kept = 1")
    expect(page.locator(".jp-Notebook")).to_contain_text("last = 2")


def test_an_answer_is_inserted_with_its_chart_and_one_undo_takes_both_away(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("answer.ipynb", [FRAME, "kept = 1"], [])
    page.goto(jupyter_with_panel.url("lab/tree", "answer.ipynb"))
    run_cells(page, 1)
    panel = open_panel(page)
    ask(panel, "```python\nwarmed = 1\n```")
    answered(panel, 1)
    ask(panel, '```python\npx.bar(x=["north", "south"], y=[3, 4]).show()\n```')
    answered(panel, 1)
    answered(panel, 2)
    panel.get_by_role("button", name="Insert the answer into answer.ipynb").last.click()
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(4)
    expect(cells.nth(2).locator(".jp-RenderedMarkdown")).to_contain_text("It is computed.")
    expect(cells.nth(3)).to_contain_text("px.bar(")
    expect(cells.nth(3).locator(".js-plotly-plot .bars path").first).to_be_visible(timeout=20_000)
    cells.nth(1).locator(".jp-InputPrompt").click()
    page.keyboard.press("z")
    expect(cells).to_have_count(2)


def test_an_errors_buttons_ask_about_it_and_a_fix_replaces_its_cell(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    failing = "total = 1\nprint(total / 0)"
    jupyter_with_panel.write("error.ipynb", ["print('fine')", failing, "after = 1"], [])
    page.goto(jupyter_with_panel.url("lab/tree", "error.ipynb"))
    run_cells(page, 2)
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    expect(page.get_by_role("button", name="Explain")).to_have_count(1)
    cells.nth(1).get_by_role("button", name="Explain").click()
    panel = page.locator(".jp-Analyst")
    question = panel.locator(".jp-Analyst-question").first
    expect(question).to_contain_text("print(total / 0)", timeout=20_000)
    expect(question).to_contain_text("ZeroDivisionError: division by zero")
    expect(question).not_to_contain_text("\x1b")
    answered(panel, 1)
    cells.nth(1).get_by_role("button", name="Fix").click()
    answered(panel, 2)
    editor = cells.nth(1).locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  # mine")
    cells.nth(2).locator(".cm-content").click()
    step = panel.locator(".jp-Analyst-turn").last.get_by_role("region", name="Step 1")
    step.locator(".jp-Analyst-stepHead").click()
    step.get_by_role("button", name="Replace cell 2 of error.ipynb").click()
    expect(editor).not_to_contain_text("# mine")
    expect(editor).to_contain_text("print(total / 0)")
    expect(cells.nth(2)).to_contain_text("after = 1")
    editor.click()
    page.keyboard.press("Control+z")
    expect(editor).to_contain_text("print(total / 0)  # mine")


def test_a_table_of_the_agents_kernel_is_brought_into_the_notebook(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    jupyter_with_panel.write("bring.ipynb", [FRAME, "kept = 1"], [])
    page.goto(jupyter_with_panel.url("lab/tree", "bring.ipynb"))
    run_cells(page, 1)
    panel = open_panel(page)
    ask(panel, '```python\nfound = pd.DataFrame({"a": [1, 2, 3]})\nprint(len(found))\n```')
    answered(panel, 1)
    page.evaluate("() => void window.jupyterapp.commands.execute('analyst:bring-frame')")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"found (3 {TIMES} 1)", timeout=20_000)
    dialog.get_by_role("button", name="Bring").click()
    brought = page.locator(".jp-Notebook .jp-CodeCell").nth(2)
    expect(brought).to_contain_text("found = ", timeout=20_000)
    expect(brought.locator(".jp-InputPrompt")).to_contain_text(re.compile(r"\[\d+\]"))
    expect(brought.get_by_role("button", name="Explain")).to_have_count(0)


def test_a_run_of_a_cell_is_made_a_notebook_and_opened(
    page: Page, jupyter_with_panel: JupyterServer, run_cells: RunCells
) -> None:
    question = "%%agent\nWhat is made of this?"
    replies = ["```python\nmade = 40 + 2\nprint(made)\n```", "FINAL: It is 42."]
    jupyter_with_panel.write("source.ipynb", [FRAME, question], replies)
    page.goto(jupyter_with_panel.url("lab/tree", "source.ipynb"))
    run_cells(page, 2)
    panel = open_panel(page)
    panel.get_by_role("tab", name="Runs").click()
    panel.get_by_text("What is made of this?").first.click()
    panel.get_by_role("button", name="Make a notebook").click()
    opened = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(opened).to_contain_text("made = 40 + 2", timeout=30_000)
    expect(page.get_by_role("main").get_by_role("tab", selected=True)).not_to_contain_text(
        "source.ipynb"
    )


def open_panel(page: Page) -> Locator:
    """Open the panel by the notebook's button, at a fresh conversation."""
    button = page.get_by_role("button", name="Ask Analyst about")
    with page.expect_response("**/analyst/api/status*"):
        button.click()
    panel = page.locator(".jp-Analyst")
    page.evaluate("() => window.jupyterapp.commands.execute('analyst:new-conversation')")
    expect(panel.get_by_role("combobox", name="Question")).to_be_visible(timeout=10_000)
    return panel


def answered(panel: Locator, count: int) -> None:
    """Wait until that many questions have their answers and their runs have ended."""
    answers = panel.locator(".jp-Analyst-turn:not(:has(.jp-Analyst-activity)) .jp-Analyst-answer")
    expect(answers).to_have_count(count, timeout=60_000)
    expect(answers.last).to_contain_text("It is computed.")


def save(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=20_000
    )


KERNEL_IS_IDLE = """async () => {
  const response = await fetch(`${JSON.parse(document.getElementById('jupyter-config-data')
    .textContent).baseUrl}api/kernels`);
  return (await response.json()).every(kernel => kernel.execution_state === 'idle');
}"""
