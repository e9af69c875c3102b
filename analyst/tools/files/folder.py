"""One folder, and nothing outside of it: opened name by name, following no link.

Each name is opened relative to the folder before it, so that nobody who swaps a folder for a link
in between leads a call elsewhere. Here: reading, walking, and replacing a file in one step. Not
here: which names may be opened (:mod:`.paths`), and what stands in the files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from analyst.tools.files.paths import (
    Parts,
    PathError,
    check_writable,
    is_protected,
    is_typable,
    shown,
)

NOTHING = "none"
"""Stands for the content of a file that is not there."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_writing = threading.Lock()
"""Held by whoever writes: agents that work side by side do not overwrite each other."""

_MIB = 1024 * 1024
_CHUNK = 1 << 20


class ChangedError(PathError):
    """A file is not what it was when the change to it was shown."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in a file, and whose it is; ``digest`` tells it from other content."""

    data: bytes
    mode: int
    owner: tuple[int, int]
    digest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What is in a folder by a name, itself and not what it may lead to; ``size`` in bytes."""

    name: str
    mode: int
    size: int
    is_folder: bool
    is_file: bool


class Folder:
    """The files below ``root``, which is the user's word and may be reached by links."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def opened(self, parts: Parts, *, make: bool = False) -> Iterator[int]:
        """Hold a folder open, by its descriptor; ``make`` those that are not there.

        Raises :class:`PathError`.
        """
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise PathError(f"The workspace cannot be opened: {error.strerror}.") from None
        try:
            for number, part in enumerate(parts):
                descriptor = _entered(descriptor, part, parts[: number + 1], make=make)
            yield descriptor
        finally:
            os.close(descriptor)

    def content(self, parts: Parts, *, most: int) -> Content:
        """Return what stands in a file of at most ``most`` bytes; raises :class:`PathError`."""
        _check(parts)
        with self.opened(parts[:-1]) as folder:
            return _content(folder, parts, most)

    def entries(self, parts: Parts) -> list[Entry]:
        """Return what is in a folder, by name, without what is not to be opened.

        ``is_file`` is true of plain files with one name only. Raises :class:`PathError`.
        """
        _check(parts)
        with self.opened(parts) as folder:
            try:
                with os.scandir(folder) as found:
                    return sorted(filter(None, map(_entry, found)), key=lambda one: one.name)
            except OSError as error:
                raise _in_words(error, parts) from None

    def replace(self, parts: Parts, data: bytes, *, base: str, most: int) -> None:
        """Write a file in one step, whole or not at all, and keep its permissions.

        ``base`` is the digest of what it holds now, or :data:`NOTHING` for a file that is not
        there yet; folders that lead to one are made. Raises :class:`ChangedError` where that is
        not so any more, and :class:`PathError`.
        """
        _check(parts)
        check_writable(parts)
        with _writing, self.opened(parts[:-1], make=base == NOTHING) as folder:
            old = None if base == NOTHING else _unchanged(folder, parts, base, most)
            temporary = f".{secrets.token_hex(8)}.new"
            try:
                _write_new(folder, temporary, data, old)
                if old is None:
                    _place(folder, temporary, parts[-1])
                else:
                    # Looked at once more, as late as can be.
                    _unchanged(folder, parts, base, most)
                    os.rename(temporary, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            except FileExistsError:
                raise ChangedError(_changed(parts)) from None
            except OSError as error:
                raise _in_words(error, parts) from None
            finally:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)


class MissingError(PathError):
    """There is no such file or folder."""


def _check(parts: Parts) -> None:
    """Refuse names that must not be opened, whoever built the path."""
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part or is_protected(part):
            raise PathError(f"{shown('/'.join(parts))} is not opened.")


def _entered(descriptor: int, part: str, so_far: Parts, *, make: bool) -> int:
    """Open a folder in the one that is open, which is closed if that succeeds."""
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(part, 0o777, dir_fd=descriptor)
        inner = os.open(part, _FOLDER, dir_fd=descriptor)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise PathError(_no_folder(descriptor, part, so_far)) from None
        raise _in_words(error, so_far) from None
    os.close(descriptor)
    return inner


