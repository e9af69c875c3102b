"""A real JupyterLab and a real browser. The model is scripted, all else is the product.

The browser is Debian's Chromium (package ``chromium``); nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page

FRONTENDS = Path(__file__).parents[1] / "frontends"
IN_KERNEL = FRONTENDS / "in_kernel"
SCRIPTED_SERVER = FRONTENDS / "server" / "served"
ROOT = Path(__file__).parents[2]
LABEXTENSION = ROOT / "extension" / "labextension"
QUIET_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
LABS = {"4.5": ("jupyterlab==4.5.*", "notebook==7.5.*")}
"""Front ends besides those of constraints.txt; the oldest that are supported come first.

``ANALYST_LAB=4.5 pytest tests/browser`` has all tests of the panel in that one.
"""

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "Install Chromium (Debian: apt-get install chromium) for these tests."
    return {**browser_type_launch_args, "executable_path": path, "args": CHROMIUM_OPTIONS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 900}}


@dataclass(frozen=True)
class JupyterServer:
    """A running server and the directory that it shows."""

    address: str
    token: str
    directory: Path
    replies: Path

    @property
    def host(self) -> str:
        """The address without the base URL."""
        return "/".join(self.address.split("/")[:3])

    def write(self, name: str, cells: list[str], replies: list[Any]) -> Path:
        """Write a notebook, and what the scripted model will say in it."""
        self.replies.write_text(json.dumps(replies))
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        path = self.directory / name
        nbformat.write(notebook, path)
        return path

    def url(self, front_end: str, name: str) -> str:
        """Return the address of a notebook in a front end: ``lab/tree`` or ``notebooks``."""
        return f"{self.address}/{front_end}/{name}?token={self.token}&reset"


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server for the magic."""
    with _serving(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment, with the wheel and Notebook as a user has them.

    Of the locked versions, or of those that ``ANALYST_LAB`` names.
    """
    assert (LABEXTENSION / "package.json").exists(), "Build the panel for these tests: make panel"
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(*pip, "wheel", "--no-deps", f"--wheel-dir={place}", str(ROOT))
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=False, symlinks=True)
    python = place / "venv" / "bin" / "python"
    front_ends = LABS.get(os.environ.get("ANALYST_LAB", ""), ("notebook",))
    locked = place / "constraints.txt"
    named = tuple(one.partition("==")[0] + "==" for one in front_ends)
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    locked.write_text("\n".join(line for line in lines if not line.startswith(named)))
    constraints = f"--constraint={locked}"
    _run(*pip, f"--python={python}", "install", constraints, str(wheel), *front_ends)
    return python


@pytest.fixture(scope="session")
def oldest_lab(tmp_path_factory: pytest.TempPathFactory, installed: Path) -> Path:
    """The interpreter of an environment with the oldest front ends, and all else as installed."""
    if "ANALYST_LAB" in os.environ:
        return installed
    place = tmp_path_factory.mktemp("oldest") / "venv"
    # The same files by other names: installing all of them anew would take a minute.
    shutil.copytree(installed.parents[1], place, symlinks=True, copy_function=os.link)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    python = place / "bin" / "python"
    _run(*pip, f"--python={python}", "install", *next(iter(LABS.values())))
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def jupyter_with_panel(
    tmp_path_factory: pytest.TempPathFactory, installed: Path
) -> Iterator[JupyterServer]:
    """A server with the panel, whose sessions reply with the code block of the question."""
    with serve_panel(tmp_path_factory.mktemp("panel"), installed) as server:
        yield server


@contextlib.contextmanager
def serve_panel(
    home: Path,
    python: Path,
    *,
    session: str = "real",
    port: int | None = None,
    token: str | None = None,
    base_url: str = "/",
    **environment: str,
) -> Iterator[JupyterServer]:
    """Serve with the wheel's panel; ``session``: what plays the agent, "" for the real one."""
    arguments: tuple[str, ...] = (f"--ServerApp.base_url={base_url}",)
    if session:
        # In the place of the extension that the wheel enables.
        played = {"analyst.frontends.server": False, "scripted_analyst_server": True}
        arguments += (f"--ServerApp.jpserver_extensions={played}",)
        environment |= {"ANALYST_TEST_SESSION": session}
    options: dict[str, Any] = {"python": python, "port": port, "token": token}
    with _serving(home, *arguments, base_url=base_url, **options, **environment) as server:
        yield server


@contextlib.contextmanager
def _serving(
    home: Path,
    *arguments: str,
    python: Path = Path(sys.executable),
    port: int | None = None,
    token: str | None = None,
    base_url: str = "/",
    **environment: str,
) -> Iterator[JupyterServer]:
    directory = home / "notebooks"
    directory.mkdir(exist_ok=True)
    settings = home / "lab-settings"
    settings.mkdir(exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(QUIET_SETTINGS))
    replies = home / "replies.json"
    token, port = token or secrets.token_hex(16), port or _free_port()
    paths = (str(IN_KERNEL), str(SCRIPTED_SERVER), os.environ.get("PYTHONPATH"))
    all_environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "ANALYST_DATA": str(home / "analyst"),
        "ANALYST_TEST_REPLIES": str(replies),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "user-settings"),
        # What the tests themselves were told to run stays what the server runs.
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **environment,
    }
    log = (home / "server.log").open("ab")
    server = subprocess.Popen(
        [
            str(python),
            "-m",
            "jupyterlab",
            "--allow-root",
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={directory}",
            f"--LabApp.app_settings_dir={settings}",
            f"--LabApp.workspaces_dir={home / 'workspaces'}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            *arguments,
        ],
        env=all_environment,
        cwd=home,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}{base_url}".rstrip("/")
    try:
        _await_answer(f"{address}/api/status?token={token}", server, home / "server.log")
        yield JupyterServer(address, token, directory, replies)
    finally:
        server.terminate()
        server.wait(30)
        log.close()


RunCells = Callable[[Page, int], None]


@pytest.fixture
def run_cells() -> RunCells:
    """Run the first cells of the open notebook and wait until the kernel is idle again."""

    def run(page: Page, count: int) -> None:
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.evaluate(_KERNEL_IS_THERE)
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        for _ in range(count):
            page.keyboard.press("Shift+Enter")
        page.wait_for_function(_ALL_RAN, arg=count, timeout=60_000)

    return run


_KERNEL_IS_THERE = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""

_ALL_RAN = """count => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].slice(0, count);
  return prompts.length === count && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
}"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"Jupyter did not start:\n{log.read_text()[-3000:]}")
