"""The panel with the embedded model, from a notebook's frame to a notebook that executes.

Where ``ANALYST_SCREENSHOTS`` names a directory, what is seen is kept there, light and dark.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import plotly.express as px
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Page, expect

from .conftest import RunCells, serve_panel
from .panel_page import await_answer, shown_panel

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(600)]

COUNT = "How many different countries are in gapminder?"
CHART = (
    "Draw a line chart of the lifeExp of Japan by year with plotly express. "
    "Print the highest lifeExp of Japan, rounded to 1 decimal."
)


def test_a_question_on_a_notebooks_frame_becomes_a_chart_and_a_notebook(
    page: Page,
    installed: Path,
    run_cells: RunCells,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serve_panel(tmp_path_factory.mktemp("real"), installed, session="") as server:
        cell = "import plotly.express as px\n\ngapminder = px.data.gapminder()\ngapminder.head()"
        server.write("life.ipynb", [cell], [])
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(server.url("lab/tree", "life.ipynb"))
        page.wait_for_function("() => window.jupyterapp")
        run_cells(page, 1)
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        panel = shown_panel(page)
        widen(page)
        question = panel.get_by_role("combobox", name="Question")
        question.click()
        question.press_sequentially("@gapm")
        offer = panel.get_by_role("option").first
        expect(offer).to_contain_text("gapminder", timeout=20_000)
        question.press("Enter")
        question.press_sequentially(COUNT)
        question.press("Enter")
        await_answer(panel, 300_000, str(px.data.gapminder().country.nunique()))
        question.fill(CHART)
        question.press("Enter")
        expect(panel.locator(".jp-Analyst-turn")).to_have_count(2)
        await_answer(panel, 300_000, "")
        chart = panel.locator(".js-plotly-plot .main-svg").first
        expect(chart).to_be_visible(timeout=30_000)
        box, room = chart.bounding_box(), panel.bounding_box()
        assert box is not None
        assert room is not None
        assert box["width"] <= room["width"]
        keep_screenshots(page)

        panel.get_by_role("button", name="Make this a notebook").click()
        tab = page.get_by_role("tab", name=re.compile(r"^(?!life).*\.ipynb"))
        expect(tab.first).to_be_visible(timeout=30_000)
        (made,) = [one for one in server.directory.glob("*.ipynb") if one.name != "life.ipynb"]
        notebook = nbformat.read(made, 4)
        nbformat.validate(notebook)
        resources = {"metadata": {"path": str(made.parent)}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
        outputs = str([one.get("outputs") for one in notebook.cells])
        assert "plotly" in outputs


def widen(page: Page) -> None:
    """Give the panel the width that a user would give it."""
    box = page.locator("#jupyter-analyst").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 2, 400)
    page.mouse.down()
    page.mouse.move(box["x"] - 200, 400, steps=5)
    page.mouse.up()


def keep_screenshots(page: Page) -> None:
    directory = os.environ.get("ANALYST_SCREENSHOTS")
    if not directory:
        return
    for theme, name in (("JupyterLab Light", "panel-light"), ("JupyterLab Dark", "panel-dark")):
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        page.wait_for_timeout(2500)
        page.screenshot(path=str(Path(directory) / f"{name}.png"))
