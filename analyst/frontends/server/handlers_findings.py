"""The routes of findings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from analyst.frontends.server.base import AnalystHandler, answering
from analyst.frontends.server.errors import NotThereError

MOST_LISTED = 500


class DeskHandler(AnalystHandler):
    """What the routes of findings share."""

    async def in_desk(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of the desk in a thread."""
        core = self.core
        settings = await core.current_settings()
        return await asyncio.to_thread(function, settings, core.data_directory, *arguments)


class FindingsHandler(DeskHandler):
    """``GET findings?words=&limit=``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """List findings like some words, or the newest."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - brings the database

        words = self.get_query_argument("words", "")
        limit = self.number("limit", default=50, least=1, most=MOST_LISTED)
        self.answer({"findings": await self.in_desk(findings_desk.search, words, limit)})


class FindingHandler(DeskHandler):
    """``GET``, ``PATCH`` and ``DELETE findings/N``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, number: str) -> None:
        """Return one."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - see above

        self.answer(await self.in_desk(findings_desk.get, whole(number)))

    @web.authenticated
    @authorized
    @answering
    async def patch(self, number: str) -> None:
        """Change its pin or tags."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - see above

        self.answer(await self.in_desk(findings_desk.change, whole(number), self.body()))

    @web.authenticated
    @authorized
    @answering
    async def delete(self, number: str) -> None:
        """Delete it."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - see above

        await self.in_desk(findings_desk.delete, whole(number))
        self.set_status(204)
        self.finish()


class FindingOutputsHandler(DeskHandler):
    """``GET findings/N/outputs``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, number: str) -> None:
        """Return what it kept to be looked at."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - see above

        self.answer({"outputs": await self.in_desk(findings_desk.outputs, whole(number))})


class VerifyHandler(AnalystHandler):
    """``POST findings/N/verify``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, number: str) -> None:
        """Compute it again, and compare."""
        from analyst.frontends.server import findings_desk  # noqa: PLC0415 - see above

        core = self.core
        settings = await core.current_settings()
        verifying = findings_desk.verified(settings, core.data_directory, whole(number))
        self.answer(await core.thread.call(verifying))


def whole(number: str) -> int:
    """Return a finding's number; raises :class:`NotThereError` for what is none."""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotThereError("A finding is named by its number.")
    return int(number)
