"""Stands in for the inference library in tests of the server's process; answers nothing real.

What it does is decided by the content of the model's file: ``good`` serves, ``refuse`` raises,
``crash`` ends the process, ``hang`` never gets ready.
"""

from __future__ import annotations

import http.server
import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace


class CommonParams:
    def __init__(self) -> None:
        self.model = SimpleNamespace(path="")
        self.cpuparams = SimpleNamespace(n_threads=0)
        self.cpuparams_batch = SimpleNamespace(n_threads=0)
        self.api_keys: list[str] = []
        self.endpoint_metrics = False


class Server:
    def __init__(self, parameters: CommonParams) -> None:
        print("the library prints to standard output")
        print("the library prints to standard error", file=sys.stderr, flush=True)
        what = Path(parameters.model.path).read_text()
        with Path(f"{parameters.model.path}.starts").open("a") as starts:
            starts.write(f"{os.getpid()}\n")
        if what == "refuse":
            raise RuntimeError("failed to load the model")
        if what == "crash":
            os._exit(11)
        if what == "hang":
            time.sleep(3600)
        self._metrics = parameters.endpoint_metrics
        self.requests = requests = [0]

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                requests[0] += 1
                allowed = self.headers.get("Authorization") == f"Bearer {parameters.api_keys[0]}"
                self.send_response(200 if allowed else 401)
                self.end_headers()

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self._http.server_port}"

    def handle_metrics(self) -> str:
        if not self._metrics:
            return '{"error": "metrics are off"}'
        return (
            "# TYPE llamacpp:prompt_tokens_total counter\n"
            f"llamacpp:prompt_tokens_total {self.requests[0]}\n"
            "llamacpp:requests_processing 0\n"
        )
