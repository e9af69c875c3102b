"""Run one kernel and outlive it: the supervisor process, a program of its own.

It is run by absolute path with ``python -I -S`` and imports the standard library only, so no
file of the working directory and no installed package runs before or beside it. Its one argument
is a JSON object; see :class:`kernel_sandbox.supervisor.Supervisor`, which starts it.

It starts the kernel, passes signals on, keeps the end of the kernel's stderr, and whatever
happens (the kernel ends, the owner asks, the owner dies in any way) kills everything that
descends from the kernel before it ends itself. Confinement of the kernel belongs in
:func:`_become_kernel`, just before the exec.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

STOP = 0
"""The control byte that asks for the end; any other byte is a signal number to pass on."""

EXEC_FAILED = 127
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
        self.stderr_tail = b""
        self.stderr_fd, write_end = os.pipe()
        os.set_blocking(self.stderr_fd, False)
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become_kernel(config, write_end, supervisor)
            except BaseException as error:  # noqa: BLE001 - the child must never return
                os.write(2, f"cannot run {config['argv'][0]}: {error}\n".encode())
            finally:
                os._exit(EXEC_FAILED)
        os.close(write_end)
        self.report({"pid": self.pid})

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
            _kill(-self.pid)
            # Code that forks and exits in turn is our own child each time, and outruns a walk
            # through all processes.
            for _ in range(100):
                children = _own_children()
                if not children:
                    break
                for pid in children:
                    _kill(pid)
                self.reap()
            pids = _descendants(os.getpid())
            for pid in pids:
                _kill(pid)
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
            }
        )


def _become_kernel(config: dict[str, Any], stderr_fd: int, supervisor: int) -> NoReturn:
    import resource  # noqa: PLC0415

    os.dup2(stderr_fd, 2)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # A session of its own: the terminal's Ctrl-C is for the owner, not for the kernel.
    os.setsid()
    # The supervisor has one thread, so this cannot fire when merely a thread ends.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(EXEC_FAILED)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name, value in config["rlimits"].items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        # When memory runs out the kernel goes, not the notebook server.
        file.write("500")
    os.chdir(config["cwd"])
    os.execvpe(config["argv"][0], config["argv"], os.environ)  # noqa: S606


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _own_children() -> list[int]:
    """Return our children at little cost, where the system lists them."""
    with contextlib.suppress(OSError), open("/proc/thread-self/children") as file:  # noqa: PTH123
        return [int(pid) for pid in file.read().split()]
    return []


def _descendants(root: int) -> set[int]:
    """Return all processes below ``root``, from /proc; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return set()
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The command's name is in parentheses and may itself hold any character.
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    queue = [root]
    while queue:
        for pid in children.get(queue.pop(), ()):
            if pid not in found:
                found.add(pid)
                queue.append(pid)
    return found


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
        for fd in (self.control, self.woken, kernel.stderr_fd):
            poller.register(fd, select.POLLIN)
        owner_fd = _watch_owner(self.owner)
        if owner_fd is not None:
            poller.register(owner_fd, select.POLLIN)
        patience = None if owner_fd is not None else 500
        while kernel.wait_status is None and not self.told_to_stop:
            if os.getppid() != self.owner:
                self.orphaned = True
                return
            ready = {fd for fd, _ in poller.poll(patience)}
            if self.woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.woken, 4096)
                kernel.reap()
            if kernel.stderr_fd in ready and not kernel.keep_stderr():
                poller.unregister(kernel.stderr_fd)
            if self.control in ready:
                self._obey(os.read(self.control, 64), kernel)

    def _obey(self, commands: bytes, kernel: _Kernel) -> None:
        # The end of the pipe without a word is the end of the owner.
        self.orphaned = not commands
        self.told_to_stop = self.orphaned or STOP in commands
        if not self.told_to_stop:
            for number in commands:
                kernel.signal(number)


def supervise(config: dict[str, Any]) -> None:
    """Run the kernel of ``config`` to its end, or to the end of its owner."""
    watch = _Watch(config)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    kernel = _Kernel(config, config["status"])
    os.chdir("/")
    watch.run(kernel)
    kernel.kill_tree()
    kernel.report_end()
    if watch.orphaned:
        import shutil  # noqa: PLC0415

        for path in config["remove"]:
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    supervise(json.loads(sys.argv[1]))
