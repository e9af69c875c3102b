"""Which address leads to which handler, all below ``analyst/api/``."""

from __future__ import annotations

from typing import Any

from analyst.frontends.server import handlers_conversations as conversations
from analyst.frontends.server import handlers_findings as findings
from analyst.frontends.server import handlers_frames as frames
from analyst.frontends.server import handlers_model as model
from analyst.frontends.server import handlers_runs as runs
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
        (rf"{_CONVERSATION}/frames", frames.AgentFramesHandler),
        (rf"{_CONVERSATION}/frames/{_ONE}/bring", frames.BringHandler),
        (rf"{_CONVERSATION}/files", frames.SaveFilesHandler),
        (rf"{_CONVERSATION}/notebook", runs.ConversationNotebookHandler),
        (rf"kernels/{_ONE}/frames", frames.KernelFramesHandler),
        (r"files", frames.FilesHandler),
        (r"findings", findings.FindingsHandler),
        (rf"findings/{_ONE}", findings.FindingHandler),
        (rf"findings/{_ONE}/outputs", findings.FindingOutputsHandler),
        (rf"findings/{_ONE}/verify", findings.VerifyHandler),
        (r"runs", runs.RunsHandler),
        (rf"runs/{_ONE}/events", runs.RunEventsHandler),
        (rf"runs/{_ONE}/notebook", runs.RunNotebookHandler),
        (rf"blobs/{_ONE}", runs.BlobHandler),
        (r".*", UnknownRouteHandler),
    ]
    return [(f"{PREFIX}/{path}", handler) for path, handler in table]
