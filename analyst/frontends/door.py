"""What a front end needs of a session, and how the usual one is made.

The protocol lets a front end be tested with a session that plays a script.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analyst.record.events import Event
from analyst.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from analyst.agent.approval import Decided
    from analyst.tools.permissions import Verdict
    from kernel_sandbox import WrittenFile


class AgentSession(Protocol):
    """What a front end needs of :class:`analyst.session.Session`."""

    settings: Settings

    async def __aenter__(self) -> object:
        """Begin; called in the thread that uses the session."""
        ...

    async def aclose(self) -> None:
        """End the session and its kernel."""
        ...

    def ask(
        self,
        question: str,
        *,
        data: Mapping[str, object] | None = None,
        files: Sequence[Path] = (),
        values: Sequence[str] = (),
        overrides: Mapping[str, object] | None = None,
        notebook: str | None = None,
        attended: bool = False,
        resume: str | None = None,
        rules: Mapping[str, Verdict] | None = None,
    ) -> AsyncIterator[Event]:
        """Answer a question; the last event is a ``RunFinished``."""
        ...

    def resolve_approval(
        self, call_id: str, decision: Decided, text: str | None = None, *, always: bool = False
    ) -> bool:
        """Decide a call that waits; return whether one did. In the session's loop."""
        ...

    async def stop(self) -> None:
        """End the run that is going, if any."""
        ...

    async def reset(self) -> None:
        """Forget the variables and the conversation."""
        ...

    async def fetch_frame(self, name: str) -> pd.DataFrame:
        """Return a frame of the session's kernel."""
        ...

    async def written_files(self) -> Sequence[WrittenFile]:
        """List the files that the agent's code wrote."""
        ...

    async def save_file(self, name: str, target: Path) -> Path:
        """Copy one of them to ``target``, or into the directory it is; return where it went."""
        ...

    def status(self) -> Any:
        """Return what the session would use and holds."""
        ...


SessionFactory = Callable[[Settings], AgentSession]
"""Makes a session with the settings it begins with; called where it will live."""


def make_session(settings: Settings) -> AgentSession:
    """Make a session that works in the directory of the process."""
    from analyst.session import Session  # noqa: PLC0415  # late: it brings the whole agent
    from kernel_sandbox import shared_pool  # noqa: PLC0415  # see above

    return Session(cwd=Path.cwd(), settings=settings, pool=shared_pool())


def prepare_kernel(settings: Settings) -> None:
    """Have a spare kernel made in the background, for the first question; returns at once."""

    def prepare() -> None:
        from analyst.session.sandbox import policy_for  # noqa: PLC0415  # late: slow to import
        from kernel_sandbox import shared_pool  # noqa: PLC0415  # see above

        shared_pool().prepare(policy=policy_for(settings))

    threading.Thread(target=prepare, name="analyst-prepare", daemon=True).start()
