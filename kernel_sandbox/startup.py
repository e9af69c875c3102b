"""What a kernel of ours runs first: it makes ipykernel bear floods and interrupts.

ipykernel collects what is printed and sends it a few times a second, however much that is: a
loop that prints a gigabyte becomes one message of a gigabyte, which no limit on the host can cut
in the middle. With this, no message of printed text is much longer than a million characters.

And ipykernel ends itself when an interrupt comes in the moment after a cell ended. With this, an
interrupt reaches the code of a cell or nothing.

The source of this module is run inside kernels (see :func:`install`), so it imports nothing of
the package.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

CHARACTERS = 1_000_000
"""Sent at the latest after so many."""


def install(ipython_directory: Path) -> None:
    """Make the IPython profile in ``ipython_directory`` run this; on the host."""
    folder = ipython_directory / "profile_default" / "startup"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = (
        Path(__file__).read_text(encoding="utf-8")
        + "\nbound_streams()\ngate_interrupts()\nmiss_files()\nplain_commands()\n"
    )
    # Run in a namespace of its own: nothing of it is among the user's variables.
    code = f"exec({source!r}, {{'__name__': 'kernel_sandbox_startup'}})\n"
    (folder / "00-kernel-sandbox.py").write_text(code, encoding="utf-8")


def bound_streams() -> None:
    """Bound what stdout and stderr collect; in the kernel."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "pub_thread"):
            stream.__class__ = _bounded(type(stream))


def _bounded(base: Any) -> Any:
    class BoundedOutStream(base):  # type: ignore[misc]
        """A stream of ipykernel that sends before it has collected much."""

        _collected = 0

        def write(self, string: str) -> int:
            if not isinstance(string, str) or not self._is_master_process():
                return base.write(self, string) or 0
            for start in range(0, max(1, len(string)), CHARACTERS):
                piece = string[start : start + CHARACTERS]
                base.write(self, piece)
                self._collected += len(piece)
                if self._collected >= CHARACTERS:
                    self._collected = 0
                    self.flush()
            return len(string)

    return BoundedOutStream


class InterruptGate:
    """Lets SIGINT through as :class:`KeyboardInterrupt` only while a cell's code runs."""

    def __init__(self, kernel: Any) -> None:
        self._open = False
        self._pending = False
        self._do_execute = kernel.do_execute
        kernel.pre_handler_hook = self.before
        kernel.post_handler_hook = self.after
        kernel.do_execute = self.execute

    def before(self) -> None:
        """Begin a request; ipykernel calls it."""
        self._open = self._pending = False
        signal.signal(signal.SIGINT, self.on_interrupt)

    def after(self) -> None:
        """End a request; ipykernel calls it."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def on_interrupt(self, *_: object) -> None:
        """Handle the signal."""
        if self._open:
            raise KeyboardInterrupt
        self._pending = True

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Run a cell, in place of ipykernel's own method, which it calls."""
        self._open = True
        try:
            if self._pending:
                raise KeyboardInterrupt
            return await self._do_execute(*args, **kwargs)
        finally:
            self._open = False


def gate_interrupts() -> None:
    """Let interrupts reach cells only; in the kernel."""
    from IPython import get_ipython  # noqa: PLC0415 - there in the kernel only

    kernel = getattr(get_ipython(), "kernel", None)
    if all(
        hasattr(kernel, name) for name in ("do_execute", "pre_handler_hook", "post_handler_hook")
    ):
        InterruptGate(kernel)


def plain_commands() -> None:
    """Let ``!command`` work where no terminal can be had; in the kernel."""
    from IPython import get_ipython  # noqa: PLC0415 - there in the kernel only

    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        get_ipython().system = run_command


def run_command(command: str) -> None:
    """Run a shell command and show what it prints, as IPython's own way does."""
    shell = sys.modules["IPython"].get_ipython()
    with subprocess.Popen(  # noqa: S602 - it is what the user asked for
        shell.var_expand(command, depth=2),
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 1 << 16):
            sys.stdout.write(data.decode("utf-8", "replace"))
            sys.stdout.flush()
    shell.user_ns["_exit_code"] = process.returncode


def miss_files() -> None:
    """Let changing times and modes fail where there is no file; in the kernel.

    The filter on system calls can only pretend that these work, also for files that are not
    there, and ``Path.touch`` takes the success for a file that need not be made.
    """
    for name, arguments in (("utime", (None,)), ("chmod", (0o600,))):
        change = getattr(os, name)
        try:
            change(f"no-such-file-{uuid.uuid4().hex}", *arguments)
        except OSError:
            continue
        setattr(os, name, _missing(change))


def _missing(change: Any) -> Any:
    @functools.wraps(change)
    def checked(path: Any, *args: Any, **kwargs: Any) -> None:
        os.stat(path, dir_fd=kwargs.get("dir_fd"))
        change(path, *args, **kwargs)

    return checked
