"""Why a kernel did not start is told by whatever front end asked for it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbclient import NotebookClient
from tornado.web import HTTPError

from kernel_sandbox.cli import main
from kernel_sandbox.directories import place
from kernel_sandbox.errors import KernelStartError, NoIsolationError
from kernel_sandbox.failures import start_error
from kernel_sandbox.supervisor import KernelExit

NAME = "python-isolated"


@pytest.fixture
def spec(tmp_path, monkeypatch):
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    before = {*Path(place()).glob("ks-*")}
    yield tmp_path / "share" / "jupyter" / "kernels" / NAME / "kernel.json"
    assert {*Path(place()).glob("ks-*")} <= before


def change(spec: Path, **values) -> None:
    spec.write_text(json.dumps({**json.loads(spec.read_text()), **values}))


async def start_by_nbclient() -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    await NotebookClient(book, kernel_name=NAME).async_execute()


FAILS = [
    (
        [sys.executable, "-c", "import sys; sys.exit('No module named ipykernel_launcher')"],
        f"has no ipykernel. Install it there: {sys.executable} -m pip install ipykernel",
    ),
    (
        [sys.executable, "-c", "import no_such_module_at_all"],
        "(it exited with code 1): ModuleNotFoundError: No module named 'no_such_module_at_all'",
    ),
    ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "it was killed by SIGKILL"),
    (["/no/such/python"], "could not be run in the sandbox"),
]


@pytest.mark.parametrize(("argv", "words"), FAILS)
async def test_nbclient_raises_the_words(spec, argv, words, caplog):
    change(spec, argv=[*argv, "{connection_file}"])
    with pytest.raises(KernelStartError) as raised:
        await start_by_nbclient()
    assert words in str(raised.value)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("The kernel ended" in record.getMessage() for record in errors)


async def test_no_isolation_comes_out_of_the_start(spec, monkeypatch):
    monkeypatch.setattr("kernel_sandbox.confinement.backends.attempts", lambda _: [])
    with pytest.raises(NoIsolationError, match="cannot isolate a kernel"):
        await start_by_nbclient()


async def test_a_policy_without_sense_is_told(spec):
    metadata = json.loads(spec.read_text())["metadata"]
    metadata["kernel_provisioner"]["config"] = {"policy": {"memmory": 1}}
    change(spec, metadata=metadata)
    with pytest.raises(KernelStartError, match="A policy has no 'memmory'"):
        await start_by_nbclient()


async def test_a_server_gets_an_error_whose_words_it_tells(spec):
    change(spec, argv=[sys.executable, "-c", "import no_such_module_at_all", "{connection_file}"])
    manager = AsyncMappingKernelManager()
    with pytest.raises(KernelStartError) as raised:
        await manager.start_kernel(kernel_name=NAME)
    error = raised.value
    assert isinstance(error, HTTPError)
    assert error.status_code == 500
    assert error.log_message == str(error)
    assert "no_such_module_at_all" in str(error)
    assert error.exit_code == 1
    assert "Traceback" in error.stderr


def test_what_bubblewrap_says_is_told_with_what_to_do():
    error = start_error(KernelExit(1, "bwrap: No permissions to create new namespace\n"))
    assert "could not make the sandbox (No permissions to create new namespace)" in str(error)
    assert "kernel_sandbox doctor" in str(error)
