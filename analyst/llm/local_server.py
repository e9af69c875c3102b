"""The process that serves the embedded model, and the state file by which sessions find it.

Run as a script, with its settings as JSON on standard input. It leaves its starter's session,
loads the model with ``xllamacpp`` (llama.cpp with its own OpenAI-compatible HTTP server) on
loopback with a random port and key, writes the state file, and ends itself when nothing was
asked of it for the idle time.

It imports nothing of this project, so that it starts the same however the project is found.
Not here: who starts it and when (:mod:`analyst.llm.local`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import secrets
import select
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

PROTOCOL = 1
"""Raised when a server of an older version of this file should not be used any more."""

STATE_FILE = "model-server.json"
LOCK_FILE = "model-server.lock"
LOG_FILE = "model-server.log"

_POLL_SECONDS = 5.0
# Start times are computed from the boot time, which a clock correction may shift.
_START_TIME_TOLERANCE = 2.0


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """What a starter asks for. Nothing of it is secret.

    ``context_tokens`` are shared by all ``slots``: a slot keeps the cached prompt of one
    conversation. ``batch_tokens`` bounds how long one prompt holds up the others' replies.
    ``replaces`` is the instance that was found dead, if any.
    """

    runtime_directory: str
    prefix_directory: str
    model_path: str
    model_sha256: str
    model_name: str
    xllamacpp_version: str
    idle_seconds: float
    context_tokens: int = 32_768
    slots: int = 4
    batch_tokens: int = 512
    prompt_cache_mib: int = 512
    replaces: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """A running server, as the state file describes it. ``started`` is a Unix time in seconds."""

    protocol: int
    instance: str
    pid: int
    process_started: float
    started: float
    base_url: str
    api_key: str = dataclasses.field(repr=False)
    model_name: str
    model_sha256: str
    xllamacpp_version: str
    context_tokens: int
    slots: int
    idle_seconds: float
    prefix_directory: str
    replaces: str | None = None


def read_state(runtime_directory: Path) -> ServerState | None:
    """Return what the state file says, or None if there is none that can be understood."""
    try:
        fields = json.loads((runtime_directory / STATE_FILE).read_text())
        return ServerState(**fields)
    except (OSError, ValueError, TypeError):
        return None


def write_state(runtime_directory: Path, state: ServerState) -> None:
    """Write the state file, which holds the key, readable by this user only."""
    fresh = runtime_directory / f".{STATE_FILE}.{state.pid}"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(dataclasses.asdict(state), file)
    fresh.replace(runtime_directory / STATE_FILE)


def is_running(state: ServerState) -> bool:
    """Say whether the process of the state is there: that one, not another of its number."""
    try:
        process = psutil.Process(state.pid)
        if abs(process.create_time() - state.process_started) > _START_TIME_TOLERANCE:
            return False
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def usable_cores() -> int:
    """Return the physical cores this process may use: of the machine, its mask, its cgroup."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no cgroup v2, or no quota ("max")
    return max(cores, 1)


