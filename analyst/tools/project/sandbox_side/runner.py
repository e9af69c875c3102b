"""Runs the test command over a copy of a project and keeps what came out.

It runs in a kernel of its own, which ends after it; all that tests write, they write there.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
import time
from typing import Any

MOST_SHOWN = 200_000
MOST_KEPT = 6000
MOST_REPORTED = 20_000
REPORT = "ANALYST_REPORT"
PLUGIN = "_analyst_report"


def run(
    *, archive: str, name: str, command: list[str], tests: list[str], plugin: str, seconds: float
) -> dict[str, Any]:
    """Unpack the project and run its tests; return what is told of them, as JSON values."""
    here = os.getcwd()  # noqa: PTH109 - as below
    project = os.path.join(here, "project", name)  # noqa: PTH118
    beside = os.path.join(here, "beside")  # noqa: PTH118
    for folder in (project, beside):
        os.makedirs(folder)  # noqa: PTH103
    with tarfile.open(archive) as packed:
        packed.extractall(project, filter="data")
    with open(os.path.join(beside, f"{PLUGIN}.py"), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
        file.write(plugin)
    report = os.path.join(beside, "report.jsonl")  # noqa: PTH118
    argv = _argv(command, tests)
    began = time.monotonic()
    code, output, timed_out = _watched(
        argv, project, _environment(project, beside, report), seconds
    )
    return {
        "exit": code,
        "seconds": round(time.monotonic() - began, 2),
        "timed_out": timed_out,
        "output": output[-MOST_KEPT:],
        "entries": _entries(report),
    }


def _argv(command: list[str], tests: list[str]) -> list[str]:
    argv: list[str] = []
    for word in command:
        if word == "{selection}":
            argv += tests
        else:
            argv.append(word.replace("{python}", sys.executable))
    return argv


def _environment(project: str, beside: str, report: str) -> dict[str, str]:
    source = os.path.join(project, "src")  # noqa: PTH118
    search = [beside, project]
    if os.path.isdir(source):  # noqa: PTH112
        search.append(source)
    environment = dict(os.environ)
    search += [part for part in environment.get("PYTHONPATH", "").split(":") if part]
    # The project is what is to be imported here, unlike in the kernel.
    environment.pop("PYTHONSAFEPATH", None)
    environment |= {
        "PYTHONPATH": ":".join(search),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "PYTEST_PLUGINS": PLUGIN,
        REPORT: report,
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    return environment


def _watched(
    argv: list[str], project: str, environment: dict[str, str], seconds: float
) -> tuple[int | None, str, bool]:
    """Run a command, print its output as it comes, and end all of it."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return None, f"{argv[0]}: {error.strerror}", False
    assert process.stdout is not None
    source = process.stdout.fileno()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    ends = time.monotonic() + seconds
    kept, shown, timed_out = "", 0, False
    try:
        while True:
            timed_out = time.monotonic() > ends
            if timed_out:
                break
            ready, _, _ = select.select([source], [], [], 0.1)
            if not ready:
                # What it started in the background may hold its output open.
                if process.poll() is not None:
                    break
                continue
            chunk = os.read(source, 1 << 16)
            if not chunk:
                break
            text = decoder.decode(chunk)
            kept = (kept + text)[-4 * MOST_KEPT :]
            if shown < MOST_SHOWN:
                sys.stdout.write(text[: MOST_SHOWN - shown])
                sys.stdout.flush()
                shown += len(text)
        if not timed_out:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, ends - time.monotonic()))
            timed_out = process.poll() is None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    return process.returncode, kept, timed_out


def _entries(report: str) -> list[Any]:
    entries: list[Any] = []
    try:
        with open(report, encoding="utf-8") as file:  # noqa: PTH123
            for line in file:
                with contextlib.suppress(ValueError):
                    entries.append(json.loads(line))
                if len(entries) >= MOST_REPORTED:
                    break
    except OSError:
        pass
    return entries
