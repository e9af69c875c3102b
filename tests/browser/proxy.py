"""A real nginx before a Jupyter server, as a hub has one: a prefix, and connections that are cut.

The proxy is Debian's (package ``nginx-light``); its configuration is what Jupyter's own
documentation advises, with a shorter patience.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 20
"""A connection through which nothing came for so long is cut."""

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ }}
http {{
  access_log {home}/access.log;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 50m;
    location {prefix} {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout {patience}s;
    }}
    location / {{ return 404; }}
  }}
}}
"""


class Proxy:
    """An nginx that leads to ``upstream`` below ``prefix`` and nowhere else."""

    def __init__(self, home: Path, upstream: str, prefix: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self._configuration = home / "nginx.conf"
        self._access = home / "access.log"
        self._configuration.write_text(
            _CONFIGURATION.format(
                home=home,
                port=port,
                prefix=prefix,
                upstream=upstream,
                patience=PATIENCE_SECONDS,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Take connections, and return when it does."""
        command = shutil.which("nginx") or "/usr/sbin/nginx"
        home = self._configuration.parent
        self._process = subprocess.Popen([command, "-p", home, "-c", self._configuration])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.05)
        raise AssertionError((home / "error.log").read_text())

    def stop(self) -> None:
        """Cut all connections, and take no more."""
        assert self._process is not None
        # Its quick end: nothing that goes on is waited for.
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    def streams(self) -> list[str]:
        """Return the log's lines of event streams that have ended."""
        return [line for line in self._access.read_text().splitlines() if "/events?" in line]


@contextlib.contextmanager
def proxying(home: Path, upstream: str, prefix: str) -> Iterator[Proxy]:
    """Run a proxy."""
    proxy = Proxy(home, upstream, prefix)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