def _parameters(config: ServerConfig, api_key: str) -> Any:
    import xllamacpp  # noqa: PLC0415

    parameters = xllamacpp.CommonParams()
    parameters.model.path = config.model_path
    parameters.model_alias = {config.model_name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [api_key]
    parameters.cors_origins = ""
    parameters.ui = False
    parameters.endpoint_slots = True
    parameters.endpoint_metrics = True  # what tells whether the server is idle
    parameters.verbosity = 2
    parameters.n_ctx = config.context_tokens
    parameters.n_parallel = config.slots
    parameters.n_batch = config.batch_tokens
    parameters.n_ubatch = min(config.batch_tokens, 512)
    # One pool of cells: a lone conversation may use all, and an idle slot keeps its prompt.
    parameters.kv_unified = True
    parameters.cache_idle_slots = False
    parameters.cache_prompt = True
    parameters.cache_ram_mib = config.prompt_cache_mib
    parameters.slot_save_path = os.path.join(config.prefix_directory, "")  # noqa: PTH118  the slash is needed
    cores = usable_cores()
    parameters.cpuparams.n_threads = cores
    parameters.cpuparams_batch.n_threads = cores
    return parameters


def _counters(metrics: str) -> tuple[bool, str]:
    """Return whether requests are in work, and what changes with every request.

    Raises :class:`RuntimeError` if the text does not tell.
    """
    busy, counted = None, []
    for line in metrics.splitlines():
        if line.startswith(("llamacpp:requests_processing ", "llamacpp:requests_deferred ")):
            busy = bool(busy) or line.split()[-1] != "0"
        elif line.startswith("llamacpp:") and "_total " in line:
            counted.append(line)
    if busy is None:
        raise RuntimeError("the library does not say whether requests are in work")
    return busy, "\n".join(counted)


class _Watch:
    """Decides when the server ends: told to, idle, or no longer the one that is found."""

    def __init__(self, server: Any, config: ServerConfig, state: ServerState) -> None:
        self._server = server
        self._idle_seconds = config.idle_seconds
        self._runtime = Path(config.runtime_directory)
        self._state = state
        # A pipe, for a signal handler must not take the lock of a threading.Event.
        self._told, self._tell = os.pipe()
        os.set_blocking(self._tell, False)

    def stop(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._tell, b"!")

    def run(self) -> None:
        last_active = time.monotonic()
        seen = ""
        pause = min(_POLL_SECONDS, self._idle_seconds / 4)
        while not select.select([self._told], [], [], pause)[0]:
            busy, counted = _counters(self._server.handle_metrics())
            if busy or counted != seen:
                last_active, seen = time.monotonic(), counted
            if busy:
                continue
            if not self._is_mine():
                return
            if time.monotonic() - last_active >= self._idle_seconds and self._retire():
                return
        if self._is_mine():
            (self._runtime / STATE_FILE).unlink(missing_ok=True)

    def _is_mine(self) -> bool:
        found = read_state(self._runtime)
        return found is not None and found.instance == self._state.instance

    def _retire(self) -> bool:
        """Take the state file away, unless a session is just about to use this server."""
        path = self._runtime / STATE_FILE
        try:
            with FileLock(self._runtime / LOCK_FILE, timeout=0):
                # Sessions touch the file when they look the server up.
                if time.time() - path.stat().st_mtime < self._idle_seconds:
                    return False
                path.unlink()
                return True
        except Timeout:
            return False
        except OSError:
            return True


def _detach() -> None:
    """Become a process that nobody waits for, so that it never is anybody's zombie."""
    if os.fork():
        os._exit(0)


def serve(config: ServerConfig, reply: Any) -> None:
    """Load the model, say so on ``reply``, and serve until it is time to end."""
    api_key = secrets.token_urlsafe(32)
    import xllamacpp  # noqa: PLC0415

    server = xllamacpp.Server(_parameters(config, api_key))
    _counters(server.handle_metrics())
    process = psutil.Process()
    state = ServerState(
        protocol=PROTOCOL,
        instance=secrets.token_hex(8),
        pid=process.pid,
        process_started=process.create_time(),
        started=time.time(),
        base_url=f"{server.listening_address}/v1",
        api_key=api_key,
        model_name=config.model_name,
        model_sha256=config.model_sha256,
        xllamacpp_version=config.xllamacpp_version,
        context_tokens=config.context_tokens,
        slots=config.slots,
        idle_seconds=config.idle_seconds,
        prefix_directory=config.prefix_directory,
        replaces=config.replaces,
    )
    watch = _Watch(server, config, state)
    signal.signal(signal.SIGTERM, watch.stop)
    write_state(Path(config.runtime_directory), state)
    _say(reply, {"ready": True})
    reply.close()
    watch.run()


def _say(reply: Any, message: dict[str, object]) -> None:
    try:
        reply.write(json.dumps(message) + "\n")
        reply.flush()
    except BrokenPipeError:
        pass  # the starter went away; the next session finds the state file


def main() -> None:
    """Read the settings, detach, serve. The exit code means nothing: nobody waits for it."""
    config = ServerConfig(**json.load(sys.stdin))
    _detach()
    os.umask(0o077)
    os.chdir("/")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The library may print: only this descriptor still leads to the starter.
    reply = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    _say(reply, {"pid": os.getpid()})
    try:
        serve(config, reply)
    except Exception as error:  # noqa: BLE001  whatever it is, the starter puts it in a sentence
        said = f"{type(error).__name__}: {error}"
        if reply.closed:
            sys.stderr.write(f"{said}\n")
            sys.stderr.flush()
        else:
            _say(reply, {"error": said})
    finally:
        # Worker threads of the library would keep the process from ending.
        os._exit(0)


if __name__ == "__main__":
    main()
