"""Web search by whichever provider the user configured.

An address with ``{query}`` is asked by GET, as SearXNG and Brave are; one without gets the words
as JSON by POST, as Tavily does. Results are read in any of their forms. Keys stand as ``${NAME}``
in the configuration and are read from the environment when a search is sent. Not here: the tool.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import nh3

from analyst.configuration import ConfigurationError, Web, expanded
from analyst.tools.documents.decoding import decoded
from analyst.tools.registry import ToolError
from analyst.tools.web.addresses import Address, AllowList
from analyst.tools.web.client import Limits, WebClient
from analyst.tools.web.connecting import Resolve
from kernel_sandbox.launcher.proxy import look_up

_PLACE = "{query}"
_SIZE = 2_000_000
_SNIPPET = 400


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: what the provider says of a page."""

    title: str
    address: str
    snippet: str


class WebSearch:
    """The user's search provider; its host needs no place in the list."""

    def __init__(
        self, web: Web, *, limits: Limits | None = None, resolve: Resolve = look_up
    ) -> None:
        if web.search_url is None:
            raise ConfigurationError("web: search_url is not set.")
        self._url = web.search_url
        self._headers = web.search_headers
        # Read once without secrets, so that a wrong address is told before the first search.
        example = self._url.replace(_PLACE, "x").replace("${", "").replace("}", "")
        try:
            origin = Address.read(example)
        except ToolError as error:
            raise ConfigurationError(f"web: search_url: {error}") from None
        self.host = origin.host
        # Spelled out with its port: a search server of one's own may stand in a private network.
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        allowed = AllowList([f"{origin.scheme}://{host}:{origin.port}"])
        self._client = WebClient(
            allowed, limits=limits or Limits(size=_SIZE, seconds=20.0), resolve=resolve
        )

    async def search(self, query: str, count: int) -> list[Hit]:
        """Return results; raises :class:`ToolError`, without anything secret in it."""
        try:
            headers = {name: expanded(value) for name, value in self._headers.items()}
            filled = expanded(self._url).replace(_PLACE, quote(query, safe=""))
        except ConfigurationError as error:
            raise ToolError(f"{error} The search needs it.") from None
        try:
            address = Address.read(filled)
        except ToolError:
            raise ToolError("The configured search_url makes no address of these words.") from None
        if _PLACE in self._url:
            answer = await self._client.get(address, headers)
        else:
            body = json.dumps({"query": query, "max_results": count}).encode()
            answer = await self._client.post(
                address, body, {"Content-Type": "application/json", **headers}
            )
        try:
            found = json.loads(decoded(answer.data) or "")
        except (ValueError, RecursionError):
            raise ToolError(
                f"{self.host} did not answer in JSON; of SearXNG, format=json must be in "
                "search_url and allowed by the server."
            ) from None
        return hits_in(found)[:count]


def hits_in(found: Any) -> list[Hit]:
    """Read the results of SearXNG, Tavily or Brave; what is no result is left out."""
    items = found.get("results") if isinstance(found, Mapping) else None
    if items is None and isinstance(found, Mapping) and isinstance(found.get("web"), Mapping):
        items = found["web"].get("results")
    if not isinstance(items, Sequence) or isinstance(items, str):
        return []
    hits = []
    for one in items:
        if not isinstance(one, Mapping):
            continue
        try:
            address = str(Address.read(str(one.get("url") or "")))
        except ToolError:
            continue
        snippet = one.get("content") or one.get("description") or one.get("snippet") or ""
        hits.append(Hit(_line(one.get("title")), address, _line(snippet)))
    return hits


def _line(text: Any) -> str:
    plain = nh3.clean(str(text or "")[: 10 * _SNIPPET], tags=set())
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    line = " ".join(plain.split())
    return line if len(line) <= _SNIPPET else line[: _SNIPPET - 1] + "…"
