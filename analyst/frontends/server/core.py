"""What the routes lead to: one object a server, made when the first route is asked.

Here: composition, and the way between the server's loop and the agents' thread. Not here: what
any of the parts does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from analyst.frontends.server.agents import AgentThread
from analyst.frontends.server.conversation import Conversation
from analyst.frontends.server.conversations import Conversations
from analyst.frontends.server.model import ModelDesk
from analyst.frontends.server.notebook_kernels import NotebookKernels
from analyst.frontends.server.places import Root
from analyst.frontends.server.pulling import Puller
from analyst.record.files import data_directory
from analyst.session import Session
from analyst.session.sandbox import policy_for
from analyst.settings import Settings, SettingsError
from kernel_sandbox import KernelPool

T = TypeVar("T")

SessionFactory = Callable[[Path], Session]
"""Makes a session that works in a directory; called in the agents' thread."""

CLOSE_SECONDS = 8.0
"""How long the end of the server waits for the agents' kernels to end."""


class Core:
    """The parts of one server. Made in the server's loop, which it captures."""

    def __init__(
        self, *, root: Path, most_kernels: int, make_session: SessionFactory | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.root = Root(root)
        self.data_directory = data_directory()
        self.models = ModelDesk()
        self.puller = Puller()
        self.thread = AgentThread()
        self._pool = KernelPool()
        self._kernels: NotebookKernels | None = None
        self._make_session = make_session or self._usual_session
        self.conversations = Conversations(
            wake=loop.call_soon_threadsafe,
            make_session=self._session_for,
            data_directory=self.data_directory,
            most_kernels=most_kernels,
        )

    async def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation; raises :class:`NotThereError`."""
        return await self.thread.call(self.conversations.get(conversation_id))

    @asynccontextmanager
    async def claimed(self, conversation_id: str) -> AsyncIterator[Conversation]:
        """Hold a conversation, so that nobody else asks; raises :class:`BusyError`."""
        conversation = await self.thread.call(self.conversations.claim(conversation_id))
        try:
            yield conversation
        finally:
            conversation.release()

    async def in_agents(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a plain function in the agents' thread."""

        async def call() -> T:
            return function(*arguments, **named)

        return await self.thread.call(call())

    async def current_settings(self) -> Settings:
        """Return the settings that the next run goes by; raises :class:`SettingsError`."""
        return await asyncio.to_thread(self.models.settings)

    async def prepare(self) -> None:
        """Have a kernel made in the background, for a question that is about to come."""
        try:
            settings = await self.current_settings()
        except SettingsError:
            return  # the question will say so
        if settings.spare_kernel and settings.gateway_url is None:
            self._pool.prepare(policy=policy_for(settings))

    def kernels_of(self, manager: Any) -> NotebookKernels:
        """Return the notebooks' kernels of the server's kernel manager."""
        if self._kernels is None:
            self._kernels = NotebookKernels(manager)
        return self._kernels

    def close_readers(self) -> None:
        """End all streams; in the server's loop."""
        self.conversations.close_readers()

    def close(self) -> None:
        """Stop all runs, end all kernels and the thread; blocks. A second call does nothing."""
        self.thread.close(self._close(), CLOSE_SECONDS)

    async def _close(self) -> None:
        await asyncio.gather(
            self.conversations.aclose(), self._pool.aclose(), return_exceptions=True
        )

    def _session_for(self, notebook: str | None) -> Session:
        return self._make_session(self._directory_of(notebook))

    def _directory_of(self, notebook: str | None) -> Path:
        """Return where a conversation's session works: the notebook's directory, or the root."""
        if notebook:
            folder = self.root.inside(notebook).parent
            if folder.is_dir() and folder.is_relative_to(self.root.directory):
                return folder
        return self.root.directory

    def _usual_session(self, directory: Path) -> Session:
        return Session(cwd=directory, settings=self.models.settings(), pool=self._pool)
