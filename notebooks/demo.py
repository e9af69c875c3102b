"""Execute ``quickstart.ipynb`` headless, check its answer against pandas, keep what came out.

Run by ``make demo``. Leaves the executed notebook and an HTML page in ``demo-output`` and ends
with exit code 1, loudly, when the computed answer is wrong or there is no chart.
"""

from __future__ import annotations

import ast
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import plotly.express as px
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from analyst.frontends.page import PageExporter

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "demo-output"
CHART = "application/vnd.plotly.v1+json"


def expected() -> dict[str, Any]:
    """Compute the right answer without the agent."""
    gapminder = px.data.gapminder()
    japan = gapminder[gapminder["country"] == "Japan"]
    return {"mean_gdp": float(round(japan["gdpPercap"].mean(), 2))}


def agent_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the cell that asks."""
    return next(cell for cell in notebook.cells if cell.source.startswith("%%agent"))


def computed(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Read the values from the cell that shows them."""
    cell = next(cell for cell in notebook.cells if cell.source == "answer.values")
    shown = [o for o in cell.outputs if o.output_type == "execute_result"]
    value: dict[str, Any] = ast.literal_eval(shown[0].data["text/plain"]) if shown else {}
    return value


def verdict(given: dict[str, Any], right: dict[str, Any]) -> bool:
    """Tell whether the mean is right to two decimals."""
    try:
        mean = float(given["mean_gdp"])
    except (KeyError, TypeError, ValueError):
        return False
    return abs(mean - right["mean_gdp"]) < 0.005


def main() -> int:
    """Run the demo; return the exit code."""
    OUTPUT.mkdir(exist_ok=True)
    notebook = nbformat.read(HERE / "quickstart.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(HERE)}})
    started = time.monotonic()
    failure = ""
    try:
        with tempfile.TemporaryDirectory() as empty:
            # The answer shall be computed, also if it was asked for before.
            os.environ["ANALYST_DATA"] = empty
            client.execute()
    except CellExecutionError as error:
        failure = str(error).strip().splitlines()[-1]
    seconds = time.monotonic() - started
    executed, page = OUTPUT / "quickstart.ipynb", OUTPUT / "quickstart.html"
    nbformat.write(notebook, executed)
    page.write_text(PageExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    asked = agent_cell(notebook)
    given, right = computed(notebook), expected()
    chart = any(CHART in output.get("data", {}) for output in asked.outputs)
    show = sys.stdout.write
    show(f"\nQuestion:  {asked.source.partition(chr(10))[2]}\n")
    show(f"Answer:    {given or failure or 'none'}\n")
    show(f"pandas:    {right}\n")
    show(f"Chart:     {'in ' + str(page) if chart else 'none'}\n")
    show(f"Notebook:  {executed}\n")
    show(f"Seconds:   {seconds:.1f}, from starting the notebook's kernel to the last cell\n")
    if failure or not chart or not verdict(given, right):
        show("\nTHE DEMO FAILED: the answer or its chart is missing or wrong.\n")
        return 1
    lab = Path(sys.executable).with_name("jupyter-lab")
    show(f"\nThe answer is right. Next: {lab} {HERE / 'quickstart.ipynb'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
