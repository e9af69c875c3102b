"""Run one kernel and outlive it: the supervisor process, a program of its own.

It is run by absolute path with ``python -I -S`` and imports the standard library and its
neighbours only, so no file of the working directory and no installed package runs before or
beside it. Its one argument is a JSON object; see :class:`kernel_sandbox.supervisor.Supervisor`,
which starts it.

It starts the kernel, passes signals on, watches the limits of the whole tree, keeps the end of
the kernel's stderr, and whatever happens (the kernel ends, the owner asks, the owner dies in any
way) kills everything that descends from the kernel before it ends itself. It stays outside the
sandbox; what the kernel is confined by stands in the command it is given.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from kernel_sandbox.launcher import processes, protocol, removal
    from kernel_sandbox.launcher.confine import READY_FD
    from kernel_sandbox.launcher.watchdog import Watchdog
else:
    # Behind the standard library, so that nothing here can stand in for a part of it.
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import processes
    import protocol
    import removal
    from confine import READY_FD
    from watchdog import Watchdog

STDERR_KEPT = 8 * 1024  # as JSON it must fit a pipe
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform.startswith("linux")


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


class _Kernel:
    """The kernel's process and what is known about it."""

    def __init__(self, config: dict[str, Any], status_fd: int) -> None:
        self.status_fd = status_fd
        self.wait_status: int | None = None
        self.passed: dict[str, Any] | None = None
        self.stderr_tail = b""
        self.stderr_fd, write_end = os.pipe()
        os.set_blocking(self.stderr_fd, False)
        self.ready_fd, ready = os.pipe()
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.dup2(write_end, 2)
                os.dup2(ready, READY_FD)
                _become_kernel(config, supervisor)
            except BaseException as error:  # noqa: BLE001 - the child must never return
                os.write(2, f"cannot run {config['argv'][0]}: {error}\n".encode())
            finally:
                os._exit(protocol.EXEC_FAILED)
        os.close(write_end)
        os.close(ready)
        self.report({"pid": self.pid})

    def note_ready(self) -> None:
        """Tell the owner that the kernel's program is run; its end, if any, is told elsewhere."""
        if os.read(self.ready_fd, 1):
            self.report({"ready": True})

    def report(self, event: dict[str, Any]) -> None:
        """Tell the owner, if it is there and listens."""
        with contextlib.suppress(OSError):
            os.write(self.status_fd, json.dumps(event).encode() + b"\n")

    def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.pid, number)
        self.report({"signalled": number})

    def keep_stderr(self) -> bool:
        """Read what the kernel wrote; false when nobody can write any more."""
        try:
            while data := os.read(self.stderr_fd, 1 << 16):
                self.stderr_tail = (self.stderr_tail + data)[-STDERR_KEPT:]
        except BlockingIOError:
            return True
        return False

    def reap(self) -> None:
        """Collect ended children: the kernel, and orphans of its that came to us."""
        # Never a blocking wait: a fork bomb feeds it for ever.
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.pid:
                    self.wait_status = status

    def kill_tree(self) -> None:
        """Kill every descendant, daemons that left the session included, however long it takes."""
        seen: set[int] = set()
        pause = 0.001
        while True:
            processes.kill(-self.pid)
            # Code that forks and exits in turn is our own child each time, and outruns a walk
            # through all processes.
            for _ in range(100):
                children = processes.children(os.getpid())
                if not children:
                    break
                for pid in children:
                    processes.kill(pid)
                self.reap()
            pids = processes.descendants(os.getpid())
            for pid in pids:
                processes.kill(pid)
            self.reap()
            if not pids and self.wait_status is not None:
                return
            if pids <= seen:
                # The kernel is not done with them yet, or a device holds them.
                time.sleep(pause)
                pause = min(0.2, pause * 1.5)
            seen |= pids

    def report_end(self) -> None:
        status = self.wait_status
        self.keep_stderr()
        self.report(
            {
                "ended": True,
                "exit_code": None if status is None else os.waitstatus_to_exitcode(status),
                "stderr": self.stderr_tail.decode("utf-8", "replace"),
                "passed": self.passed,
            }
        )


