"""The isolated kernel as people find it: a card in JupyterLab's launcher."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from kernel_sandbox.cli import main

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CARD = '.jp-LauncherCard[data-category="Notebook"]'
KERNEL_IS_THERE = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
}"""


def test_isolated_python_is_picked_in_the_launcher_and_runs(jupyter, page: Page):
    home = jupyter.directory.parent
    secret = jupyter.directory / "secret.txt"
    secret.write_text("mine-alone")
    # The data directory of the fixture's server stands below this prefix.
    assert main(["install", "--prefix", str(home)]) == 0
    (home / "data").mkdir(exist_ok=True)
    kernels = home / "data" / "kernels"
    if not kernels.exists():
        kernels.symlink_to(home / "share" / "jupyter" / "kernels")

    page.goto(f"{jupyter.address}/lab?token={jupyter.token}&reset")
    page.locator(CARD, has_text="Python (isolated)").click(timeout=60_000)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.evaluate(KERNEL_IS_THERE)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.type(
        f"import os\nprint(6 * 7, os.path.exists({str(secret)!r}), os.listdir())",
    )
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-CodeCell .jp-OutputArea-output").first
    expect(output).to_contain_text("42 False []", timeout=30_000)
    expect(page.locator(".jp-KernelName").first).to_contain_text("Python (isolated)")
    page.screenshot(path=jupyter.directory.parent / "isolated.png")
