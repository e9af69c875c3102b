"""A real Jupyter server in a process of its own, with the extension and scripted sessions."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client import BlockingKernelClient

import analyst

TOKEN = "a-token-for-tests"
SERVED = Path(__file__).parent / "served"


@dataclass
class StreamedEvent:
    number: int
    event: dict[str, Any]

    @property
    def type(self) -> str:
        return self.event["type"]


@dataclass
class Server:
    """A server's process and a client for its routes."""

    directory: Path
    session: str = "events"
    base_url: str = "/"
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    token: str = TOKEN
    # The real one may be enabled in this environment.
    extensions: str = "{'scripted_analyst_server': True, 'analyst.frontends.server': False}"

    def __post_init__(self) -> None:
        self.root = self.directory / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_url}analyst/api/"

    @property
    def data(self) -> Path:
        return self.directory / "analyst"

    def start(self) -> Server:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        paths = [str(SERVED), str(Path(analyst.__file__).parents[1])]
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"OPENAI_API_KEY", "OPENAI_BASE_URL", "ANALYST_MODEL"}
        }
        environment |= {
            "PYTHONPATH": os.pathsep.join(paths),
            "JUPYTER_CONFIG_DIR": str(self.directory / "config"),
            "JUPYTER_DATA_DIR": str(self.directory / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.directory / "runtime"),
            "IPYTHONDIR": str(self.directory / "ipython"),
            "ANALYST_DATA": str(self.data),
            "ANALYST_CACHE": str(self.directory / "cache"),
            "ANALYST_TEST_SESSION": self.session,
            **self.environment,
        }
        with self.log.open("ab") as log:
            self.process = self._started(environment, log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if self.get("conversations").status_code == 200:
                    return self
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def _started(self, environment: dict[str, str], log: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_server",
                "--allow-root",
                "--no-browser",
                "--ip=127.0.0.1",
                f"--port={self.port}",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={self.root}",
                f"--ServerApp.base_url={self.base_url}",
                f"--IdentityProvider.token={TOKEN}",
                f"--ServerApp.jpserver_extensions={self.extensions}",
                *self.arguments,
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def client(self, **options: Any) -> httpx.Client:
        headers = {"Authorization": f"token {TOKEN}"} | options.pop("headers", {})
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=30, trust_env=False, **options
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json={} if body is None else body, **options)

    def conversation(self, **body: Any) -> str:
        answer = self.post("conversations", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def ask(self, conversation: str, **asked: Any) -> dict[str, Any]:
        more = asked.pop("more", {})
        question = {"question": json.dumps(asked), "context": [], **more}
        answer = self.post(f"conversations/{conversation}/ask", question)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask_when_idle(self, conversation: str, **asked: Any) -> dict[str, Any]:
        while self.get(f"conversations/{conversation}").json()["busy"]:
            time.sleep(0.01)
        return self.ask(conversation, **asked)

    def ask_text(self, conversation: str, text: str, **more: Any) -> dict[str, Any]:
        answer = self.post(f"conversations/{conversation}/ask", {"question": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextlib.contextmanager
    def stream(self, conversation: str, after: int = 0, **options: Any) -> Iterator[Any]:
        with (
            self.client() as client,
            client.stream(
                "GET", f"conversations/{conversation}/events", params={"after": after}, **options
            ) as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream"
            yield streamed(answer.iter_lines())

    def events(
        self, conversation: str, after: int = 0, until: str = "run_finished"
    ) -> list[StreamedEvent]:
        """Read the stream up to an event of the type ``until``."""
        found = []
        with self.stream(conversation, after) as stream:
            for event in stream:
                found.append(event)
                if event.type == until:
                    break
        return found

    def run_of(self, conversation: str) -> list[StreamedEvent]:
        """Wait for the end of the newest run and return its events."""
        while self.get(f"conversations/{conversation}").json()["busy"]:
            time.sleep(0.02)
        about = self.get(f"conversations/{conversation}").json()
        found = []
        with self.stream(conversation) as stream:
            for event in stream:
                if event.event["run_id"] == about["runs"][-1]:
                    found.append(event)
                if event.number == about["number"]:
                    return found
        raise AssertionError("the stream ended")

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End the process and return how long it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began


class NotebookKernel:
    """A kernel that the server started, and a client of it."""

    def __init__(self, server):
        self._server = server
        answer = self._call("post", "kernels", {"name": "python3"})
        self.id = answer.json()["id"]
        file = server.directory / "runtime" / f"kernel-{self.id}.json"
        self.client = BlockingKernelClient()
        self.client.load_connection_file(str(file))
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)

    def run(self, code, **options):
        reply = self.client.execute_interactive(
            code, timeout=30, output_hook=lambda _: None, **options
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return reply["content"]

    def value(self, expression):
        content = self.run(
            "", user_expressions={"it": expression}, store_history=False, silent=True
        )
        return content["user_expressions"]["it"]["data"]["text/plain"]

    @contextlib.contextmanager
    def busy(self, code="import time; time.sleep(30)"):
        asked = self.client.execute(code, store_history=False, stop_on_error=False)
        time.sleep(0.3)
        yield
        self._call("post", f"kernels/{self.id}/interrupt", {})
        self.reply_to(asked)

    def reply_to(self, asked):
        while self.client.get_shell_msg(timeout=30)["parent_header"]["msg_id"] != asked:
            pass

    def frames(self):
        answer = self._server.get(f"kernels/{self.id}/frames")
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()["frames"]}

    def close(self):
        self.client.stop_channels()
        if self._server.process.poll() is None:
            self._call("delete", f"kernels/{self.id}")

    def _call(self, verb, path, body=None):
        with self._server.client() as client:
            address = f"http://127.0.0.1:{self._server.port}/api/{path}"
            return client.request(verb, address, json=body)


def streamed(lines: Iterator[str]) -> Iterator[StreamedEvent]:
    number = 0
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            yield StreamedEvent(number, json.loads(value))
        else:
            assert not line or line.startswith(":"), line


def children_of(pid: int) -> set[int]:
    """All descendants of a process."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return set()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers in a directory of the test's own; they are ended with the test."""
    servers: list[Server] = []

    def start(**options: Any) -> Server:
        server = Server(options.pop("directory", tmp_path / "server"), **options).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait(10)


@pytest.fixture(scope="session")
def served() -> type[Server]:
    """Make servers that outlive a test."""
    return Server


@pytest.fixture(scope="module")
def notebook_kernel() -> Iterator[Callable[[Server], NotebookKernel]]:
    """Start kernels as notebooks have them."""
    kernels: list[NotebookKernel] = []

    def start(server: Server) -> NotebookKernel:
        kernels.append(NotebookKernel(server))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with scripted events for all tests of a module."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()
    errors = re.findall(r"(?m)^.*(?:Traceback|Task exception|never awaited).*$", log_of(server))
    assert not errors, log_of(server)


def log_of(server: Server) -> str:
    return server.log.read_text()