def _no_folder(descriptor: int, part: str, so_far: Parts) -> str:
    path = shown("/".join(so_far))
    with suppress(OSError):
        if stat.S_ISLNK(os.lstat(part, dir_fd=descriptor).st_mode):
            return f"{path} is a link; links are not followed."
    return f"{path} is no folder."


def _content(folder: int, parts: Parts, most: int) -> Content:
    path = shown("/".join(parts))
    if not parts:
        raise PathError("That is the workspace itself, not a file.")
    try:
        _require_plain(os.lstat(parts[-1], dir_fd=folder), path)
        descriptor = os.open(parts[-1], _READ, dir_fd=folder)
    except OSError as error:
        raise _in_words(error, parts) from None
    try:
        status = os.fstat(descriptor)
        # Once more, of what was opened: the name may have been given to something else.
        _require_plain(status, path)
        data = bytearray()
        while status.st_size <= most and len(data) <= most:
            chunk = os.read(descriptor, min(_CHUNK, most + 1 - len(data)))
            if not chunk:
                break
            data += chunk
        if status.st_size > most or len(data) > most:
            size = max(status.st_size, len(data)) / _MIB
            raise PathError(f"{path} is too large: {size:.1f} MiB, {most / _MIB:g} at most.")
    except OSError as error:
        raise _in_words(error, parts) from None
    finally:
        os.close(descriptor)
    digest = hashlib.sha256(data).hexdigest()
    mode = stat.S_IMODE(status.st_mode) & 0o777
    return Content(bytes(data), mode, (status.st_uid, status.st_gid), digest)


def _require_plain(status: os.stat_result, path: str) -> None:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        raise PathError(f"{path} is a link; links are not followed.")
    if stat.S_ISDIR(mode):
        raise PathError(f"{path} is a folder.")
    if not stat.S_ISREG(mode):
        raise PathError(f"{path} is no plain file.")
    if status.st_nlink > 1:
        raise PathError(
            f"{path} is a file with several names (a hard link), of which one may be outside of "
            "the workspace; it is not opened."
        )


def _unchanged(folder: int, parts: Parts, base: str, most: int) -> Content:
    try:
        content = _content(folder, parts, most)
    except MissingError:
        raise ChangedError(_changed(parts)) from None
    if content.digest != base:
        raise ChangedError(_changed(parts))
    return content


def _changed(parts: Parts) -> str:
    return (
        f"{shown('/'.join(parts))} was changed by something else in the meantime, so it was left "
        "as it is. Read it again."
    )


def _write_new(folder: int, name: str, data: bytes, old: Content | None) -> None:
    # A new file gets the permissions that the user's umask leaves.
    descriptor = os.open(name, _NEW, 0o666 if old is None else 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        if old is not None:
            with suppress(OSError):
                os.fchown(descriptor, *old.owner)
            os.fchmod(descriptor, old.mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _place(folder: int, temporary: str, name: str) -> None:
    """Give a new file its name; raises :class:`FileExistsError` where something has it."""
    try:
        # Unlike a rename this fails where there is a file by now.
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        # A file system without hard links.
        with suppress(FileNotFoundError):
            os.lstat(name, dir_fd=folder)
            raise FileExistsError from None
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _entry(found: os.DirEntry[str]) -> Entry | None:
    if not is_typable(found.name) or is_protected(found.name):
        return None
    try:
        status = found.stat(follow_symlinks=False)
    except OSError:
        return None
    mode = status.st_mode
    return Entry(
        name=found.name,
        mode=stat.S_IMODE(mode) & 0o777,
        size=status.st_size,
        is_folder=stat.S_ISDIR(mode),
        is_file=stat.S_ISREG(mode) and status.st_nlink == 1,
    )


def _in_words(error: OSError, parts: Parts) -> PathError:
    path = shown("/".join(parts))
    if error.errno == errno.ENOENT:
        return MissingError(f"There is no {path} in the workspace.")
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return PathError(f"{path} is a link; links are not followed.")
    return PathError(f"{path} cannot be opened: {error.strerror}.")
