"""The only way out of a sandbox: an HTTP proxy that lets chosen hosts through.

It runs outside, as ``python -I -S proxy.py SOCKET HOSTS`` with a JSON list of hosts, and listens
on a Unix socket that the sandbox sees. It looks names up itself, connects to the very address it
checked, and lets no name lead to the machine or the network it stands in. Standard library only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

HEAD_BYTES = 64 * 1024
MOST_CONNECTIONS = 64
HEAD_SECONDS = 30.0
CONNECT_SECONDS = 15.0
IDLE_SECONDS = 300.0
DEFAULT_PORTS = (80, 443)
_CHUNK = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HOP_BY_HOP = {
    b"connection", b"host", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
    b"proxy-connection", b"te", b"trailer", b"upgrade",
}  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


class RefusedError(Exception):
    """A request is not let through: ``status`` and a sentence for the one who asked."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class HostList:
    """The hosts a policy allows, as :class:`kernel_sandbox.policy.Policy` writes them."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts: list[tuple[str, tuple[int, ...]]] = []
        for entry in hosts:
            host, _, port = entry.partition(":")
            self._hosts.append((host.lower(), (int(port),) if port else DEFAULT_PORTS))

    def allows(self, host: str, port: int) -> bool:
        """Whether ``host``, as :func:`normal_host` returns it, may be reached at ``port``."""
        return any(
            port in ports and (host == name or (name.startswith("*.") and host.endswith(name[1:])))
            for name, ports in self._hosts
        )


def normal_host(text: str) -> str:
    """Return a host's name in one form; raises :class:`RefusedError` for ambiguous ones."""
    host = text.strip("[]").removesuffix(".").lower()
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        host = ""
    last = host.rpartition(".")[2]
    # Some systems read 127.1, 0x7f000001 and 2130706433 as addresses.
    if not last or last.isdigit() or last.startswith("0x") or not set(host) <= _NAME:
        raise RefusedError(400, "That is no name of a host")
    return host


_NAME = set("abcdefghijklmnopqrstuvwxyz0123456789-._")


def is_public(text: str) -> bool:
    """Whether an address belongs to nobody here: neither this machine nor its networks."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    inner: list[Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour]
        if address.teredo is not None:
            inner += address.teredo
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return all(
        one.is_global and not one.is_multicast for one in (address, *inner) if one is not None
    )


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return [str(item[4][0]) for item in found]


class Proxy:
    """Answers the requests of one sandbox."""

    def __init__(self, hosts: HostList, resolve: Resolve = look_up) -> None:
        self._hosts = hosts
        self._resolve = resolve
        self._open = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; whatever it sends, nothing is raised."""
        self._open += 1
        try:
            await self._serve(reader, writer)
        except RefusedError as error:
            with contextlib.suppress(OSError):
                writer.write(_answer(error))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open > MOST_CONNECTIONS:
            raise RefusedError(503, "Too many connections at once")
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise RefusedError(431, "The head of the request is too long") from None
        method, host, port, rest = parse(head)
        if not self._hosts.allows(host, port):
            raise RefusedError(403, f"The policy of this kernel does not allow {host}:{port}")
        upstream_reader, upstream = await self._connect(host, port)
        try:
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.write(rest)
            await _pipe_both((reader, upstream), (upstream_reader, writer))
        finally:
            upstream.close()
            with contextlib.suppress(OSError):
                await upstream.wait_closed()

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            ipaddress.ip_address(host)
            # It is on the list as it stands.
            addresses = [host]
        except ValueError:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    found = await self._resolve(host, port)
            except (OSError, TimeoutError, UnicodeError):
                raise RefusedError(502, f"The name {host} is not known") from None
            addresses = [address for address in found if is_public(address)]
            if not addresses:
                raise RefusedError(403, f"{host} is in a private network") from None
        for address in addresses:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, port, limit=_CHUNK)
        raise RefusedError(504, f"{host}:{port} does not answer")


def parse(head: bytes) -> tuple[bytes, str, int, bytes]:
    """Return method, host, port, and the head as the host is to get it.

    Raises :class:`RefusedError` for what is no request to a proxy.
    """
    bad = RefusedError(400, "That is no request to a proxy")
    line, _, fields = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1.") or not parts[0].isalpha():
        raise bad
    method, target = parts[0], parts[1].decode("latin-1")
    try:
        url = urlsplit(f"//{target}" if method == b"CONNECT" else target)
        port = url.port or (80 if method != b"CONNECT" else None)
    except ValueError:
        raise bad from None
    scheme = "" if method == b"CONNECT" else "http"
    if url.scheme != scheme or not url.hostname or port is None or url.username is not None:
        raise bad
    host = normal_host(url.hostname)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    kept = [b" ".join((method, path.encode("latin-1"), b"HTTP/1.1"))]
    named = f"[{host}]" if ":" in host else host
    kept.append(b"Host: " + (named if port == 80 else f"{named}:{port}").encode())
    for field in fields.removesuffix(b"\r\n\r\n").split(b"\r\n"):
        name, colon, _ = field.partition(b":")
        if not field:
            continue
        # A name with a blank behind it, or a folded line, is read differently by different servers.
        if not colon or name != name.strip() or b"\n" in field or b"\r" in field:
            raise bad
        if name.lower() not in _HOP_BY_HOP:
            kept.append(field)
    return method, host, port, b"\r\n".join([*kept, b"Connection: close", b"", b""])


async def _pipe_both(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    async with asyncio.TaskGroup() as group:
        for reader, writer in (one, other):
            group.create_task(_pipe(reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                data = await reader.read(_CHUNK)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


def _answer(error: RefusedError) -> bytes:
    # Clients show the reason of a refused CONNECT, and the body of all else.
    body = f"{error.sentence}.\n".encode()
    return (
        f"HTTP/1.1 {error.status} {error.sentence}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


async def serve(path: str, hosts: HostList) -> None:
    """Listen at ``path`` for ever."""
    proxy = Proxy(hosts)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    server = await asyncio.start_unix_server(proxy.handle, path, limit=HEAD_BYTES)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    asyncio.run(serve(sys.argv[1], HostList(json.loads(sys.argv[2]))))
