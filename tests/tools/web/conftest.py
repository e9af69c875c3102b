"""A web server on loopback whose pages a test writes, and clients that may reach it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from analyst.tools.web.addresses import AllowList
from analyst.tools.web.client import Limits, WebClient

QUICK = Limits(size=200_000, seconds=10, connect_seconds=2, read_seconds=2, first_wait=0.01)


@dataclass
class Site:
    """Answers by path: ``pages[path]`` is a function of the handler. ``asked``: what came."""

    origin: str
    pages: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    @property
    def entry(self):
        return self.origin

    def serve(self, path, body, content_type="text/html; charset=utf-8", status=200, **headers):
        def answer(handler):
            handler.send_response(status)
            if content_type:
                handler.send_header("Content-Type", content_type)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer

    def redirect(self, path, to, status=302):
        self.serve(path, b"", status=status, Location=to)


@pytest.fixture
def site():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            found.asked.append((self.path, dict(self.headers), self.rfile.read(length)))
            page = found.pages.get(self.path.partition("?")[0])
            try:
                if page is None:
                    self.send_error(404)
                else:
                    page(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found = Site(f"http://127.0.0.1:{server.server_port}")
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(site):
    return WebClient(AllowList([site.entry]), limits=QUICK)
