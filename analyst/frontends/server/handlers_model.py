"""The routes about the model: status, choice, fetching the embedded one."""

from __future__ import annotations

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from analyst.frontends.server.base import AnalystHandler, answering


class StatusHandler(AnalystHandler):
    """``GET status``."""

    _track_activity = False

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """Say what the next run would use, and what is missing for it."""
        core = self.core
        status = await asyncio.to_thread(core.models.status)
        self.answer(status | {"running": core.conversations.running})


class ModelsHandler(AnalystHandler):
    """``GET models``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """Say which models can be chosen."""
        self.answer(await asyncio.to_thread(self.core.models.models))


class ModelHandler(AnalystHandler):
    """``POST model``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self) -> None:
        """Choose a model for all runs to come."""
        self.answer(await asyncio.to_thread(self.core.models.choose, self.body()))


class PullHandler(AnalystHandler):
    """``POST model/pull`` and ``GET model/pull``."""

    _track_activity = False

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """Say how far the fetch is."""
        self.answer(self.core.puller.progress())

    @web.authenticated
    @authorized
    @answering
    async def post(self) -> None:
        """Begin to fetch the embedded model, or go on with it."""
        self.answer(self.core.puller.begin())
