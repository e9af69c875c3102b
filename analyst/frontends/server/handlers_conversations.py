"""The routes of conversations, but for the stream and the agent's tables."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from analyst.frontends.server.base import AnalystHandler, answering
from analyst.frontends.server.errors import BusyError, RefusedError

_DECISIONS = ("approved", "denied", "edited")
_LONGEST_TEXT = 200_000


class ConversationsHandler(AnalystHandler):
    """``GET`` and ``POST conversations``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """List all, newest first."""
        core = self.core
        self.answer({"conversations": await core.thread.call(core.conversations.listed())})

    @web.authenticated
    @authorized
    @answering
    async def post(self) -> None:
        """Begin one, and have a kernel made ready for it."""
        core, given = self.core, self._given()
        made = await core.thread.call(
            core.conversations.create(given.get("title") or "", given.get("notebook"))
        )
        await core.prepare()
        self.answer(made)

    def _given(self) -> dict[str, Any]:
        return checked(self.body(), self)


class ConversationHandler(AnalystHandler):
    """``GET``, ``PATCH`` and ``DELETE conversations/ID``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, conversation_id: str) -> None:
        """Describe one."""
        self.answer((await self.core.conversation(conversation_id)).described())

    @web.authenticated
    @authorized
    @answering
    async def patch(self, conversation_id: str) -> None:
        """Change title or notebook."""
        core, changes = self.core, checked(self.body(), self)
        self.answer(await core.thread.call(core.conversations.change(conversation_id, changes)))

    @web.authenticated
    @authorized
    @answering
    async def delete(self, conversation_id: str) -> None:
        """Stop and forget one."""
        core = self.core
        conversation = await core.thread.call(core.conversations.delete(conversation_id))
        conversation.events.close()
        self.set_status(204)
        self.finish()


class AskHandler(AnalystHandler):
    """``POST conversations/ID/ask``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str) -> None:
        """Start a run; answers when it has begun."""
        from analyst.frontends.server.asking import gather, read_question  # noqa: PLC0415 - agent

        core, question = self.core, read_question(self.body())
        async with core.claimed(conversation_id) as conversation:
            settings = await core.current_settings()
            asked = await gather(question, core, core.kernels_of(self.kernel_manager))
            run_id, number = await core.thread.call(conversation.ask(asked, settings))
        self.answer({"run_id": run_id, "number": number})


class StopHandler(AnalystHandler):
    """``POST conversations/ID/stop``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str) -> None:
        """Stop the run; answers when it has ended, or after a second."""
        core = self.core
        conversation = await core.conversation(conversation_id)
        self.answer({"stopped": await core.thread.call(conversation.stop())})


class ResetHandler(AnalystHandler):
    """``POST conversations/ID/reset``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str) -> None:
        """Stop the run, and start afresh."""
        core = self.core
        conversation = await core.conversation(conversation_id)
        await core.thread.call(conversation.reset())
        self.answer({})


class ApprovalHandler(AnalystHandler):
    """``POST conversations/ID/approvals/CALL_ID``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str, call_id: str) -> None:
        """Decide on a call or plan that waits, or answer a question."""
        core, body = self.core, self.body()
        decision, text, always = body.get("decision"), body.get("text"), body.get("always", False)
        if decision not in _DECISIONS or not isinstance(always, bool):
            raise RefusedError("A decision is approved, denied or edited; always is yes or no.")
        if decision == "edited" and not (isinstance(text, str) and text.strip()):
            raise RefusedError("What was edited needs its text; to leave it out, deny it.")
        if text is not None and (not isinstance(text, str) or len(text) > _LONGEST_TEXT):
            raise RefusedError(f"A text has at most {_LONGEST_TEXT:,} characters.")
        conversation = await core.conversation(conversation_id)
        if not await core.in_agents(conversation.resolve, call_id, decision, text, always=always):
            raise BusyError("That does not wait any more: it was decided, or the run ended.")
        self.answer({})


def checked(body: dict[str, Any], handler: AnalystHandler) -> dict[str, Any]:
    """Return title and notebook as they were given; raises :class:`RefusedError`."""
    found: dict[str, Any] = {}
    if "title" in body:
        title = body["title"]
        if title is not None and not isinstance(title, str):
            raise RefusedError("A title is a text.")
        found["title"] = " ".join((title or "").split())
    if "notebook" in body:
        notebook = body["notebook"]
        root = handler.core.root
        found["notebook"] = None if notebook in (None, "") else root.told(root.inside(notebook))
    return found
