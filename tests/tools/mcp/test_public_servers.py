"""Public servers, driven for real: one that tells the time, and one that drives a browser.

The browser server comes by npm into the user's cache, at the version and with the hashes that
``browser_server/package-lock.json`` names; no script of a package is run. It drives Debian's
Chromium.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import platformdirs
import psutil
import pytest
from filelock import FileLock

from analyst.configuration import McpServer
from analyst.tools.mcp.source import McpTools
from analyst.tools.mcp.tool import McpTool
from analyst.tools.registry import ToolNotice, ToolOutput, ToolRegistry, ToolResult

from .conftest import OURS, Bench, called, left_over, result

BROWSER_SERVER = Path(__file__).parent / "browser_server"
PAGE = b"""<!doctype html><html><head><title>Harvest</title></head><body>
<h1>Harvest of the village</h1>
<table><tr><th>Year</th><th>Tons</th></tr><tr><td>2031</td><td>4711</td></tr></table>
<a href="/more">More figures</a>
<img alt="" width="1" height="1" src="data:,"></body></html>"""
MORE = (
    b"<!doctype html><html><head><title>More</title></head><body><p>Rain: 812 mm</p></body></html>"
)


async def test_the_public_server_of_the_time(bench: Bench, source: McpTools) -> None:
    command = Path(sys.executable).parent / "mcp-server-time"
    bench.configure(
        time=McpServer(
            command=str(command), args=("--local-timezone", "UTC"), env={"TEST_OF": OURS}
        )
    )
    tools = {tool.name: tool for tool in await source.tools(bench)}
    assert set(tools) == {"time__get_current_time", "time__convert_time"}
    asked = {
        "source_timezone": "Asia/Tokyo",
        "time": "16:30",
        "target_timezone": "America/Bogota",
    }
    assert tools["time__convert_time"].judge(asked).level == "risky"
    converted = await result(tools["time__convert_time"], asked)
    assert converted.status == "ok"
    assert "T02:30:00-05:00" in converted.observation
    wrong = await result(tools["time__get_current_time"], {"timezone": "Moon/Sea"})
    assert wrong.status == "error"
    assert "Moon/Sea" in wrong.observation


@pytest.fixture(scope="module")
def browser_server() -> Path:
    """The server's program; it is installed into the cache if it is not there yet."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not there")
    lock = (BROWSER_SERVER / "package-lock.json").read_bytes()
    version = hashlib.sha256(lock).hexdigest()[:16]
    place = Path(platformdirs.user_cache_dir("jupyter-analyst")) / "tests" / f"browser-{version}"
    program = place / "node_modules" / "@playwright" / "mcp" / "cli.js"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock"), timeout=100):
        if not (place / ".made").exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(BROWSER_SERVER / name, place / name)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit"],
                cwd=place,
                check=True,
                timeout=100,
            )
            (place / ".made").touch()
    return program


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"/": PAGE, "/more": MORE}.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of a local site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()
        thread.join()


@pytest.fixture
def browsing(bench: Bench, browser_server: Path) -> Bench:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium is not None, "Install Chromium (Debian: apt-get install chromium)."
    options = ("--headless", "--no-sandbox", "--isolated", "--executable-path", chromium)
    node = str(shutil.which("node"))
    bench.configure(
        browser=McpServer(command=node, args=(str(browser_server), *options), env={"TEST_OF": OURS})
    )
    return bench


@pytest.mark.browser
async def test_a_browser_reads_a_page_for_the_agent(
    browsing: Bench, pages: str, source: McpTools
) -> None:
    tools = {tool.name: tool for tool in await source.tools(browsing)}
    assert browsing.notes == []
    navigate = tools["browser__browser_navigate"]
    assert navigate.judge({"url": pages}).level in ("risky", "irreversible")
    opened = await result(navigate, {"url": pages})
    assert opened.status == "ok", opened.observation
    snapshot = tools["browser__browser_snapshot"]
    read = (await result(snapshot, filled(snapshot))).observation
    assert "Harvest of the village" in read
    assert "4711" in read
    shot = tools["browser__browser_take_screenshot"]
    items = await called(shot, filled(shot, type="png", scale="css"))
    assert isinstance(items[-1], ToolResult)
    assert items[-1].status == "ok", items[-1].observation
    (output,) = [item.output for item in items if isinstance(item, ToolOutput)]
    assert output is not None
    assert set(output["data"]) <= {"image/png", "image/jpeg"}
    assert any("chrom" in one.name() for one in left_over())
    await source.aclose()
    assert left_over() == []


@pytest.mark.browser
async def test_a_browser_whose_server_is_killed_is_ended_too(
    browsing: Bench, pages: str, source: McpTools
) -> None:
    tools = {tool.name: tool for tool in await source.tools(browsing)}
    navigate = tools["browser__browser_navigate"]
    assert (await result(navigate, {"url": pages})).status == "ok"
    (server,) = [one for one in psutil.Process().children() if one.name().startswith("node")]
    before = set(left_over())
    os.kill(server.pid, signal.SIGKILL)
    # The browser, which led a group of its own, is ended without anybody asking for it.
    _, living = await asyncio.to_thread(psutil.wait_procs, before, timeout=10)
    assert not living
    items = await called(navigate, {"url": f"{pages}more"})
    assert any(isinstance(item, ToolNotice) and "started anew" in item.text for item in items)
    assert isinstance(items[-1], ToolResult)
    assert "More" in items[-1].observation


def filled(tool: McpTool, **given: object) -> dict[str, object]:
    """Return arguments of which all that may be left out is null, as in strict calls."""
    arguments = dict.fromkeys(tool.parameters.get("required", ())) | given
    ToolRegistry([tool]).validate(tool.name, arguments)
    return arguments
