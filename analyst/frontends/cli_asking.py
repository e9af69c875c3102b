"""Asking the user at the terminal of ``analyst ask``, while the run's events go on coming.

Here: reading lines in the event loop, and the user's editor. Not here: the words
(:mod:`.asking_words`).
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from analyst.frontends.asking_words import LAST_LINE, Rewrite, denied, talk
from analyst.record.events import ApprovalRequested, ApprovalResolved, Event, RunFinished

if TYPE_CHECKING:
    from analyst.frontends.door import AgentSession


class TerminalAsker:
    """Asks what one run wants to know, one thing after the other. Lives in the session's loop."""

    def __init__(self, session: AgentSession) -> None:
        self._session = session
        self._waiting: dict[str, ApprovalRequested] = {}
        self._asking: tuple[str, asyncio.Task[None]] | None = None

    def take(self, event: Event) -> None:
        """Take an event in; what was decided elsewhere, or ended, is not asked about any more."""
        match event:
            case ApprovalRequested():
                self._waiting[event.call_id] = event
            case ApprovalResolved():
                self._leave(event.call_id)
            case RunFinished():
                for call_id in list(self._waiting):
                    self._leave(call_id)
        if self._asking is None and self._waiting:
            asked = next(iter(self._waiting.values()))
            self._asking = asked.call_id, asyncio.create_task(_decide(self._session, asked))

    def _leave(self, call_id: str) -> None:
        self._waiting.pop(call_id, None)
        if self._asking is not None and self._asking[0] == call_id:
            self._asking[1].cancel()
            self._asking = None


async def _decide(session: AgentSession, asked: ApprovalRequested) -> None:
    talking = talk(asked)
    decision = denied(asked)
    try:
        said = next(talking)
        while True:
            said = talking.send(await (_edited(said) if isinstance(said, Rewrite) else _line(said)))
    except StopIteration as end:
        decision = end.value
    except EOFError:
        pass
    session.resolve_approval(
        decision.call_id, decision.decision, decision.text, always=decision.always
    )


async def _line(prompt: str) -> str:
    """Return what is typed next; raises EOFError at the end of the input.

    A thread that reads could not be cancelled.
    """
    print(prompt, end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not line.done():
            line.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), read)
    try:
        typed = await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
    if not typed:
        raise EOFError
    return typed.rstrip("\r\n")


async def _edited(rewrite: Rewrite) -> str:
    """Return the text from the user's editor, or, where none is named, as it is typed anew."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor:
        text = await _from_editor(shlex.split(editor), rewrite)
        if text is not None:
            return text
    what = "the steps, one a line" if rewrite.is_plan else "it anew, line by line"
    prompt = (
        f"Type {what}; a line with only {LAST_LINE!r} ends it. (With EDITOR set, that opens.)\n"
    )
    lines: list[str] = []
    while (line := await _line(prompt)).strip() != LAST_LINE:
        lines.append(line)
        prompt = ""
    return "\n".join(lines)


async def _from_editor(command: list[str], rewrite: Rewrite) -> str | None:
    """Return what an editor leaves in a file; ``None`` where it fails."""
    with tempfile.TemporaryDirectory(prefix="analyst-") as directory:
        file = Path(directory) / ("plan.txt" if rewrite.is_plan else "call.py")
        file.write_text(rewrite.text, encoding="utf-8")
        try:
            process = await asyncio.create_subprocess_exec(*command, str(file))
            status = await process.wait()
        except OSError as error:
            print(f"{command[0]}: {error.strerror or error}.", file=sys.stderr)
            return None
        return file.read_text(encoding="utf-8") if status == 0 else None
