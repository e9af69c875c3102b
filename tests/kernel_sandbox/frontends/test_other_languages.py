"""A kernel that is not Python, isolated as it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest
from bash_kernel.install import kernel_json
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

from kernel_sandbox import KernelSession, Policy, Stream
from kernel_sandbox.cli import main
from kernel_sandbox.confinement.backends import attempts

pytestmark = pytest.mark.skipif(
    not any(one.backend for one in attempts("bubblewrap")),
    reason="a shell needs a terminal, which bubblewrap alone gives",
)


@pytest.fixture
def bash(tmp_path, monkeypatch) -> str:
    """Install bash, and bash isolated."""
    plain = tmp_path / "share" / "jupyter" / "kernels" / "bash"
    plain.mkdir(parents=True)
    argv = [sys.executable, *kernel_json["argv"][1:]]
    values = {"argv": argv, "display_name": "Bash", "language": kernel_json["language"]}
    (plain / "kernel.json").write_text(json.dumps(values))
    (plain / "logo-64x64.png").write_bytes(b"a picture")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    arguments = ["--kernel", "bash", "--name", "bash-isolated", "--prefix", str(tmp_path)]
    assert main(["install", *arguments, "--display-name", "Bash (isolated)"]) == 0
    return "bash-isolated"


def test_its_kernelspec_is_that_of_the_kernel(bash):
    found = KernelSpecManager().get_kernel_spec(bash)
    assert found.language == "bash"
    assert found.display_name == "Bash (isolated)"
    assert (Path(found.resource_dir) / "logo-64x64.png").read_bytes() == b"a picture"


async def test_it_runs_and_sees_nothing_outside(bash, tmp_path):
    (tmp_path / "secret.txt").write_text("mine-alone")
    cells = ["echo $((6 * 7))", f"cat {tmp_path}/secret.txt; grep Seccomp: /proc/self/status"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        book, kernel_name=bash, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    done = await client.async_execute()
    assert "42" in str(done.cells[0].outputs)
    said = "".join(output.get("text", "") for output in done.cells[1].outputs)
    assert "mine-alone" not in said
    assert "No such file" in said
    assert "Seccomp:\t2" in said


async def test_a_session_runs_it_too(bash):
    async with await KernelSession.start(bash, policy=Policy(isolation="bubblewrap")) as session:
        said = [event async for event in session.execute("echo $((6 * 7))", deadline=30)]
    assert "42" in "".join(event.text for event in said if isinstance(event, Stream))
