"""The host's handle of a supervisor process (the program is :mod:`kernel_sandbox.launcher`).

Control goes down one pipe, whose other end also tells the supervisor that its owner lives;
events come up another, whose end tells the owner that the supervisor is gone. Both work from
any thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel_sandbox.confinement.plan import PROGRAMS, Plan
from kernel_sandbox.environment import MARK
from kernel_sandbox.launcher import processes
from kernel_sandbox.launcher.protocol import EXEC_FAILED, STOP

LAUNCHER = PROGRAMS / "supervise.py"

_SIGNALLED = 128
"""A shell's way to tell a signal, and bubblewrap's: more than this is its number."""

_GIB = 1 << 30
_SWEEPS = 50
_SWEEP_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class PassedLimit:
    """A limit of the whole tree of processes that a kernel passed."""

    limit: str
    used: int
    most: int

    def __str__(self) -> str:
        """Return it in words, as in "its processes took more than …"."""
        used, most = self.used, self.most
        match self.limit:
            case "memory":
                return (
                    f"its processes took {used / _GIB:.2f} GiB of memory together, and the limit "
                    f"is {most / _GIB:.2f} GiB"
                )
            case "machine":
                return "the machine was running out of memory"
            case "disk":
                return (
                    f"its files took {used / _GIB:.2f} GiB of disk, and the limit is "
                    f"{most / _GIB:.2f} GiB; they were removed"
                )
            case "files":
                return f"it made more than {most} files; they were removed"
            case "threads":
                return f"it had {used} threads, and the limit is {most}"
            case _:
                return f"it had {used} processes, and the limit is {most}"


@dataclass(frozen=True, slots=True)
class KernelExit:
    """How a kernel's process ended. ``exit_code`` is negative for a signal, as in subprocess.

    ``described``: what else is known of it.
    ``passed``: the limit for which it was ended, with what was ``used`` and the ``most``.
    """

    exit_code: int | None
    stderr: str
    passed: PassedLimit | None = None
    described: str | None = None

    def __str__(self) -> str:
        """Return it in words, as in "it was killed by SIGKILL"."""
        if self.passed is not None:
            return str(self.passed)
        if self.described is not None:
            return self.described
        if self.exit_code is None:
            return "its process is gone"
        if self.exit_code < 0:
            try:
                name = signal.Signals(-self.exit_code).name
            except ValueError:
                name = f"signal {-self.exit_code}"
            return f"it was killed by {name}"
        return f"it exited with code {self.exit_code}"


class Supervisor:
    """A started kernel process with its supervisor.

    ``plan``: the command and what is watched; ``environment``: the kernel's; ``remove`` are
    directories the supervisor deletes when the owner dies. Raises :class:`OSError` when the
    supervisor cannot be started.
    """

    def __init__(
        self, plan: Plan, *, environment: Mapping[str, str], remove: Sequence[Path] = ()
    ) -> None:
        self.kernel_pid: int | None = None
        self.signals_passed = 0
        self.ready = False
        self._mark = environment.get(MARK)
        self._exit: KernelExit | None = None
        self._partial = b""
        self._lock = threading.Lock()
        control_read, self._control = os.pipe()
        self._status, status_write = os.pipe()
        os.set_blocking(self._status, False)
        config = {
            "control": control_read,
            "status": status_write,
            "owner": os.getpid(),
            "argv": plan.command,
            "watch": plan.watch,
            "proxy": plan.proxy,
            "remove": [str(path) for path in remove],
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(config)],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(control_read, status_write),
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(control_read)
            os.close(status_write)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    @property
    def status_fd(self) -> int:
        """Readable when :meth:`read_events` has something to read; -1 once closed."""
        return self._status

    @property
    def exit(self) -> KernelExit | None:
        """How the kernel ended, once it did and everything below it is gone."""
        if self._exit is None:
            self.read_events()
        return self._exit

    def read_events(self) -> None:
        """Take in what the supervisor reported. Does not block."""
        with self._lock:
            if self._status < 0 or self._exit is not None:
                return
            while True:
                try:
                    data = os.read(self._status, 1 << 16)
                except BlockingIOError:
                    return
                if not data:
                    self._exit = KernelExit(None, "")
                    # It did not come to kill what it looked after.
                    self._kill_left()
                    return
                *lines, self._partial = (self._partial + data).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))
                if self._exit is not None:
                    return

    def _kill_left(self) -> None:
        for _ in range(_SWEEPS if self._mark else 0):
            if not processes.kill_marked(f"{MARK}={self._mark}"):
                return
            time.sleep(_SWEEP_PAUSE)

    def _take(self, event: dict[str, object]) -> None:
        match event:
            case {"pid": int(pid)}:
                self.kernel_pid = pid
            case {"ready": True}:
                self.ready = True
            case {"signalled": int()}:
                self.signals_passed += 1
            case {
                "ended": True,
                "exit_code": int() | None as code,
                "stderr": str(stderr),
                "passed": passed,
            }:
                if code is not None and code > _SIGNALLED:
                    code = _SIGNALLED - code
                limit = PassedLimit(**passed) if isinstance(passed, dict) else None
                self._exit = KernelExit(code, stderr, limit)

    def wait_ready(self, timeout: float) -> bool:
        """Block until the kernel's program is run; false when it ended or the time is over."""
        until = time.monotonic() + timeout
        # In this order: asking for the exit reads what was reported, readiness too.
        while self.exit is None and not self.ready:
            left = until - time.monotonic()
            if left <= 0:
                return False
            select.select([self._status], [], [], left)
            self.read_events()
        return self.ready

    def signal(self, number: int) -> None:
        """Pass a signal to the kernel's process group; nothing happens when it is gone."""
        self._write(number)

    def stop(self) -> None:
        """Ask for the end of the kernel and of everything below it. Returns at once."""
        self._write(STOP)

    def _write(self, byte: int) -> None:
        with self._lock:
            if self._control >= 0:
                with contextlib.suppress(OSError):
                    os.write(self._control, bytes((byte,)))

    def poll(self) -> int | None:
        """Return ``None`` while the supervisor runs, else the kernel's exit code."""
        if self._process.poll() is None:
            return None
        ended = self.exit
        return EXEC_FAILED if ended is None or ended.exit_code is None else ended.exit_code

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the supervisor ended; false when it did not within ``timeout`` seconds."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Give up the pipes and the process entry. The supervisor must have ended."""
        self._process.wait()
        self.read_events()
        self._close()

    def _close(self) -> None:
        with self._lock:
            for fd in (self._control, self._status):
                if fd >= 0:
                    os.close(fd)
            self._control = self._status = -1
