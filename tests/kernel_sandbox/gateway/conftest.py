"""Real gateways in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from kernel_sandbox import Gateway

TOKEN = "a-token-of-the-test"


class GatewayServer:
    """A gateway that can be killed."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [part.replace("{port}", str(self.port)) for part in command],
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), **environment},
            start_new_session=True,
        )
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=20
        )
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if self.http.get("/api/kernels").status_code == 200:
                    return
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise AssertionError((folder / "log").read_text()[-3000:])
            time.sleep(0.05)

    @property
    def gateway(self) -> Gateway:
        return Gateway(url=self.url, token=TOKEN)

    def kernels(self) -> list[str]:
        return [found["id"] for found in self.http.get("/api/kernels").json()]

    def close(self) -> None:
        self.http.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._log.close()


def kernel_gateway(folder: Path, *more: str) -> GatewayServer:
    command = [
        *(sys.executable, "-m", "kernel_gateway", "--KernelGatewayApp.ip=127.0.0.1"),
        *("--KernelGatewayApp.port={port}", f"--KernelGatewayApp.auth_token={TOKEN}"),
        *("--JupyterWebsocketPersonality.list_kernels=True", *more),
    ]
    return GatewayServer(command, folder, {})


@pytest.fixture(scope="package")
def served(tmp_path_factory) -> Iterator[GatewayServer]:
    # Its own limits would hide ours.
    rates = [
        f"--ZMQChannelsWebsocketConnection.iopub_{kind}_rate_limit=1000000000"
        for kind in ("data", "msg")
    ]
    server = kernel_gateway(tmp_path_factory.mktemp("gateway"), *rates)
    yield server
    server.close()
