"""Requests: every hop is checked, and nothing takes forever or fills the memory."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
import zlib
from dataclasses import replace

import httpcore
import pytest

from analyst.tools.registry import ToolError
from analyst.tools.web.addresses import Address, AllowList
from analyst.tools.web.client import WebClient
from analyst.tools.web.connecting import CheckedBackend

from .conftest import QUICK


def at(site, path):
    return Address.read(site.origin + path)


def names(*answers):
    """Return a look-up that gives one answer after the other, and then the last again."""
    left = [*answers]

    async def look_up(_host, _port):
        return left.pop(0) if len(left) > 1 else left[0]

    return look_up


class Recorder(httpcore.AsyncNetworkBackend):
    """Connects to nothing; notes where it should."""

    def __init__(self):
        self.connected = []

    async def connect_tcp(self, host, port, *_args, **_kwargs):
        self.connected.append((host, port))
        raise httpcore.ConnectError("not here")


async def test_a_page_comes_with_its_type(site, client):
    site.serve("/a", b"hello", "text/plain")
    answer = await client.get(at(site, "/a?x=1"))
    assert (answer.data, answer.content_type) == (b"hello", "text/plain")
    path, headers, _ = site.asked[0]
    assert path == "/a?x=1"
    assert headers["Host"] == site.origin.removeprefix("http://")
    assert "Cookie" not in headers


async def test_redirects_are_followed_where_they_may_lead(site, client):
    site.redirect("/a", "b")
    site.redirect("/b", "/c", status=301)
    site.serve("/c", b"there", Set_Cookie="id=1")
    answer = await client.get(at(site, "/a"))
    assert answer.data == b"there"
    assert str(answer.address) == site.origin + "/c"
    assert all("Cookie" not in headers for _, headers, _ in site.asked)


@pytest.mark.parametrize(
    "to",
    ["https://evil.test/", "http://169.254.169.254/latest/meta-data/", "http://localhost:1/",
     "file:///etc/passwd", "//evil.test/x", "http://user:pw@127.0.0.1/", "gopher://x/"],
)  # fmt: skip
async def test_no_redirect_leads_elsewhere(site, client, to):
    site.redirect("/a", to)
    with pytest.raises(ToolError) as caught:
        await client.get(at(site, "/a"))
    assert len(site.asked) == 1
    assert "pw" not in str(caught.value)


async def test_where_a_page_leads_is_told_and_not_asked(site, client):
    site.serve("/b", b"there")
    for to in ("/b", site.origin + "/b", "/a?x=1", "/A"):
        site.redirect("/a", to)
        site.asked.clear()
        assert await client.page(at(site, "/a")) == Address.read(to, base=at(site, "/a"))
        assert len(site.asked) == 1


async def test_a_redirect_to_the_same_page_is_followed(site, client):
    for asked, to in (("/a", "/a/"), ("/b/", "/b"), ("/c?x=1", "/c/?x=1")):
        site.redirect(asked.partition("?")[0], to)
        site.serve(to.partition("?")[0], b"there")
        answer = await client.page(at(site, asked))
        assert answer.data == b"there"
        assert answer.address == at(site, to)


async def test_a_loop_of_redirects_ends(site, client):
    site.redirect("/a", "/a")
    with pytest.raises(ToolError, match="more than 5 times"):
        await client.get(at(site, "/a"))


async def test_headers_for_one_origin_go_to_no_other(site):
    port = int(site.origin.rpartition(":")[2])
    client = WebClient(
        AllowList([site.entry, f"http://other.example:{port}"]),
        limits=QUICK,
        resolve=names(["127.0.0.1"]),
    )
    site.redirect("/a", f"http://other.example:{port}/b")
    site.serve("/b", b"x")
    await client.get(at(site, "/a"), {"X-Key": "secret"})
    assert [headers.get("X-Key") for _, headers, _ in site.asked] == ["secret", None]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "169.254.169.254", "0.0.0.0", "::1",
     "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
     "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_refused(address):
    inner = Recorder()
    backend = CheckedBackend(lambda *_: False, names(["93.184.216.34", address]), inner)
    with pytest.raises(ToolError, match="private network"):
        await backend.connect_tcp("listed.example", 443)
    assert inner.connected == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"])
async def test_the_metadata_of_clouds_is_never_reached(address):
    inner = Recorder()
    backend = CheckedBackend(lambda *_: True, names([address]), inner)
    with pytest.raises(ToolError):
        await backend.connect_tcp("listed.example", 8080)
    assert inner.connected == []


async def test_what_is_connected_to_is_what_was_checked():
    # Public at first, loopback a moment later: the name must be looked up once only.
    inner = Recorder()
    backend = CheckedBackend(lambda *_: False, names(["93.184.216.34"], ["127.0.0.1"]), inner)
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("rebinding.example", 443)
    assert inner.connected == [("93.184.216.34", 443)]


async def test_rebinding_between_hops_is_caught(site):
    port = int(site.origin.rpartition(":")[2])
    client = WebClient(
        AllowList([site.entry, f"http://*.example:{port}"]),
        limits=replace(QUICK, attempts=1),
        resolve=names(["127.0.0.1"]),
    )
    site.redirect("/a", f"http://rebound.example:{port}/secret")
    site.serve("/secret", b"secret")
    with pytest.raises(ToolError, match="private network"):
        await client.get(at(site, "/a"))
    assert [path for path, _, _ in site.asked] == ["/a"]


async def test_another_address_is_tried_where_one_is_dead(site):
    port = int(site.origin.rpartition(":")[2])
    client = WebClient(
        AllowList([f"http://two.example:{port}"]),
        limits=QUICK,
        resolve=names(["127.0.0.254", "127.0.0.1"]),
    )
    site.serve("/a", b"x")
    assert (await client.get(Address.read(f"http://two.example:{port}/a"))).data == b"x"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_packed_pages_are_unpacked(site, client, pack):
    encoding = "gzip" if pack is gzip.compress else "deflate"
    site.serve("/a", pack(b"hello " * 1000), "text/plain", Content_Encoding=encoding)
    assert (await client.get(at(site, "/a"))).data == b"hello " * 1000


async def test_a_bomb_is_not_unpacked(site, client):
    bomb = gzip.compress(bytes(300_000_000), 6)
    assert len(bomb) > QUICK.size
    small = gzip.compress(bytes(100_000_000), 9)[:150_000]
    for body in (bomb, small):
        site.serve("/a", body, "text/plain", Content_Encoding="gzip")
        began = time.monotonic()
        with pytest.raises(ToolError, match="larger than"):
            await client.get(at(site, "/a"))
        assert time.monotonic() - began < 2


async def test_a_torn_package_is_told(site, client):
    site.serve("/a", b"\x1f\x8b no", "text/plain", Content_Encoding="gzip")
    with pytest.raises(ToolError, match="broken"):
        await client.get(at(site, "/a"))
    site.serve("/a", b"x", "text/plain", Content_Encoding="br")
    with pytest.raises(ToolError, match="not asked for"):
        await client.get(at(site, "/a"))


async def test_a_body_without_end_ends(site, client):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Connection", "close")
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65_536)

    site.pages["/a"] = endless
    with pytest.raises(ToolError, match="larger than"):
        await client.get(at(site, "/a"))


async def test_a_body_that_drips_ends(site):
    def dripping(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    site.pages["/a"] = dripping
    client = WebClient(AllowList([site.entry]), limits=replace(QUICK, seconds=0.6))
    began = time.monotonic()
    with pytest.raises(ToolError, match=r"within 0\.6 seconds"):
        await client.get(at(site, "/a"))
    assert time.monotonic() - began < 2


async def test_what_says_it_is_large_is_not_fetched(site, client):
    def large(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "999999999")
        handler.end_headers()

    site.pages["/a"] = large
    with pytest.raises(ToolError, match="larger than"):
        await client.get(at(site, "/a"))


async def test_trouble_that_passes_is_waited_for(site, client):
    def busy(handler):
        site.serve("/a", b"now")
        handler.send_response(503)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.pages["/a"] = busy
    assert (await client.get(at(site, "/a"))).data == b"now"
    assert len(site.asked) == 2


async def test_a_server_that_asks_for_patience_gets_a_little(site):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    client = WebClient(AllowList([site.entry]), limits=QUICK, sleep=sleep)
    site.serve("/a", b"", status=429, Retry_After="3")
    with pytest.raises(ToolError, match="status 429"):
        await client.get(at(site, "/a"))
    assert waits == [3, 3]
    site.serve("/a", b"", status=429, Retry_After="3600")
    with pytest.raises(ToolError, match="status 429"):
        await client.get(at(site, "/a"))
    assert waits == [3, 3]


@pytest.mark.parametrize(("status", "words"), [(404, "no such page"), (401, "login"), (418, "418")])
async def test_trouble_that_stays_is_told_at_once(site, client, status, words):
    site.serve("/a", b"", status=status)
    with pytest.raises(ToolError, match=words):
        await client.get(at(site, "/a?token=secret"))
    assert len(site.asked) == 1


async def test_a_post_is_sent_once(site, client):
    site.serve("/a", b"", status=503)
    with pytest.raises(ToolError, match="503"):
        await client.post(at(site, "/a"), b"{}", {})
    site.redirect("/b", "/a")
    with pytest.raises(ToolError, match="redirects"):
        await client.post(at(site, "/b"), b"{}", {})
    assert len(site.asked) == 2


async def test_nobody_there_is_told_without_the_query(client):
    dead = WebClient(AllowList(["http://127.0.0.1:1"]), limits=QUICK)
    with pytest.raises(ToolError, match="cannot be reached") as caught:
        await dead.get(Address.read("http://127.0.0.1:1/a?key=secret"))
    assert "secret" not in str(caught.value)


async def test_a_certificate_of_nobody_is_refused(site):
    port = site.origin.rpartition(":")[2]
    client = WebClient(AllowList([f"https://127.0.0.1:{port}"]), limits=replace(QUICK, attempts=1))
    with pytest.raises(ToolError):
        await client.get(Address.read(f"https://127.0.0.1:{port}/"))


async def test_nothing_secret_is_logged(site, client, caplog):
    caplog.set_level(logging.DEBUG)
    site.serve("/a", b"x")
    await client.get(at(site, "/a?key=secret1"), {"Authorization": "secret2"})
    assert "secret" not in caplog.text


async def test_no_proxy_of_the_environment_is_asked(site, client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    site.serve("/a", b"x")
    assert (await client.get(at(site, "/a"))).data == b"x"


async def test_a_stop_ends_a_request(site, client):
    site.pages["/a"] = lambda _handler: time.sleep(1)
    task = asyncio.create_task(client.get(at(site, "/a")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
