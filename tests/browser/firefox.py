"""Debian's Firefox (package ``firefox-esr``), driven by the protocol that it speaks by itself.

Playwright drives only a Firefox of its own making, and Debian has no geckodriver. WebDriver BiDi
needs neither; here is as much of it as one walk through the panel takes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

_LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_QUIET = {
    "app.update.auto": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}

# The pointer goes to where a node was: while the page is laid out, that is not where it will be.
_RESTING = """(async () => {
  const node = %s;
  if (!node) return null;
  const before = node.getBoundingClientRect();
  await new Promise(tell => requestAnimationFrame(() => requestAnimationFrame(tell)));
  const now = node.getBoundingClientRect();
  const still = ['x', 'y', 'width', 'height'].every(side => before[side] === now[side]);
  const top = document.elementFromPoint(now.x + now.width / 2, now.y + now.height / 2);
  return still && node.contains(top) ? node : null;
})()"""


class Firefox:
    """One window. ``errors``: what scripts raised and nobody caught."""

    def __init__(self, address: str) -> None:
        self.errors: list[str] = []
        # Firefox refuses pages that would drive it, which have an origin.
        self._socket = websocket.create_connection(
            f"{address}/session", suppress_origin=True, timeout=60
        )
        self._number = 0
        self.call("session.new", {"capabilities": {}})
        self.call("session.subscribe", {"events": ["log.entryAdded"]})
        tree = self.call("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Send a command and return its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("method") == "log.entryAdded":
                entry = told["params"]
                if entry["type"] == "javascript" and entry["level"] == "error":
                    self.errors.append(entry["text"])
            elif told.get("id") == self._number:
                assert told["type"] == "success", told
                return told["result"]

    def goto(self, address: str) -> None:
        """Load a page."""
        params = {"context": self._context, "url": address, "wait": "complete"}
        self.call("browsingContext.navigate", params)

    def evaluate(self, expression: str) -> Any:
        """Return what an expression comes to: a plain value, or a node's reference."""
        params = {
            "expression": expression,
            "target": {"context": self._context},
            "awaitPromise": True,
            "userActivation": True,
        }
        told = self.call("script.evaluate", params)
        assert told["type"] == "success", told
        result = told["result"]
        return result if result["type"] == "node" else result.get("value")

    def wait_for(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression comes to something, and return that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.evaluate(expression)
            if found:
                return found
            time.sleep(0.1)
        seen = self.evaluate("document.querySelector('#jupyter-analyst')?.innerText ?? ''")
        raise AssertionError(f"{expression} came to nothing; the panel says:\n{seen}")

    def click(self, node: str) -> None:
        """Click on the node that an expression finds, once it keeps still and nothing covers it."""
        found = self.wait_for(_RESTING % node)
        origin = {"type": "element", "element": {"sharedId": found["sharedId"]}}
        self._act(
            "pointer",
            [
                {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        )

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self._act(
            "key",
            [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")],
        )

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(Exception):  # it may be gone before it answers
            self.call("browser.close", {})
        self._socket.close()

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self.call("input.performActions", {"context": self._context, "actions": [source]})


@contextlib.contextmanager
def running(home: Path) -> Iterator[Firefox]:
    """Start a Firefox with a profile of its own."""
    command = shutil.which("firefox-esr") or shutil.which("firefox")
    assert command is not None, "Install Firefox (Debian: apt-get install firefox-esr)."
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _QUIET.items()
    ]
    (home / "user.js").write_text("\n".join(lines))
    process = subprocess.Popen(
        [command, "--headless", "--no-remote", "--profile", home, "--remote-debugging-port=0"],
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        browser = Firefox(_address(process))
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    told: list[str] = []
    for line in process.stderr:
        told.append(line)
        if match := _LISTENS.search(line):
            # It goes on talking, and would wait for somebody who listens.
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return match[1]
    raise AssertionError("".join(told))


def _drain(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ValueError):  # closed
        for _ in process.stderr or ():
            pass
