"""Addresses of the web, and the list of those that may be reached.

Here: reading an address in one way only, and the allow-list. Not here: where a host's name leads
(:mod:`analyst.tools.web.connecting`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import httpx

from analyst.configuration import ConfigurationError
from analyst.tools import url_targets
from analyst.tools.registry import ToolError
from kernel_sandbox.launcher.proxy import RefusedError, normal_host

MOST_CHARACTERS = 4_000
"""Of an address; longer ones carry data out rather than name a page."""

_PORTS = {"https": 443, "http": 80}
_ENTRY = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]@]+)(?::(?P<port>\d{1,5}))?/?"
)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was read and checked; what is connected to is exactly this.

    ``host`` is in ASCII and lower case, without brackets; ``target`` the path and query as sent,
    without needless escapes and dot segments.
    """

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def origin(self) -> str:
        """Scheme, host, and the port if it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @classmethod
    def read(cls, text: str, base: Address | None = None) -> Self:
        """Read an address, if need be one relative to ``base``; raises :class:`ToolError`."""
        if len(text) > MOST_CHARACTERS:
            raise ToolError(f"The address has more than {MOST_CHARACTERS} characters.")
        if _SPACES.search(text):
            raise ToolError("The address holds spaces, backslashes or control characters.")
        try:
            url = httpx.URL(str(base)).join(text) if base else httpx.URL(text)
            scheme, port = url.scheme, url.port
            host, target = url.raw_host.decode("ascii"), url.raw_path.decode("ascii")
        except (httpx.InvalidURL, ValueError):
            raise ToolError("The address cannot be read; it must begin with https://.") from None
        if scheme not in _PORTS or not host:
            raise ToolError("The address must begin with https:// and name a host.")
        if url.userinfo:
            raise ToolError("The address holds a user name or password; leave that out.")
        try:
            name = normal_host(host)
        except RefusedError:
            raise ToolError("The address names no host.") from None
        port = _PORTS[scheme] if port is None else port
        return cls(scheme, name, port, url_targets.plain(target))

    def is_same_page(self, other: Address) -> bool:
        """Tell whether nothing but a slash at the end of the path differs."""
        path, query = url_targets.split(self.target)
        other_path, other_query = url_targets.split(other.target)
        same_path = path.removesuffix("/") == other_path.removesuffix("/")
        return same_path and query == other_query and self.origin == other.origin


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the list. ``exact``: host and port are spelled out, nothing is a pattern."""

    scheme: str
    pattern: str
    port: int
    exact: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``[scheme://]host[:port]``; raises :class:`ConfigurationError`."""
        found = _ENTRY.fullmatch(text.strip())
        port = int(found["port"]) if found and found["port"] else None
        if found is None or (port is not None and not 0 < port < 65536):
            raise ConfigurationError(
                f"web: {text!r} is no host. Write docs.example.org, *.example.org, "
                "data.example.org:8443 or http://host."
            )
        scheme, pattern = found["scheme"] or "https", found["host"].lower()
        has_glob = "*" in pattern or "?" in pattern
        if not has_glob:
            try:
                pattern = normal_host(pattern)
            except RefusedError:
                raise ConfigurationError(f"web: {text!r} is no host.") from None
        return cls(scheme, pattern, port or _PORTS[scheme], port is not None and not has_glob)

    def matches(self, address: Address) -> bool:
        """Tell whether an address is one of this entry's."""
        if (self.scheme, self.port) != (address.scheme, address.port):
            return False
        if "*" not in self.pattern and "?" not in self.pattern:
            return self.pattern == address.host
        if _is_ip(address.host):
            # A pattern is of names; an address is allowed by spelling it out.
            return False
        parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in self.pattern)
        return re.fullmatch("".join(parts), address.host) is not None


class AllowList:
    """What may be reached."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [Entry.read(one) for one in entries]

    def allows(self, address: Address) -> bool:
        """Tell whether an address is on the list."""
        return any(entry.matches(address) for entry in self._entries)

    def check(self, address: Address) -> None:
        """Raise :class:`ToolError` for an address that is not on the list."""
        if not self.allows(address):
            raise ToolError(
                f"{address.origin} is not on the user's list of hosts, so it was not asked. "
                "Only the user can add it, as web.allow in their configuration."
            )

    def spelled_out(self, host: str, port: int) -> bool:
        """Tell whether a host is spelled out with its port, so that it may be a private one."""
        return any(one.exact and (one.pattern, one.port) == (host, port) for one in self._entries)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
