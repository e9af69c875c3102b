"""The files that a kernel's code wrote where it works: listed and copied out, as hostile input.

Only plain files directly in the working directory count: what is linked, nested or no file is
not listed and not read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_sandbox.errors import HandOffError, UntrustedResultError
from kernel_sandbox.limits import MIB
from kernel_sandbox.untrusted import Buffer, copy_file

if TYPE_CHECKING:
    from kernel_sandbox.gateway.transfer import RemoteFiles
    from kernel_sandbox.session import KernelSession

MOST_FILES = 200
MOST_BYTES = 256 * MIB
_MOST_ENTRIES = 10_000
_LONGEST_NAME = 255
_HUGE = 1 << 63

_INSIDE = """
def listing(most):
    import os, stat
    found = []
    with os.scandir() as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and len(found) < most:
                found.append([entry.name, status.st_size, status.st_mtime_ns])
    return found
def lay_out(name, path):
    import os, shutil
    if os.path.basename(name) == name and os.path.isfile(name):
        shutil.copyfile(name, path)
        return True
    return False
"""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file in the kernel's working directory; ``changed_ns``: nanoseconds since 1970."""

    name: str
    bytes: int
    changed_ns: int


class Workspace:
    """The working directory of a session's kernel. ``remote``: when a gateway runs it."""

    def __init__(self, session: KernelSession, remote: RemoteFiles | None) -> None:
        self._session = session
        self._remote = remote

    async def files(self) -> tuple[WrittenFile, ...]:
        """List the first ``MOST_FILES`` files by name, leaving out names nobody could type.

        Raises what :meth:`KernelSession.evaluate` raises when the kernel is elsewhere.
        """
        if self._remote is None:
            found = _listing(self._session.working_directory)
        else:
            answer = await self._session.evaluate_json(f"listing({MOST_FILES})", code=_INSIDE)
            found = [written for entry in _rows(answer) if (written := _as_told(entry))]
        usual = (written for written in found if _is_usual(written.name))
        return tuple(sorted(usual, key=lambda written: written.name)[:MOST_FILES])

    async def read(self, name: str, *, max_bytes: int = MOST_BYTES) -> Buffer:
        """Return a copy of a file.

        Raises :class:`HandOffError` when there is none of that name, and
        :class:`UntrustedResultError` when it is larger than ``max_bytes`` or no plain file.
        """
        if not _is_usual(name):
            raise HandOffError(f"{name!r} is not the name of a file there.", name=name)
        if self._remote is None:
            return _read(self._session.working_directory, name, max_bytes)
        there = self._remote.new_name(".bin")
        path = await self._remote.path(there)
        if not await self._session.evaluate_json(f"lay_out({name!r}, {path!r})", code=_INSIDE):
            raise _missing(name)
        return await self._remote.get(there, max_bytes=max_bytes, variable=name)

    async def save(self, name: str, target: Path, *, max_bytes: int = MOST_BYTES) -> Path:
        """Copy a file to ``target``, or by its name into the directory ``target``.

        Nothing is ever overwritten. Returns the path of the copy. Raises what :meth:`read`
        raises, and :class:`HandOffError` when it cannot be written.
        """
        data = await self.read(name, max_bytes=max_bytes)
        if target.is_dir():  # noqa: ASYNC240 - one stat
            target = target / name
        try:
            with target.open("xb") as file:
                file.write(data)
        except FileExistsError as error:
            raise HandOffError(
                f"{target} exists already and was left as it is; name another one.", name=name
            ) from error
        except OSError as error:
            raise HandOffError(
                f"{target} could not be written: {error.strerror or error}.", name=name
            ) from error
        return target


def _is_usual(name: str) -> bool:
    return (
        0 < len(name) <= _LONGEST_NAME
        and name.isprintable()
        and not name.startswith(".")
        and "/" not in name
    )


def _missing(name: str) -> HandOffError:
    return HandOffError(f"The agent's code wrote no file {name!r}.", name=name)


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(directory, flags)
    try:
        yield folder
    finally:
        os.close(folder)


def _listing(directory: Path) -> list[WrittenFile]:
    found = []
    try:
        with _opened(directory) as folder, os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= _MOST_ENTRIES:
                    break
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    found.append(WrittenFile(entry.name, status.st_size, status.st_mtime_ns))
    except OSError:
        return []
    return found


def _read(directory: Path, name: str, max_bytes: int) -> Buffer:
    # A named pipe would block the opening for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with _opened(directory) as folder:
            file = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError as error:
        raise _missing(name) from error
    except OSError as error:
        raise UntrustedResultError(
            f"{name!r} is not a plain file and is not taken.", name=name
        ) from error
    try:
        if os.fstat(file).st_nlink != 1:
            raise UntrustedResultError(
                f"{name!r} is a link to another file and is not taken.", name=name
            )
        return copy_file(file, max_bytes=max_bytes, variable=name)
    finally:
        os.close(file)


def _rows(answer: Any) -> list[Any]:
    return answer[:MOST_FILES] if isinstance(answer, list) else []


def _as_told(entry: Any) -> WrittenFile | None:
    """Return what a remote kernel says of a file, unless that makes no sense."""
    match entry:
        case [str(name), int(size), int(changed)] if 0 <= size < _HUGE and abs(changed) < _HUGE:
            return WrittenFile(name, size, changed)
    return None