def _become_kernel(config: dict[str, Any], supervisor: int) -> NoReturn:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # A session of its own: the terminal's Ctrl-C is for the owner, not for the kernel.
    os.setsid()
    # The supervisor has one thread, so this cannot fire when merely a thread ends.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(protocol.EXEC_FAILED)
    # What stands between the supervisor and the kernel gets the kernel's signals too, and must
    # not end by them; the kernel's own program undoes this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        # When memory runs out the kernel goes, not the notebook server.
        file.write("500")
    os.chdir("/")
    os.execve(config["argv"][0], config["argv"], os.environ)  # noqa: S606


def _watch_owner(owner: int) -> int | None:
    """Return a descriptor that is readable once ``owner`` ended, where the system has such."""
    try:
        return os.pidfd_open(owner)
    except (AttributeError, OSError):
        return None


class _Watch:
    """What the supervisor waits for: its owner's word or end, and the kernel's."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.owner: int = config["owner"]
        self.control: int = config["control"]
        self.watchdog = Watchdog(config["watch"], os.getpid())
        self.orphaned = False
        self.told_to_stop = False
        for fd in (self.control, config["status"]):
            os.set_inheritable(fd, False)  # noqa: FBT003 - takes no keyword
            os.set_blocking(fd, False)
        self.woken, wake = os.pipe()
        for fd in (self.woken, wake):
            os.set_blocking(fd, False)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_terminate)

    def _on_terminate(self, *_: object) -> None:
        self.told_to_stop = True

    def run(self, kernel: _Kernel) -> None:
        """Return when the kernel ended, or should."""
        poller = select.poll()
        for fd in (self.control, self.woken, kernel.stderr_fd, kernel.ready_fd):
            poller.register(fd, select.POLLIN)
        owner_fd = _watch_owner(self.owner)
        if owner_fd is not None:
            poller.register(owner_fd, select.POLLIN)
        watched = self.watchdog.needed
        pause = None if owner_fd is not None else 500.0
        while kernel.wait_status is None and not self.told_to_stop:
            if os.getppid() != self.owner:
                self.orphaned = True
                return
            ready = {fd for fd, _ in poller.poll(self.watchdog.patience() if watched else pause)}
            if self.woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.woken, 4096)
                kernel.reap()
            if kernel.stderr_fd in ready and not kernel.keep_stderr():
                poller.unregister(kernel.stderr_fd)
            if kernel.ready_fd in ready:
                poller.unregister(kernel.ready_fd)
                kernel.note_ready()
            if self.control in ready:
                self._obey(os.read(self.control, 64), kernel)
            if watched and (passed := self.watchdog.look()) is not None:
                kernel.passed = passed
                return

    def _obey(self, commands: bytes, kernel: _Kernel) -> None:
        # The end of the pipe without a word is the end of the owner.
        self.orphaned = not commands
        self.told_to_stop = self.orphaned or protocol.STOP in commands
        if not self.told_to_stop:
            for number in commands:
                kernel.signal(number)


def _start_proxy(command: list[str]) -> None:
    """Start the way out of the sandbox; it ends with everything else below this process."""
    supervisor = os.getpid()
    if os.fork() == 0:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == supervisor:
                os.execve(command[0], command, os.environ)  # noqa: S606
        finally:
            os._exit(protocol.EXEC_FAILED)


def supervise(config: dict[str, Any]) -> None:
    """Run the kernel of ``config`` to its end, or to the end of its owner."""
    watch = _Watch(config)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if config["proxy"]:
        _start_proxy(config["proxy"])
    kernel = _Kernel(config, config["status"])
    os.chdir("/")
    watch.run(kernel)
    kernel.kill_tree()
    kernel.report_end()
    if watch.orphaned:
        for path in config["remove"]:
            removal.remove_tree(path)


if __name__ == "__main__":
    supervise(json.loads(sys.argv[1]))
