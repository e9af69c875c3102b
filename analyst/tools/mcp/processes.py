"""The processes of a server that is a program: which they are, and their end.

A server may start others (a browser), in groups of their own, and leave them behind. All inherit
a mark in the environment, by which they are found. Here: finding and ending. Not here: starting
(:mod:`analyst.tools.mcp.program`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import psutil

MARK = "ANALYST_MCP_SERVER"
"""Environment variable that marks the processes of a server; its value is not secret."""

STOP_SECONDS = 2.0
"""How long processes may take to end by themselves, and again after they were asked to."""

_LOOK_SECONDS = 0.05


def members(pid: int, mark: str) -> list[psutil.Process]:
    """Return the living processes of the server that was started as ``pid``."""
    return [process for process in psutil.process_iter() if _belongs(process, pid, mark)]


def _belongs(process: psutil.Process, pid: int, mark: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # The program leads a group and session of its own, so its id names the session.
        if os.getsid(process.pid) == pid:
            return True
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


async def end(pid: int, mark: str) -> None:
    """End all processes of a server: asked first, then forced. Returns when none is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = asyncio.get_running_loop().time() + STOP_SECONDS
        found = await asyncio.to_thread(members, pid, mark)
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        while found and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
            found = await asyncio.to_thread(members, pid, mark)
        if not found:
            return


def kill(pid: int, mark: str) -> None:
    """End all processes of a server by force, at once."""
    for process in members(pid, mark):
        with contextlib.suppress(psutil.Error):
            process.kill()
