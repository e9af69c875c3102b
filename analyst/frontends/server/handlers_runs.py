"""The routes of runs on record, their large values, and notebooks made of them."""

from __future__ import annotations

import asyncio
import re

from jupyter_server.auth.decorator import authorized
from tornado import web

from analyst.frontends.server.base import AnalystHandler, answering
from analyst.frontends.server.errors import NotThereError, RefusedError

MOST_LISTED = 1000
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class RunsHandler(AnalystHandler):
    """``GET runs?limit=``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self) -> None:
        """List the newest runs, whoever asked them."""
        from analyst.frontends.server import recorded  # noqa: PLC0415 - brings the agent

        limit = self.number("limit", default=50, least=1, most=MOST_LISTED)
        found = await asyncio.to_thread(recorded.listed, limit, self.core.data_directory)
        self.answer({"runs": found})


class RunEventsHandler(AnalystHandler):
    """``GET runs/ID/events``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, run_id: str) -> None:
        """Return what a run told."""
        from analyst.frontends.server import recorded  # noqa: PLC0415 - see above

        directory = self.core.data_directory
        self.answer(await asyncio.to_thread(recorded.shown, checked_run(run_id), directory))


class RunNotebookHandler(AnalystHandler):
    """``GET runs/ID/notebook``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, run_id: str) -> None:
        """Return a run as a notebook."""
        from analyst.frontends.server import recorded  # noqa: PLC0415 - see above

        core = self.core
        settings = await core.current_settings()
        name = checked_run(run_id)
        made = await asyncio.to_thread(recorded.notebook, name, core.data_directory, settings)
        self.set_attachment_header(f"{name}.ipynb")
        self.answer(made)


class ConversationNotebookHandler(AnalystHandler):
    """``POST conversations/ID/notebook``."""

    @web.authenticated
    @authorized
    @answering
    async def post(self, conversation_id: str) -> None:
        """Write runs of a conversation as a notebook at a path."""
        from analyst.frontends.export_recorded import as_notebook  # noqa: PLC0415 - see above
        from analyst.frontends.server import recorded  # noqa: PLC0415 - see above

        core, body = self.core, self.body()
        wanted = body.get("run_ids")
        if wanted is not None and not (
            isinstance(wanted, list) and all(isinstance(one, str) for one in wanted)
        ):
            raise RefusedError("run_ids is a list of runs.")
        place = core.root.inside(body.get("path"))
        if place == core.root.directory:
            raise RefusedError("Say where the notebook is to be written.")
        place = as_notebook(place)
        if not place.parent.is_dir():
            raise NotThereError("There is no such directory; choose another place.")
        conversation = await core.conversation(conversation_id)
        settings = await core.current_settings()
        lines, frames, files = await core.in_agents(conversation.material)
        runs = await asyncio.to_thread(recorded.digests, lines)
        made = await asyncio.to_thread(
            recorded.save,
            runs,
            wanted,
            title=conversation.record.title,
            frames=frames,
            files=files,
            place=place,
            directory=core.data_directory,
            settings=settings,
        )
        self.answer({"path": core.root.told(made)})


class BlobHandler(AnalystHandler):
    """``GET blobs/SHA256``."""

    @web.authenticated
    @authorized
    @answering
    async def get(self, digest: str) -> None:
        """Return a large value, as text or JSON: never as what a browser would run."""
        from analyst.record.log import blob_store  # noqa: PLC0415 - see above

        if not _DIGEST.fullmatch(digest):
            raise NotThereError("There is no such value on record.")
        core = self.core
        value = core.conversations.private_value(digest)
        if value is None:
            value = await asyncio.to_thread(blob_store(core.data_directory).get, digest)
        if value is None:
            raise NotThereError("This value was recorded, but it is lost.")
        kind = "application/json" if self.get_query_argument("kind", "") == "json" else "text/plain"
        self.set_header("Cache-Control", "private, max-age=31536000, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(value, set_content_type=f"{kind}; charset=utf-8")


def checked_run(run_id: str) -> str:
    """Return a run's id; raises :class:`NotThereError` for what cannot be one."""
    if not _RUN_ID.fullmatch(run_id):
        raise NotThereError("There is no such run on record.")
    return run_id
