"""The embedded model's server: found, started when it is not there, stopped.

All sessions of a user on a machine share one server process. Here: the client side, which
never imports the inference library. Not here: the process
(:mod:`analyst.llm.local_server`), its conversations' caches (:mod:`analyst.llm.local_slots`)
and the requests to it (:mod:`analyst.llm.client`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from filelock import FileLock, Timeout
from pydantic import SecretStr

from analyst.llm.catalogue import DEFAULT_MODEL, CatalogueEntry
from analyst.llm.local_launch import LocalServerError, launch
from analyst.llm.local_runtime import runtime_directory
from analyst.llm.local_server import (
    LOCK_FILE,
    PROTOCOL,
    STATE_FILE,
    ServerConfig,
    ServerState,
    is_running,
    read_state,
)
from analyst.llm.weights import cache_directory, locate

CONTEXT_WINDOW = 16_384
"""Tokens that one conversation should keep to; two of them fit the server side by side."""

DEFAULT_IDLE_SECONDS = 30 * 60.0
_STOP_SECONDS = 5.0

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LocalEndpoint:
    """Where the embedded model answers.

    ``started``: this call started it. ``restarted``: the one before it was found dead.
    ``build`` names everything that a stored prompt cache depends on.
    ``instance`` names the process, so that a session sees that it has another one than before;
    ``seconds`` is what finding or starting it took.
    """

    base_url: str
    api_key: SecretStr
    instance: str
    model: str
    context_window: int
    slots: int
    prefix_directory: str
    build: str
    started: bool
    restarted: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ServerStatus:
    """A running server, without its key. ``memory_bytes`` is its resident memory."""

    pid: int
    base_url: str
    model: str
    uptime_seconds: float
    idle_seconds: float
    memory_bytes: int


async def ensure_server(
    *,
    model: CatalogueEntry = DEFAULT_MODEL,
    previous: LocalEndpoint | None = None,
    idle_seconds: float = DEFAULT_IDLE_SECONDS,
    on_progress: Progress | None = None,
) -> LocalEndpoint:
    """Return the user's server of ``model``, starting it if it is not there.

    Meant to be called before each request: a server that runs is found in a millisecond.
    ``previous`` is what the caller had before, so that a crash that another session repaired
    is reported to this one too. ``idle_seconds`` counts for a server that is started now.
    ``on_progress`` is told, perhaps from another thread, what is waited for.

    Raises :class:`LocalServerError`, :class:`~analyst.llm.weights_errors.WeightsError` (the
    model was not pulled), :class:`~analyst.llm.local_runtime.RuntimeDirectoryError`.
    """
    began = time.monotonic()
    runtime = runtime_directory()
    found = _find(runtime, model)
    if found is None:
        start = functools.partial(
            _start, runtime, model, idle_seconds=idle_seconds, on_progress=on_progress
        )
        state, started = await asyncio.to_thread(start)
    else:
        state, started = found, False
    crashed = state.replaces is not None and (
        started or (previous is not None and previous.instance == state.replaces)
    )
    return LocalEndpoint(
        base_url=state.base_url,
        api_key=SecretStr(state.api_key),
        instance=state.instance,
        model=state.model_name,
        context_window=min(CONTEXT_WINDOW, state.context_tokens),
        slots=state.slots,
        prefix_directory=state.prefix_directory,
        build=f"{state.model_sha256} {state.xllamacpp_version} {state.protocol}",
        started=started,
        restarted=crashed,
        seconds=time.monotonic() - began,
    )


def server_status() -> ServerStatus | None:
    """Return the user's server, or None if none runs."""
    state = read_state(runtime_directory())
    if state is None or not is_running(state):
        return None
    try:
        memory = psutil.Process(state.pid).memory_info().rss
    except psutil.Error:
        return None
    return ServerStatus(
        pid=state.pid,
        base_url=state.base_url,
        model=state.model_name,
        uptime_seconds=max(time.time() - state.started, 0.0),
        idle_seconds=state.idle_seconds,
        memory_bytes=memory,
    )


def stop_server() -> bool:
    """End the user's server, waiting until it is gone; False if none ran. Blocks."""
    runtime = runtime_directory()
    with FileLock(runtime / LOCK_FILE):
        state = read_state(runtime)
        if state is None:
            return False
        ran = is_running(state)
        _end(runtime, state)
        return ran


def _find(runtime: Path, model: CatalogueEntry) -> ServerState | None:
    """Return the running server if it is the one wanted, and mark it as about to be used."""
    state = read_state(runtime)
    if state is None or not _fits(state, model) or not is_running(state) or not _accepts(state):
        return None
    with contextlib.suppress(OSError):
        os.utime(runtime / STATE_FILE)
    return state


def _fits(state: ServerState, model: CatalogueEntry) -> bool:
    return (
        state.protocol == PROTOCOL
        and state.model_sha256 == model.sha256
        and state.xllamacpp_version == _xllamacpp_version()
    )


@functools.cache
def _xllamacpp_version() -> str:
    try:
        return importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError as error:
        raise LocalServerError(
            "The embedded model needs the package xllamacpp; install it (`pip install "
            "xllamacpp`) or choose another model with `%agent config model=…`."
        ) from error


def _accepts(state: ServerState) -> bool:
    # Only a connection, no request: a server at work may answer late, and is alive.
    address = urlsplit(state.base_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1.0).close()
    except OSError:
        return False
    return True


def _start(
    runtime: Path, model: CatalogueEntry, *, idle_seconds: float, on_progress: Progress | None
) -> tuple[ServerState, bool]:
    """Start the server unless another session does; return it and whether it was this one."""
    tell = on_progress or (lambda _: None)
    lock = FileLock(runtime / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell("waiting for the embedded model, which another session is starting")
        lock.acquire(poll_interval=0.02)
    try:
        found = _find(runtime, model)
        if found is not None:
            return found, False
        replaces = None
        old = read_state(runtime)
        if old is not None:
            dead = not is_running(old) or not _accepts(old)
            # One that the machine's last shutdown ended is no news to anybody.
            if dead and old.started > psutil.boot_time():
                replaces = old.instance
            _end(runtime, old)
        path = locate(model)
        tell(f"starting the embedded model {model.title}")
        prefixes = cache_directory() / "prefixes"
        prefixes.mkdir(mode=0o700, parents=True, exist_ok=True)
        launch(
            ServerConfig(
                runtime_directory=str(runtime),
                prefix_directory=str(prefixes),
                model_path=str(path),
                model_sha256=model.sha256,
                model_name=model.name,
                xllamacpp_version=_xllamacpp_version(),
                idle_seconds=idle_seconds,
                replaces=replaces,
            )
        )
        state = read_state(runtime)
        if state is None:
            raise LocalServerError("The embedded model's server ended as soon as it had started.")
        return state, True
    finally:
        lock.release()


def _end(runtime: Path, state: ServerState) -> None:
    """End the process of ``state``, gently and then not, and take its state file away."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if _gone(state, 0.0):
            break
        with contextlib.suppress(psutil.Error):
            psutil.Process(state.pid).send_signal(signal_number)
        if _gone(state, _STOP_SECONDS):
            break
    (runtime / STATE_FILE).unlink(missing_ok=True)


def _gone(state: ServerState, seconds: float) -> bool:
    # Not psutil's wait: where nobody reaps orphans at once, the process stays on as a zombie.
    deadline = time.monotonic() + seconds
    while is_running(state):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True
