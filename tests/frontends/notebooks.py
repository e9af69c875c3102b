"""Notebooks for tests: made from cell sources, run in a real kernel."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import analyst

IN_KERNEL = Path(__file__).parent / "in_kernel"


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def kernel_environment(directory: Path, replies: list[Any]) -> dict[str, str]:
    """Return what a notebook's kernel needs to play ``replies``."""
    file = directory / "replies.json"
    file.write_text(json.dumps(replies))
    paths = [
        str(IN_KERNEL),
        str(Path(analyst.__file__).parents[1]),
        os.environ.get("PYTHONPATH", ""),
    ]
    return {
        **os.environ,
        "ANALYST_TEST_REPLIES": str(file),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def run_notebook(
    directory: Path, replies: list[Any], *cells: str, **options: Any
) -> nbformat.NotebookNode:
    """Run the cells in a real kernel whose agent plays ``replies``; return the notebook."""
    notebook = notebook_of("%load_ext scripted_analyst", *cells)
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        resources={"metadata": {"path": str(directory)}},
        **options,
    )
    client.execute(env=kernel_environment(directory, replies))
    return notebook


def texts(cell: nbformat.NotebookNode) -> str:
    """Return all that a cell shows, as text."""
    shown = []
    for output in cell.outputs:
        shown.append(output.get("text", ""))
        shown.append("\n".join(output.get("traceback", [])))
        shown.append(str(output.get("data", {}).get("text/plain", "")))
    return "\n".join(filter(None, shown))
