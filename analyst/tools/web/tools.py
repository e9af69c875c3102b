"""The tools ``web_fetch`` and ``web_search``.

Here: what a model gives and gets. Not here: the fetching (:mod:`analyst.tools.web.client`), what
of it is refused, and how requests are judged (:mod:`analyst.tools.web.judging`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from analyst.configuration import Web
from analyst.tools.function_tool import FunctionTool, function_tool
from analyst.tools.registry import Prepared, Tool, ToolError, ToolResult
from analyst.tools.web.addresses import Address, AllowList
from analyst.tools.web.client import WebClient
from analyst.tools.web.content import Page, page_of
from analyst.tools.web.judging import judged_fetch, judged_search
from analyst.tools.web.search import WebSearch

SHOWN = 6_000
"""Characters of a page that a model gets at once."""

_KEPT_PAGES = 8
_KEPT_SECONDS = 300.0
_MOST_HITS = 10


def web_tools(web: Web, *, client: WebClient | None = None) -> list[Tool]:
    """Return the tools that are configured; raises :class:`ConfigurationError`.

    ``client`` takes the place of the usual one, whose list is ``web.allow``.
    """
    tools: list[Tool] = []
    if web.allow:
        reader = PageReader(client or WebClient(AllowList(web.allow)))
        tools.append(
            FetchTool(
                reader.web_fetch,
                pure=True,
                cacheable=False,
                judge=lambda arguments: judged_fetch(
                    str(arguments.get("url", "")), reader.client.allowed
                ),
                editable="url",
            )
        )
    if web.search_url is not None:
        searcher = Searcher(WebSearch(web))
        tools.append(
            function_tool(
                searcher.web_search,
                pure=True,
                cacheable=False,
                judge=lambda arguments: judged_search(
                    str(arguments.get("query", "")), searcher.host
                ),
                editable="query",
            )
        )
    return tools


class FetchTool(FunctionTool):
    """A function that takes an address, which is put plainly before anybody judges the call.

    So that rules match what is asked for, and not one of the many ways to write it.
    """

    async def prepare(self, arguments: Mapping[str, Any]) -> Prepared:
        """See :class:`analyst.tools.registry.Tool`."""
        try:
            address = str(Address.read(str(arguments.get("url", ""))))
        except ToolError:
            return Prepared(arguments=arguments)
        return Prepared(arguments={**arguments, "url": address})


class PageReader:
    """Fetches pages, and keeps the last few for a while, since long ones are read in pieces."""

    def __init__(self, client: WebClient) -> None:
        self.client = client
        self._pages: dict[str, tuple[float, Page]] = {}

    async def web_fetch(
        self,
        url: str,
        start: Annotated[int, Field(ge=0)] = 0,
    ) -> ToolResult:
        """Read a web page, PDF, JSON or CSV file as text. Only hosts that the user listed.

        Args:
            url: The address, beginning with https://.
            start: The character to begin at, to read on in a long page.

        """
        address = Address.read(url)
        self.client.allowed.check(address)
        page = await self._page(address)
        if isinstance(page, Address):
            # Only the address that was given has been judged; this one is judged when it is asked.
            return ToolResult(
                status="ok",
                observation=f"{address} leads to {page}. To read that, call web_fetch with it.",
                computed=False,
            )
        if not page.text.strip():
            raise ToolError(f"The page at {page.address} holds no text.")
        if start >= len(page.text):
            raise ToolError(f"The page has {len(page.text)} characters; start={start} is beyond.")
        shown = page.text[start : start + SHOWN]
        end = start + len(shown)
        lines = [f"A web page: {page.title or 'without title'}", f"Address: {page.address}"]
        if start or end < len(page.text):
            lines.append(f"Characters {start} to {end} of {len(page.text)} follow.")
        if end < len(page.text):
            lines.append(f"To read on, call web_fetch with start={end}.")
        return ToolResult(status="ok", observation="\n".join([*lines, "", shown]))

    async def _page(self, address: Address) -> Page | Address:
        now = time.monotonic()
        key = str(address)
        kept = self._pages.get(key)
        if kept is not None and now - kept[0] < _KEPT_SECONDS:
            return kept[1]
        answer = await self.client.page(address)
        if isinstance(answer, Address):
            return answer
        page = await asyncio.to_thread(page_of, answer)
        self._pages[key] = (now, page)
        while len(self._pages) > _KEPT_PAGES:
            del self._pages[next(iter(self._pages))]
        return page


class Searcher:
    """Asks the user's search provider."""

    def __init__(self, search: WebSearch) -> None:
        self._search = search
        self.host = search.host

    async def web_search(
        self,
        query: Annotated[str, Field(min_length=1, max_length=400)],
        count: Annotated[int, Field(ge=1, le=_MOST_HITS)] = 5,
    ) -> ToolResult:
        """Search the web. Returns titles, addresses and short extracts of pages.

        The words leave this machine: never put values of the user's data into them.

        Args:
            query: The words to search for.
            count: How many results, at most 10.

        """
        hits = await self._search.search(query, count)
        if not hits:
            return ToolResult(
                status="ok", observation=f"{self.host} found nothing for this.", computed=False
            )
        lines = [
            f"{number}. {hit.title or 'no title'}\n   {hit.address}\n   {hit.snippet}".rstrip()
            for number, hit in enumerate(hits, 1)
        ]
        told = [f"Results of {self.host}, as it describes them:", *lines]
        return ToolResult(status="ok", observation="\n".join(told))
