"""Which address leads to which handler, all below ``analyst/api/``."""

from __future__ import annotations

from typing import Any

from analyst.frontends.server import (
    handlers_conversations as conversations,
)
from analyst.frontends.server import (
    handlers_model as model,
)
from analyst.frontends.server.base import UnknownRouteHandler
from analyst.frontends.server.stream import EventStreamHandler

PREFIX = r"/analyst/api"

_ONE = r"([^/]+)"
_CONVERSATION = rf"conversations/{_ONE}"


def routes() -> list[tuple[str, type[Any]]]:
    """Return all routes; the server puts its base URL before them."""
    table: list[tuple[str, type[Any]]] = [
        (r"status", model.StatusHandler),
        (r"models", model.ModelsHandler),
        (r"model", model.ModelHandler),
        (r"model/pull", model.PullHandler),
        (r"conversations", conversations.ConversationsHandler),
        (_CONVERSATION, conversations.ConversationHandler),
        (rf"{_CONVERSATION}/events", EventStreamHandler),
        (rf"{_CONVERSATION}/ask", conversations.AskHandler),
        (rf"{_CONVERSATION}/stop", conversations.StopHandler),
        (rf"{_CONVERSATION}/reset", conversations.ResetHandler),
        (rf"{_CONVERSATION}/approvals/{_ONE}", conversations.ApprovalHandler),
        (r".*", UnknownRouteHandler),
    ]
    return [(f"{PREFIX}/{path}", handler) for path, handler in table]
