"""Starting the process that serves the embedded model, and telling why it did not start.

Not here: whether one should be started (:mod:`analyst.llm.local`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import psutil

from analyst.llm import local_server
from analyst.llm.completion import ModelError
from analyst.llm.local_server import LOG_FILE, ServerConfig

START_SECONDS = 180.0


class LocalServerError(ModelError):
    """The server of the embedded model did not start."""


def launch(config: ServerConfig) -> None:
    """Run the process and wait until it serves; raises :class:`LocalServerError`."""
    log = Path(config.runtime_directory) / LOG_FILE
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as stderr,
        subprocess.Popen(
            # A script by its path, and -P: what lies in the working directory plays no part.
            [sys.executable, "-P", str(Path(local_server.__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env=_environment(),
        ) as process,
    ):
        if process.stdin is None or process.stdout is None:
            raise LocalServerError("The embedded model's server has no pipes.")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(dataclasses.asdict(config)).encode())
            process.stdin.close()
        # What Popen started ends at once; the server is its child and answers on the pipe.
        _await_ready(process.stdout.fileno(), log)


def _environment() -> dict[str, str]:
    """Return the environment without anything that looks like a secret."""
    marks = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
    return {
        name: value
        for name, value in os.environ.items()
        if not any(mark in name.upper() for mark in marks)
    }


def _await_ready(pipe: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    pid, text = 0, b""
    while True:
        readable, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
        if not readable:
            _kill(pid)
            raise LocalServerError(
                f"The embedded model was not loaded within {START_SECONDS:.0f} seconds; "
                f"{log_tail(log)}."
            )
        piece = os.read(pipe, 65_536)
        if not piece:
            free = psutil.virtual_memory().available / 1e6
            raise LocalServerError(
                "The embedded model's server ended while loading "
                f"({free:,.0f} MB of memory are free); {log_tail(log)}."
            )
        text += piece
        while b"\n" in text:
            line, _, text = text.partition(b"\n")
            message = json.loads(line)
            if message.get("ready"):
                return
            if "error" in message:
                raise LocalServerError(
                    f"The embedded model could not be started: {message['error']}; {log_tail(log)}."
                )
            pid = message.get("pid", pid)


def log_tail(log: Path) -> str:
    """Return the last line of the log, as the end of a sentence."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    said = lines[-1].strip()[-300:] if lines else ""
    return f"its log {log} ends with: {said}" if said else f"its log {log} is empty"


def _kill(pid: int) -> None:
    if pid:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
