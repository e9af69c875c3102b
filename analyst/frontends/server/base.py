"""What all routes share: who may call them, how they are read, how they fail.

Here: the handler that the others derive from. Not here: any route.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from analyst.frontends.server.errors import NotThereError, RefusedError, status_of

if TYPE_CHECKING:
    from analyst.frontends.server.core import Core

AUTH_RESOURCE = "analyst"
MOST_BODY_BYTES = 1024 * 1024

Verb = TypeVar("Verb", bound=Callable[..., Awaitable[None]])


class AnalystHandler(APIHandler):
    """A route. Its verbs are ``authenticated``, ``authorized`` and ``answering``, in this order."""

    auth_resource = AUTH_RESOURCE
    settings_key: ClassVar[str] = "analyst_server"

    @property
    def core(self) -> Core:
        """What the routes lead to; made by the first that asks."""
        core: Core = self.settings[self.settings_key].core
        return core

    def write_error(self, status_code: int, **details: Any) -> None:
        """Answer with one sentence, as JSON."""
        error = (details.get("exc_info") or (None, None, None))[1]
        sentence = error.log_message if isinstance(error, web.HTTPError) else None
        if status_code == 403 and not self.current_user:
            sentence = "You are not logged in to this server; reload the page."
        self.clear_header("Content-Length")
        self.finish(json.dumps({"message": sentence or _SENTENCES.get(status_code, _ANY)}))

    def body(self) -> dict[str, Any]:
        """Return the JSON object that came; nothing counts as an empty one."""
        if len(self.request.body) > MOST_BODY_BYTES:
            raise RefusedError("That is too much at once: a request holds at most 1 MB.")
        try:
            found = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            raise RefusedError("The request holds no JSON; reload the page.") from None
        if not isinstance(found, dict):
            raise RefusedError("The request must hold a JSON object; reload the page.")
        return found

    def answer(self, value: Any, status: int = 200) -> None:
        """Send ``value`` as JSON."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))

    def number(self, name: str, *, default: int, least: int = 0, most: int = 2**53) -> int:
        """Return a whole number of the query."""
        text = self.get_query_argument(name, str(default)) or str(default)
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise RefusedError(f"{name} must be a whole number.")
        return min(max(int(text), least), most)


def answering(verb: Verb) -> Verb:
    """Turn errors that a user can put right into answers, and others into a sentence."""

    @functools.wraps(verb)
    async def answered(handler: AnalystHandler, *arguments: str) -> None:
        try:
            await verb(handler, *arguments)
        except web.HTTPError:
            raise
        except Exception as error:
            status = status_of(error)
            if status is None:
                handler.log.exception("the analyst's server failed")
                kind = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                sentence = f"An error in the analyst itself: {kind[:300]}. The server's log has it."
                status = 500
            else:
                sentence = str(error)
            handler.answer({"message": sentence}, status)

    return answered  # type: ignore[return-value]


class UnknownRouteHandler(AnalystHandler):
    """Everything below our prefix that is no route."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """Refuse."""
        raise NotThereError(_SENTENCES[404])

    @web.authenticated
    @authorized
    @answering
    async def post(self) -> None:
        """Refuse."""
        raise NotThereError(_SENTENCES[404])

    @web.authenticated
    @authorized
    @answering
    async def patch(self) -> None:
        """Refuse."""
        raise NotThereError(_SENTENCES[404])

    @web.authenticated
    @authorized
    @answering
    async def delete(self) -> None:
        """Refuse."""
        raise NotThereError(_SENTENCES[404])


_ANY = "The request failed; reload the page."
_SENTENCES = {
    403: "You may not do that on this server; reload the page, and log in again if need be.",
    404: "The analyst's server has no such address; reload the page.",
    405: "That cannot be done at this address; reload the page.",
}
