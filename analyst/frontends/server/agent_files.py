"""The files that an agent's code wrote in its workspace, copied to where the user has them.

Not here: its tables (:mod:`analyst.frontends.server.agent_frames`).
"""

from __future__ import annotations

from pathlib import Path

from analyst.frontends.server.conversation import Conversation
from analyst.frontends.server.errors import BusyError, NotThereError, RefusedError
from analyst.frontends.server.places import free_place
from analyst.session import Session
from kernel_sandbox import HandOffError, WrittenFile


async def save_files(conversation: Conversation, folder: Path) -> list[Path]:
    """Copy the files into ``folder`` and return the copies. In the agents' thread.

    Nothing is overwritten: a name that is taken gets a number. What was copied there before, and
    is still as it was, is not copied again. Raises :class:`RefusedError`, and
    :class:`kernel_sandbox.KernelSandboxError` for a file that cannot be taken.
    """
    session: Session | None = conversation.session
    if session is None or session.status().kernel in {"not started", "ended"}:
        raise NotThereError("The agent's workspace has gone with its kernel; ask it again.")
    if conversation.busy:
        raise BusyError("A run is going on; its files can be had when it has ended.")
    written = await session.written_files()
    if not written:
        raise NotThereError("The agent's code has no files in its workspace; ask it again.")
    return [await _saved(conversation, session, file, folder) for file in written]


async def _saved(
    conversation: Conversation, session: Session, file: WrittenFile, folder: Path
) -> Path:
    copies = conversation.copies
    before = copies.get((file, folder))
    if before is not None and before.is_file():
        return before
    place = Path(file.name)
    for free in free_place(folder, place.stem, place.suffix):
        if free.exists():
            continue
        try:
            copies[file, folder] = await session.save_file(file.name, free)
        except HandOffError:
            if not free.exists():
                raise
            continue  # somebody took the name at the same moment
        return copies[file, folder]
    raise RefusedError(f"There is no free name for {file.name}.")
