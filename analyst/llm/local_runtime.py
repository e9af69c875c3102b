"""The private directory in which a user's sessions find the server of the embedded model.

Here: where it is and that nobody else can write there. Not here: what lies in it.
"""

from __future__ import annotations

import os
import platform
import stat
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from analyst.llm.completion import ModelError

RUNTIME_VARIABLE = "ANALYST_RUNTIME"


class RuntimeDirectoryError(ModelError):
    """No directory is both writable and this user's alone."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        super().__init__(
            f"The directory {directory} cannot hold the embedded model's connection ({reason}); "
            f"set {RUNTIME_VARIABLE} to a directory of yours that nobody else can write."
        )


def runtime_directory() -> Path:
    """Return the directory, made if need be with mode 0700.

    ``ANALYST_RUNTIME`` names it; else it lies in Jupyter's run-time directory, one for each
    machine, for homes are shared between machines and processes are not. Raises
    :class:`RuntimeDirectoryError`.
    """
    named = os.environ.get(RUNTIME_VARIABLE)
    if named:
        return _private(Path(named).expanduser())
    machine = platform.node().replace(os.sep, "-") or "localhost"
    return _private(Path(jupyter_runtime_dir()) / f"analyst-{machine}")


def _private(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise RuntimeDirectoryError(directory, "it is not a directory")
        if status.st_uid != os.getuid():
            raise RuntimeDirectoryError(directory, "it belongs to another user")
        if stat.S_IMODE(status.st_mode) & 0o077:
            directory.chmod(0o700)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise RuntimeDirectoryError(directory, "it cannot be written")
    except OSError as error:
        raise RuntimeDirectoryError(directory, error.strerror or str(error)) from error
    return directory
