"""The panel as its user feels it: latency, first paint, a long conversation, many at once.

A real JupyterLab with the built panel, a real browser (Debian's Chromium), scripted events.

    python benchmarks/panel/panel.py

The extension must be built: ``make panel``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
LABEXTENSION = ROOT / "extension" / "labextension"
LOADS = 7
DELTAS = 400
LONG_RUNS, STEPS_A_RUN = 80, 41
MANY, MANY_DELTAS = 20, 500
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAINTED = """() => {
  window.analystPaint = {};
  const look = () => {
    if (document.querySelector('.jp-Analyst textarea') && !window.analystPaint.panel) {
      requestAnimationFrame(() => { window.analystPaint.panel = performance.now(); });
      observer.disconnect();
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
  const wait = setInterval(() => {
    if (window.jupyterapp) {
      clearInterval(wait);
      window.jupyterapp.restored.then(() => { window.analystPaint.lab = performance.now(); });
    }
  }, 5);
}"""
LATENCIES = """() => {
  window.analystSeen = {};
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    const runs = document.querySelectorAll('.jp-Analyst-turn');
    if (!runs.length) return;
    const text = runs[runs.length - 1].textContent;
    for (const [stamp] of text.matchAll(/t\\d{13}\\.\\d\\d/g)) {
      window.analystSeen[stamp] ??= now - Number(stamp.slice(1));
    }
  };
  new MutationObserver(look).observe(document.querySelector('.jp-Analyst'), {
    childList: true, subtree: true, characterData: true });
}"""
FRAMES = """async () => {
  const node = document.querySelector('.jp-Analyst-scroll');
  const gaps = [];
  let last = performance.now();
  for (let step = 0; step < 240; step++) {
    node.scrollTop -= 90;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  return gaps;
}"""


@contextlib.contextmanager
def lab(home: Path) -> Iterator[tuple[str, str]]:
    """Serve JupyterLab with the panel; yield its address and token."""
    extensions = home / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "jupyter-analyst").symlink_to(LABEXTENSION)
    settings = home / "lab-settings"
    settings.mkdir()
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": quiet}
    (settings / "overrides.json").write_text(json.dumps(overrides))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = "benchmark"
    served = {"analyst.frontends.server": False, "stamped_analyst_server": True}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser"),
            *("--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={token}"),
            f"--ServerApp.root_dir={home}",
            f"--ServerApp.jpserver_extensions={served}",
            f"--LabApp.extra_labextensions_path={extensions}",
            f"--LabApp.app_settings_dir={settings}",
            f"--LabApp.workspaces_dir={home / 'workspaces'}",
            "--LabApp.expose_app_in_browser=True",
        ],
        env={
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "ANALYST_DATA": str(home / "analyst"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "served"), str(ROOT)]),
        },
        stdout=(home / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{address}/api/status?token={token}").status_code == 200:
                    break
            if time.monotonic() > deadline:
                raise TimeoutError((home / "log").read_text()[-3000:])
            time.sleep(0.2)
        yield address, token
    finally:
        server.terminate()
        server.wait(30)


class Api:
    """The server's routes that the benchmark needs."""

    def __init__(self, address: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=f"{address}/analyst/api/",
            headers={"Authorization": f"token {token}"},
            timeout=120,
        )

    def conversation(self, title: str) -> str:
        return str(self.http.post("conversations", json={"title": title}).json()["id"])

    def ask(self, conversation: str, **question: Any) -> None:
        answer = self.http.post(
            f"conversations/{conversation}/ask", json={"question": json.dumps(question)}
        )
        answer.raise_for_status()

    def await_end(self, conversation: str) -> int:
        while True:
            found = self.http.get(f"conversations/{conversation}").json()
            if not found["busy"]:
                return int(found["number"])
            time.sleep(0.01)


def bundle() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        for path in (LABEXTENSION / "static").iterdir()
        if path.suffix in {".js", ".css"}
    }
    print(f"bundle: {sum(sizes.values()) / 1000:.0f} kB gzipped in {len(sizes)} files (target 150)")


def show_panel(page: Page) -> None:
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.evaluate("() => window.jupyterapp.commands.execute('analyst:open')")
    page.wait_for_selector(".jp-Analyst textarea")


def first_paint(page: Page, url: str) -> None:
    page.add_init_script(f"({PAINTED})()")
    page.goto(url)
    show_panel(page)
    page.wait_for_timeout(2000)  # the layout is saved a while after it changed
    after = []
    for _ in range(LOADS):
        page.goto(url.removesuffix("&reset"))
        page.wait_for_function("() => window.analystPaint.panel && window.analystPaint.lab")
        times = page.evaluate("() => window.analystPaint")
        after.append(times["panel"] - times["lab"])
    print(
        f"first paint of the panel after Lab is ready: median {statistics.median(after):.0f} ms, "
        f"worst {max(after):.0f} ms of {LOADS} loads (target 300)"
    )


def open_conversation(page: Page, title: str) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('analyst:open')")
    page.locator(".jp-Analyst-switch").click()
    page.locator(".jp-Analyst-menuItem", has_text=title).click()


def latency(page: Page, api: Api) -> None:
    conversation = api.conversation("latency")
    api.ask(conversation, deltas=1)
    api.await_end(conversation)
    open_conversation(page, "latency")
    page.wait_for_selector(".jp-Analyst-turn")
    page.evaluate(LATENCIES)
    api.ask(conversation, deltas=DELTAS, pause=0.04)
    api.await_end(conversation)
    page.wait_for_timeout(500)
    seen = sorted(page.evaluate("() => Object.values(window.analystSeen)"))
    print(
        f"latency of {len(seen)} of {DELTAS} deltas, made to seen on the page: p50 "
        f"{statistics.median(seen):.1f} ms, p95 {seen[int(0.95 * len(seen))]:.1f} ms "
        "(target p50 20)"
    )


def long_conversation(page: Page, api: Api) -> None:
    conversation = api.conversation("ten thousand events")
    number = 0
    for _ in range(LONG_RUNS):
        api.ask(conversation, steps=STEPS_A_RUN)
        number = api.await_end(conversation)
    opened = []
    for _ in range(LOADS):
        open_conversation(page, "latency")
        page.wait_for_timeout(300)
        page.locator(".jp-Analyst-switch").click()
        entry = page.locator(".jp-Analyst-menuItem", has_text="ten thousand events")
        entry.wait_for()
        began = time.perf_counter()
        entry.click()
        page.wait_for_function(
            "count => document.querySelectorAll('.jp-Analyst-near').length === count",
            arg=LONG_RUNS,
        )
        page.wait_for_function(
            "() => [...document.querySelectorAll('.jp-Analyst-turn')].at(-1)"
            ".textContent.includes('dearer by 1.5')"
        )
        page.evaluate("() => new Promise(requestAnimationFrame)")
        opened.append(time.perf_counter() - began)
    gaps = sorted(page.evaluate(FRAMES))
    heap = page.evaluate("() => performance.memory.usedJSHeapSize")
    nodes = page.evaluate("() => document.querySelectorAll('.jp-Analyst *').length")
    print(
        f"a conversation of {number:,} events opens in {statistics.median(opened):.2f} s, at "
        f"worst {max(opened):.2f} s (target 1); scrolling: median frame "
        f"{statistics.median(gaps):.1f} ms, "
        f"p95 {gaps[int(0.95 * len(gaps))]:.1f} ms (60 frames a second are 16.7); JavaScript heap "
        f"{heap / 1e6:.0f} MB, {nodes:,} nodes in the panel"
    )


def many_at_once(api: Api) -> None:
    conversations = [api.conversation(f"stream {number}") for number in range(MANY)]
    numbers: dict[str, list[int]] = {one: [] for one in conversations}
    words: dict[str, int] = dict.fromkeys(conversations, 0)

    def read(one: str) -> None:
        with api.http.stream("GET", f"conversations/{one}/events?after=0") as answer:
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    numbers[one].append(int(line[4:]))
                elif line.startswith("data: "):
                    words[one] += '"message_delta"' in line
                    if '"run_finished"' in line:
                        return

    readers = [threading.Thread(target=read, args=(one,)) for one in conversations]
    for reader in readers:
        reader.start()
    began = time.perf_counter()
    for one in conversations:
        api.ask(one, deltas=MANY_DELTAS, pause=0.002)
    for reader in readers:
        reader.join()
    seconds = time.perf_counter() - began
    in_order = sum(found == [*range(found[0], found[-1] + 1)] for found in numbers.values())
    whole = sum(count == MANY_DELTAS for count in words.values())
    events = sum(map(len, numbers.values()))
    print(
        f"{MANY} conversations at once: {events:,} events in {seconds:.1f} s, {in_order} of {MANY} "
        f"streams without a gap or a change of order, {whole} of {MANY} with every delta"
    )


def main() -> None:
    assert (LABEXTENSION / "package.json").exists(), "Build the panel first: make panel."
    bundle()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as place,
        lab(Path(place)) as (address, token),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        api = Api(address, token)
        first_paint(page, f"{address}/lab?token={token}&reset")
        latency(page, api)
        long_conversation(page, api)
        many_at_once(api)
        browser.close()


if __name__ == "__main__":
    main()
