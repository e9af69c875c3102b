"""A kernel whose policy lets one host through, with a server on this machine for the host."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import psutil
import pytest

from kernel_sandbox import KernelSession, KernelStartError, Policy
from kernel_sandbox.confinement.backends import attempts

LARGE = 100_000_000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        if self.path == "/large":
            for _ in range(100):
                self.wfile.write(bytes(LARGE // 100))
        else:
            self.wfile.write(b"a,b\n1,2\n")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _needs_bubblewrap() -> None:
    (attempt,) = attempts("bubblewrap")
    if attempt.backend is None:
        pytest.skip(attempt.why_not)


async def test_a_listed_host_is_reached_and_no_other(run, port):
    policy = Policy(network=(f"127.0.0.1:{port}",))
    others = {*psutil.Process().children(recursive=True)}
    async with await KernelSession.start(policy=policy) as session:
        read = await run(
            session, f"import pandas\npandas.read_csv('http://127.0.0.1:{port}/x').b[0]"
        )
        # 127.0.0.1 is named as not to be proxied, so programs must be told to do it.
        assert read.result.status == "error"
        get = (
            "import os, urllib.request\n"
            "opener = urllib.request.build_opener(urllib.request.ProxyHandler(\n"
            "    {'http': os.environ['http_proxy'], 'https': os.environ['http_proxy']}))\n"
            "os.environ['no_proxy'] = ''\n"
            "def get(url): return opener.open(url, timeout=10).read()\n"
        )
        await run(session, get)
        assert (await run(session, f"get('http://127.0.0.1:{port}/x')")).value == repr(
            b"a,b\n1,2\n"
        )
        large = await run(session, f"len(get('http://127.0.0.1:{port}/large'))")
        assert large.value == str(LARGE)
        refused = (
            f"http://127.0.0.1:{port + 1}/", f"http://localhost:{port}/", "http://example.org/",
            "https://example.org/", "http://169.254.169.254/", "http://2130706433/",
            "http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
        )  # fmt: skip
        for url in refused:
            ran = await run(session, f"get({url!r})")
            assert ran.result.status == "error", url
            said = ran.error.evalue
            assert "does not allow" in said or "no name of a host" in said, said
        direct = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        assert (await run(session, direct)).error.ename == "ConnectionRefusedError"
        watched = {*psutil.Process().children(recursive=True)} - others
        assert [p for p in watched if "proxy.py" in " ".join(p.cmdline())]
    _, alive = psutil.wait_procs(watched, timeout=5)
    assert not alive


async def test_a_policy_with_hosts_needs_namespaces():
    policy = Policy(network=("example.org",), isolation="landlock")
    with pytest.raises(KernelStartError, match="needs bubblewrap"):
        await KernelSession.start(policy=policy)


async def test_proxied_programs_find_the_way_by_their_environment(run, port):
    policy = Policy(network=(f"127.0.0.1:{port}",), environment={"no_proxy": "", "NO_PROXY": ""})
    async with await KernelSession.start(policy=policy) as session:
        code = f"import pandas\nint(pandas.read_csv('http://127.0.0.1:{port}/x').b[0])"
        assert (await run(session, code)).value == "2"
        code = f"import httpx\nhttpx.get('http://127.0.0.1:{port}/x').text"
        assert (await run(session, code)).value == repr("a,b\n1,2\n")
        code = f"import requests\nrequests.get('http://127.0.0.1:{port}/x').text"
        assert (await run(session, code)).value == repr("a,b\n1,2\n")
        assert (await run(session, "requests.get('http://example.org')")).value.endswith("[403]>")
