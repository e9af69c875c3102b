"""Requests to allowed addresses: redirects checked hop by hop or told, bounded, tried again.

Here: :class:`WebClient`. It keeps no cookies, sends no credentials but the headers it is given to
send, and follows no proxy of the environment, which would look names up out of sight. Nothing in
its errors comes from headers, or from an address's query. Not here: what a page says.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import httpcore
import httpx

from analyst._version import __version__
from analyst.tools.registry import ToolError
from analyst.tools.web.addresses import Address, AllowList
from analyst.tools.web.body import received, too_large
from analyst.tools.web.connecting import CheckedBackend, Resolve
from kernel_sandbox.launcher.proxy import look_up

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is taken. Seconds; ``size`` in bytes, unpacked; ``attempts`` of a GET."""

    size: int = 10_000_000
    seconds: float = 40.0
    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    redirects: int = 5
    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: from where in the end, its content type in lower case, and its bytes."""

    address: Address
    content_type: str
    data: bytes


class _TemporaryError(Exception):
    """An attempt failed in a way that may pass; ``wait``: seconds that the server asks for."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


_MayFollow = Callable[[Address, Address], bool]
"""Tells whether a redirect from a first address to another is followed."""


class WebClient:
    """Asks allowed hosts; each request has connections of its own, and remembers nothing."""

    def __init__(
        self,
        allowed: AllowList,
        *,
        limits: Limits | None = None,
        resolve: Resolve = look_up,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.allowed = allowed
        self._limits = limits or Limits()
        self._backend = CheckedBackend(allowed.spelled_out, resolve)
        self._sleep = sleep

    async def get(self, address: Address, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch, following redirects; ``headers`` go to this origin only.

        For addresses of the user's own, of which no rule speaks. Raises :class:`ToolError`; what
        may pass was tried again before.
        """
        answer = await self._within_time(address, headers or {}, _anywhere)
        assert isinstance(answer, Answer)
        return answer

    async def page(self, address: Address) -> Answer | Address:
        """Fetch, or return the listed address that this one leads to, for somebody to judge it.

        Only a redirect to the same page is followed. Raises :class:`ToolError` as :meth:`get`.
        """
        return await self._within_time(address, {}, Address.is_same_page)

    async def _within_time(
        self, address: Address, headers: Mapping[str, str], may_follow: _MayFollow
    ) -> Answer | Address:
        self.allowed.check(address)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._persistently(address, headers, may_follow)
        except TimeoutError:
            raise ToolError(
                f"{address.origin} did not answer within {self._limits.seconds:g} seconds."
            ) from None

    async def post(self, address: Address, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body once, and follow no redirect; raises :class:`ToolError`."""
        self.allowed.check(address)
        try:
            async with asyncio.timeout(self._limits.seconds):
                answer = await self._once("POST", address, headers, body)
        except (_TemporaryError, TimeoutError) as error:
            raise ToolError(f"{address.origin}: {error or 'no answer in time'}.") from None
        if isinstance(answer, Address):
            raise ToolError(f"{address.origin} redirects, which is not followed here.")
        return answer

    async def _persistently(
        self, address: Address, headers: Mapping[str, str], may_follow: _MayFollow
    ) -> Answer | Address:
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._followed(address, headers, may_follow)
            except _TemporaryError as error:
                wait = self._limits.first_wait * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
                wait = wait if error.wait is None else error.wait
                if attempt == self._limits.attempts or wait > self._limits.longest_wait:
                    raise ToolError(f"{address.origin}: {error}.") from None
                await self._sleep(wait)
        raise AssertionError  # pragma: no cover - there is at least one attempt

    async def _followed(
        self, address: Address, headers: Mapping[str, str], may_follow: _MayFollow
    ) -> Answer | Address:
        first, now = address.origin, address
        for _ in range(self._limits.redirects + 1):
            answer = await self._once("GET", now, headers if now.origin == first else {})
            if isinstance(answer, Answer):
                return answer
            self.allowed.check(answer)
            if not may_follow(address, answer):
                return answer
            now = answer
        raise ToolError(f"{first} redirects more than {self._limits.redirects} times.")

    async def _once(
        self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer | Address:
        """Send one request; return what came, or where it leads."""
        limits = self._limits
        sent = {
            "User-Agent": f"jupyter-analyst/{__version__}",
            "Accept": "text/html,application/xhtml+xml,text/*,application/json,application/pdf,*/*",
            "Accept-Encoding": "gzip, deflate",
            **headers,
        }
        timeouts = {
            "connect": limits.connect_seconds,
            "read": limits.read_seconds,
            "write": limits.read_seconds,
            "pool": limits.connect_seconds,
        }
        try:
            async with (
                httpcore.AsyncConnectionPool(
                    ssl_context=self._tls, network_backend=self._backend
                ) as pool,
                pool.stream(
                    method,
                    httpcore.URL(
                        scheme=address.scheme.encode(),
                        host=_bracketed(address.host).encode(),
                        port=address.port,
                        target=address.target.encode(),
                    ),
                    headers=[("Host", _host_header(address)), *sent.items()],
                    content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):
                found = httpx.Headers(response.headers)
                if response.status in _REDIRECTS and "location" in found:
                    return _led_to(found["location"], address)
                _check_status(response.status, found, address)
                length = found.get("content-length", "")
                if length.isdecimal() and int(length) > limits.size:
                    raise too_large(limits.size)
                data = await received(
                    response.aiter_stream(), found.get("content-encoding", ""), limits.size
                )
                return Answer(address, found.get("content-type", "").lower(), data)
        except httpcore.TimeoutException:
            raise _TemporaryError("no answer in time") from None
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, OSError) as error:
            raise _TemporaryError(_words(error)) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            raise ToolError(f"{address.origin} answers in a way that is not understood.") from None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


def _anywhere(first: Address, then: Address) -> bool:
    del first, then
    return True


def _led_to(location: str, address: Address) -> Address:
    try:
        return Address.read(location, base=address)
    except ToolError as error:
        raise ToolError(f"{address.origin} redirects to what is refused. {error}") from None


def _check_status(status: int, headers: httpx.Headers, address: Address) -> None:
    if status in _AGAIN:
        asked = headers.get("retry-after", "")
        wait = float(asked) if asked.isdecimal() else None
        raise _TemporaryError(f"it answers with status {status}", wait)
    if not 200 <= status < 300:
        words = {401: "wants a login", 403: "refuses this", 404: "has no such page"}
        raise ToolError(
            f"{address.origin} {words.get(status, 'has no page for this')} (status {status})."
        )


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) or "certificate" in str(error).lower():
        return "its certificate cannot be trusted"
    if isinstance(error, httpcore.ConnectError):
        return "it cannot be reached"
    return "the connection broke"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host_header(address: Address) -> str:
    return address.origin.partition("://")[2]
