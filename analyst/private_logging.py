"""Keeps the queries of our addresses out of the logs of the HTTP libraries.

They log each address that is asked, query and all, and the query of an endpoint may be
its key. Here: one filter on their loggers. Other addresses are logged as before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from analyst.settings import display_url


class _QueryFilter(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.args and not isinstance(record.args, Mapping):
            record.args = tuple(self._without_query(value) for value in record.args)
        if record.exc_info and any(name in str(record.exc_info[1]) for name in self.addresses):
            record.exc_info = None  # its text names the address that was asked
        return True

    def _without_query(self, value: object) -> object:
        if isinstance(value, int | float | None):
            return value
        text = str(value)
        return display_url(text) if text.startswith(tuple(self.addresses)) else value


_FILTER = _QueryFilter()
_LOGGERS = ("httpx", "httpx2", "mcp.client.streamable_http", "openai._base_client")


def hide_queries_of(address: str) -> None:
    """From now on, log what is asked below ``address`` without its query."""
    _FILTER.addresses.add(address)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)  # a second time does nothing
