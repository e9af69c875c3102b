"""The isolated kernelspec in Jupyter's servers, over their REST and websockets."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import websocket

from kernel_sandbox.cli import main
from kernel_sandbox.directories import place

TOKEN = "a-token-of-the-test"
COMMANDS = {
    "jupyter_server": ["jupyter_server", "--ServerApp.open_browser=False", "--allow-root"],
    "kernel_gateway": ["kernel_gateway", "--KernelGatewayApp.list_kernels=True"],
}
PREFIXES = {"jupyter_server": "ServerApp", "kernel_gateway": "KernelGatewayApp"}


def wait_for(condition: Callable[[], object], seconds: float = 60) -> object:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.HTTPError, psutil.Error):
            if found := condition():
                return found
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


class Server:
    """A server in a process of its own, and requests to it."""

    def __init__(self, kind: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        app = PREFIXES[kind]
        token = "IdentityProvider.token" if kind == "jupyter_server" else f"{app}.auth_token"
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", *COMMANDS[kind]),
                *(f"--{app}.ip=127.0.0.1", f"--{app}.port={self.port}", f"--{token}={TOKEN}"),
            ],
            cwd=folder,
            stdout=self.log,
            stderr=self.log,
            env={
                **os.environ,
                "JUPYTER_PATH": str(folder / "prefix" / "share" / "jupyter"),
                "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
                "JUPYTER_CONFIG_DIR": str(folder / "config"),
            },
        )
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=30,
        )
        wait_for(lambda: self.http.get("/api").status_code == 200, 60)

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def run(self, kernel: str, code: str) -> list[dict]:
        """Run code over the websocket; return the contents of outputs and the reply."""
        connection = websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels",
            header=[f"Authorization: token {TOKEN}"],
            timeout=30,
        )
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": uuid.uuid4().hex,
            "date": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        found: list[dict] = []
        ended: set[str] = set()
        try:
            connection.send(json.dumps({**message, "channel": "shell", "buffers": []}))
            while True:
                received = json.loads(connection.recv())
                if received["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                if received["msg_type"] in {"stream", "execute_result", "error", "execute_reply"}:
                    found.append(received["content"])
                # The result and the reply come by different ways, so either may be first.
                ended.add(received["content"].get("execution_state", received["msg_type"]))
                if {"execute_reply", "idle"} <= ended:
                    return found
        finally:
            connection.close()


@pytest.fixture(params=[*COMMANDS])
def server(request, tmp_path) -> Iterator[Server]:
    assert main(["install", "--prefix", str(tmp_path / "prefix")]) == 0
    before = {*Path(place()).glob("ks-*")}
    server = Server(request.param, tmp_path)
    below = psutil.Process(server.process.pid)
    yield server
    children = below.children(recursive=True)
    server.close()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert wait_for(lambda: {*Path(place()).glob("ks-*")} <= before)


def test_a_servers_kernels_live_and_die_as_ever(server):
    started = server.http.post("/api/kernels", json={"name": "python-isolated"})
    assert started.status_code == 201, started.text
    kernel = started.json()["id"]
    assert "42" in str(server.run(kernel, "print(6 * 7)"))
    assert "FileNotFoundError" in str(server.run(kernel, "open('log')"))
    assert "Seccomp:\\t2" in str(server.run(kernel, "print(open('/proc/self/status').read())"))
    server.run(kernel, "kept = 1")
    assert server.http.post(f"/api/kernels/{kernel}/restart").status_code == 200
    assert "NameError" in str(server.run(kernel, "kept"))
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(server.run, kernel, "import time\ntime.sleep(120)")
        while not busy.done():
            # An interrupt before the kernel has begun with the cell is none.
            time.sleep(1)
            assert server.http.post(f"/api/kernels/{kernel}/interrupt").status_code == 204
        assert "KeyboardInterrupt" in str(busy.result())
    processes = psutil.Process(server.process.pid).children(recursive=True)
    (of_kernel,) = [p for p in processes if "ipykernel" in " ".join(p.cmdline())][-1:]
    os.kill(of_kernel.pid, signal.SIGKILL)

    def new_kernel() -> bool:
        found = psutil.Process(server.process.pid).children(recursive=True)
        kernels = [p for p in found if "ipykernel_launcher" in p.cmdline()]
        return bool(kernels) and of_kernel.pid not in {p.pid for p in kernels}

    wait_for(new_kernel)
    assert "25" in str(server.run(kernel, "print(5 * 5)"))
    assert server.http.delete(f"/api/kernels/{kernel}").status_code == 204
    wait_for(lambda: not psutil.Process(server.process.pid).children(recursive=True))


@pytest.mark.parametrize("server", ["jupyter_server", "kernel_gateway"], indirect=True)
def test_why_a_kernel_did_not_start_is_in_the_answer(server, tmp_path):
    kernels = tmp_path / "prefix" / "share" / "jupyter" / "kernels"
    broken = kernels / "broken"
    shutil.copytree(kernels / "python-isolated", broken)
    spec = json.loads((broken / "kernel.json").read_text())
    spec["argv"] = [sys.executable, "-c", "import no_such_module_at_all", "{connection_file}"]
    (broken / "kernel.json").write_text(json.dumps(spec))
    answer = server.http.post("/api/kernels", json={"name": "broken"})
    assert answer.status_code == 500
    assert "No module named 'no_such_module_at_all'" in answer.json()["message"]
    session = {"path": "a.ipynb", "type": "notebook", "name": "", "kernel": {"name": "broken"}}
    answer = server.http.post("/api/sessions", json=session)
    assert answer.status_code == 500
    assert "No module named 'no_such_module_at_all'" in answer.json()["message"]
    assert not psutil.Process(server.process.pid).children(recursive=True)
