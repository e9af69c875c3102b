"""Connections to addresses that were looked up and checked, and to no others.

The name is looked up once, here; what is connected to is what was checked, so that a name server
cannot answer differently a moment later. Not here: which hosts are allowed
(:mod:`analyst.tools.web.addresses`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore

from analyst.tools.registry import ToolError
from kernel_sandbox.launcher.proxy import is_public, look_up

Resolve = Callable[[str, int], Awaitable[list[str]]]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses; to private ones only where ``may_be_private`` says so."""

    def __init__(
        self,
        may_be_private: Callable[[str, int], bool],
        resolve: Resolve = look_up,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._may_be_private = may_be_private
        self._resolve = resolve
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look a name up, check all it leads to, and connect; raises :class:`ToolError`."""
        try:
            found = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known to the name server") from error
        private = self._may_be_private(host, port)
        for one in found:
            if not _may_be_reached(one, private=private):
                raise ToolError(
                    f"{host} leads into a private network or to this machine, so it was not "
                    "asked. Only the user can allow that, by its host and port in web.allow."
                )
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        for one in dict.fromkeys(found):
            try:
                return await self._inner.connect_tcp(
                    one, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - the interface of httpcore
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: nothing of the web is there."""
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore."""
        await self._inner.sleep(seconds)


def _may_be_reached(text: str, *, private: bool) -> bool:
    if is_public(text):
        return True
    address = ipaddress.ip_address(text.partition("%")[0])
    # Where clouds keep their metadata, and what is no host at all, even a list cannot allow.
    never = address.is_link_local or address.is_multicast or address.is_unspecified
    return private and not never
