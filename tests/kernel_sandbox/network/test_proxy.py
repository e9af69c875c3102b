"""The proxy by itself: whom it lets through, and what it makes of requests."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_sandbox.launcher.proxy import (
    HostList,
    Proxy,
    RefusedError,
    is_public,
    normal_host,
    parse,
)


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("example.org", "example.org", 443, True),
        ("example.org", "example.org", 80, True),
        ("example.org", "example.org", 22, False),
        ("example.org", "www.example.org", 443, False),
        ("example.org", "badexample.org", 443, False),
        ("*.example.org", "www.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "badexample.org", 443, False),
        ("example.org:8080", "example.org", 8080, True),
        ("example.org:8080", "example.org", 443, False),
        ("192.0.2.7:81", "192.0.2.7", 81, True),
    ],
)
def test_the_list_decides(entry, host, port, allowed):
    assert HostList([entry]).allows(host, port) is allowed


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("EXAMPLE.org.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("[::1]", "::1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_names_have_one_form(text, host):
    assert normal_host(text) == host


@pytest.mark.parametrize(
    "text", ["127.1", "2130706433", "0x7f000001", "0177.0.0.01", "", "a b", "."]
)
def test_numbers_that_may_be_addresses_are_refused(text):
    with pytest.raises(RefusedError):
        normal_host(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "100.64.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0",
    ],
)  # fmt: skip
def test_addresses_of_here_are_not_public(address):
    assert not is_public(address)


def test_addresses_elsewhere_are_public():
    assert is_public("93.184.215.14")
    assert is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def test_a_request_is_rewritten_for_its_host():
    head = (
        b"GET http://example.org/a?b=c HTTP/1.1\r\nHost: other.org\r\nProxy-Connection: keep-alive"
        b"\r\nAccept: */*\r\n\r\n"
    )
    method, host, port, rest = parse(head)
    assert (method, host, port) == (b"GET", "example.org", 80)
    assert rest == (
        b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"GET ftp://example.org/ HTTP/1.1\r\n\r\n",
        b"GET http://user:word@example.org/ HTTP/1.1\r\n\r\n",
        b"CONNECT example.org HTTP/1.1\r\n\r\n",
        b"CONNECT example.org:99999 HTTP/1.1\r\n\r\n",
        b"GET http://example.org/ HTTP/1.1\r\nHost : other\r\n\r\n",
        b"GET http://example.org/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        b"GET http://example.org/ HTTP/1.1\r\nA: b\nHost: other\r\n\r\n",
        b"GET http://example.org/ HTTP/2.0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(head):
    with pytest.raises(RefusedError):
        parse(head)


@given(st.binary(max_size=300))
def test_nothing_a_client_sends_breaks_the_reading(data):
    with contextlib.suppress(RefusedError):
        _, host, port, rest = parse(data + b"\r\n\r\n")
        assert host
        assert 0 < port < 1 << 16
        assert rest.endswith(b"\r\n\r\n")


async def ask(proxy: Proxy, folder: Path, request: bytes) -> bytes:
    path = str(folder / "p")
    server = await asyncio.start_unix_server(proxy.handle, path)
    async with server:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


@pytest.fixture
def folder():
    import tempfile

    with tempfile.TemporaryDirectory(prefix="px-") as name:
        yield Path(name)


async def test_a_listed_name_that_leads_here_is_refused(folder):
    async def resolve(host, port):
        return ["127.0.0.1", "::1", "169.254.169.254"]

    proxy = Proxy(HostList(["rebound.example"]), resolve)
    answer = await ask(proxy, folder, b"CONNECT rebound.example:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 rebound.example is in a private network")


async def test_an_unknown_name_is_told(folder):
    async def resolve(host, port):
        raise OSError("no")

    proxy = Proxy(HostList(["gone.example"]), resolve)
    answer = await ask(proxy, folder, b"GET http://gone.example/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"is not known" in answer


async def test_a_head_without_end_is_refused(folder):
    proxy = Proxy(HostList([]))
    answer = await ask(proxy, folder, b"GET http://a/ HTTP/1.1\r\nA: " + b"x" * 200_000)
    assert answer.startswith(b"HTTP/1.1 431 ")
