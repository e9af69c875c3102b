"""The routes of tables and files: the agent's, the notebooks', and those on disk."""

from __future__ import annotations

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from analyst.frontends.server.base import AnalystHandler, answering

_LONGEST_PREFIX = 1000


class AgentFramesHandler(AnalystHandler):
    """``GET conversations/ID/frames``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, conversation_id: str) -> None:
        """List the tables in the agent's kernel."""
        from analyst.frontends.server.agent_frames import list_frames  # noqa: PLC0415 - agent

        core = self.core
        conversation = await core.conversation(conversation_id)
        self.answer({"frames": await core.thread.call(list_frames(conversation))})


class BringHandler(AnalystHandler):
    """``POST conversations/ID/frames/NAME/bring``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str, name: str) -> None:
        """Write a table of the agent's kernel into a directory of the user's."""
        from analyst.frontends.server.agent_frames import bring, fetch_frame  # noqa: PLC0415

        core = self.core
        folder = core.root.folder(self.body().get("directory", ""))
        conversation = await core.conversation(conversation_id)
        frame = await core.thread.call(fetch_frame(conversation, name))
        place, code = await asyncio.to_thread(bring, frame, name, folder)
        self.answer({"path": core.root.told(place), "code": code})


class SaveFilesHandler(AnalystHandler):
    """``POST conversations/ID/files``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str) -> None:
        """Copy the files that the agent's code wrote into a directory of the user's."""
        from analyst.frontends.server.agent_files import save_files  # noqa: PLC0415 - agent

        core = self.core
        folder = core.root.folder(self.body().get("directory", ""))
        conversation = await core.conversation(conversation_id)
        copies = await core.thread.call(save_files(conversation, folder))
        self.answer({"paths": [core.root.told(place) for place in copies]})


class KernelFramesHandler(AnalystHandler):
    """``GET kernels/KERNEL_ID/frames``."""

    _track_activity = False

    @web.authenticated
    @authorized
    @answering
    async def get(self, kernel_id: str) -> None:
        """List the tables of a notebook's kernel."""
        kernels = self.core.kernels_of(self.kernel_manager)
        self.answer({"frames": await kernels.frames(kernel_id)})


class FilesHandler(AnalystHandler):
    """``GET files?prefix=``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """List data files below the server's root directory."""
        from analyst.session.data_room import READABLE  # noqa: PLC0415 - brings the agent

        prefix = self.get_query_argument("prefix", "")[:_LONGEST_PREFIX]
        endings = (*READABLE, *(f"{ending}.gz" for ending in READABLE))
        found = await asyncio.to_thread(self.core.root.data_files, prefix, endings)
        self.answer({"files": found})
