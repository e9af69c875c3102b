"""The isolated kernelspec in programs that run notebooks: unchanged, they use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from kernel_sandbox.cli import main
from kernel_sandbox.directories import place

NAME = "python-isolated"


def left_behind() -> set[Path]:
    return {*Path(place()).glob("ks-*")}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    assert main(["install", "--prefix", str(tmp_path / "prefix")]) == 0
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix" / "share" / "jupyter"))
    before = left_behind()
    children = {*psutil.Process().children()}
    yield tmp_path
    assert left_behind() <= before
    assert {*psutil.Process().children()} <= children


def notebook(*cells: str, kernel: str = NAME) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={
            "kernelspec": {"name": kernel, "display_name": kernel},
            "language_info": {"name": "python"},
        },
    )


async def run(book: nbformat.NotebookNode, folder: Path, **options) -> nbformat.NotebookNode:
    client = NotebookClient(book, resources={"metadata": {"path": str(folder)}}, **options)
    return await client.async_execute()


def texts(book: nbformat.NotebookNode) -> list[str]:
    return [
        "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs)
        for cell in book.cells
    ]


async def test_nbclient_runs_a_notebook_isolated(installed):
    (installed / "secret.txt").write_text("mine")
    book = await run(
        notebook(
            "import pandas as pd; int(pd.DataFrame({'a': [1, 2]}).a.sum())",
            f"import os; os.path.exists({str(installed / 'secret.txt')!r})",
            "print(open('/proc/self/status').read())",
        ),
        installed,
    )
    total, sees, status = texts(book)
    assert (total, sees) == ("3", "False")
    assert "Seccomp:\t2" in status


async def test_errors_and_timeouts_are_told_as_ever(installed):
    with pytest.raises(CellExecutionError, match="FileNotFoundError"):
        await run(notebook(f"open({str(installed / 'x')!r})"), installed)
    with pytest.raises(CellTimeoutError):
        await run(notebook("while True: pass"), installed, timeout=1)
    book = notebook("import time\nwhile True: time.sleep(0.1)", "1 + 1")
    done = await run(book, installed, timeout=1, interrupt_on_timeout=True, allow_errors=True)
    assert texts(done)[1] == "2"


async def test_any_kernel_can_be_isolated_by_the_environment(installed, monkeypatch):
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "kernel-sandbox")
    # The variable is read once a process.
    KernelProvisionerFactory.clear_instance()
    try:
        book = await run(
            notebook("import os; os.listdir('/home')", kernel="python3"),
            installed,
            allow_errors=True,
        )
    finally:
        KernelProvisionerFactory.clear_instance()
    assert "FileNotFoundError" in str(book.cells[0].outputs)


def test_papermill_runs_a_notebook_isolated(installed):
    book = notebook("word = 'none'", "print(word, 'secret' in str(__import__('os').listdir()))")
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, installed / "in.ipynb")
    (installed / "secret.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "-p", "word", "given"],
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    book = nbformat.read(installed / "out.ipynb", as_version=4)
    assert "given False" in str(book.cells[-1].outputs)


async def test_a_granted_folder_is_worked_in(installed, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.csv").write_text("a\n7\n")
    prefix = ["--prefix", str(tmp_path / "prefix"), "--name", "reader"]
    assert main(["install", *prefix, "--read", str(tmp_path / "data")]) == 0
    book = await run(
        notebook("import pandas as pd; int(pd.read_csv('t.csv').a[0])", kernel="reader"),
        tmp_path / "data",
    )
    assert texts(book) == ["7"]


async def test_a_failed_start_is_told(installed, monkeypatch):
    spec = installed / "prefix" / "share" / "jupyter" / "kernels" / NAME / "kernel.json"
    content = json.loads(spec.read_text())
    spec.write_text(json.dumps({**content, "argv": ["/no/such/python", "-f", "{connection_file}"]}))
    with pytest.raises(Exception, match="could not be run in the sandbox"):
        await run(notebook("1"), installed)
    spec.write_text(json.dumps(content))
    monkeypatch.setattr("kernel_sandbox.confinement.backends.attempts", lambda _: [])
    with pytest.raises(Exception, match="cannot isolate a kernel"):
        await run(notebook("1"), installed)
