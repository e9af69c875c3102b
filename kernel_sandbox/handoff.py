"""Frames between host and kernel: to it as memory-mapped Arrow files, from it as hostile input.

Nothing is ever pickled. What Arrow cannot hold crosses cell by cell as JSON, at worst as text,
and each column that is not the same afterwards is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import keyword
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel_sandbox.errors import (
    EvaluationError,
    HandOffError,
    UnserialisableFrameError,
    UntrustedResultError,
)
from kernel_sandbox.fingerprint import fingerprint
from kernel_sandbox.gateway.transfer import RemoteFiles
from kernel_sandbox.limits import MIB
from kernel_sandbox.session import KernelSession
from kernel_sandbox.untrusted import Buffer, parse_untrusted, read_untrusted
from kernel_sandbox.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from kernel_sandbox.codec.frames import EncodedFrame

_INSIDE = "_kernel_sandbox_codec"
_CODEC = Path(__file__).with_name("codec")
_COPY_SHARE = 3
"""A frame of more than this part of the kernel's memory is not copied into it."""

_READ_ONLY = (
    "It is too large to be copied within the kernel's memory limit and cannot be changed in "
    "place; assign to new columns or copy the rows that are needed."
)
_MODULES = (
    "cells",
    "columns",
    "column_writing",
    "column_reading",
    "labels",
    "frames",
    "inside",
)


@dataclass(frozen=True, slots=True)
class HandedFrame:
    """A frame that is in the kernel under ``name``.

    ``bytes``: the size of the Arrow data. ``fingerprint``: hash of schema and content; equal
    frames have equal ones, whatever the versions of the libraries. ``changes``: one sentence for
    each column that is not the same in the kernel. ``sent``: false when the kernel had the data
    already and only bound it anew.
    """

    name: str
    rows: int
    columns: int
    bytes: int
    fingerprint: str
    changes: tuple[str, ...] = ()
    sent: bool = True


@dataclass(frozen=True, slots=True)
class FetchedFrame:
    """A copy of a frame of the kernel, and one sentence for each column that was changed."""

    frame: pd.DataFrame
    changes: tuple[str, ...]


class HandOff:
    """Hands frames to one session's kernel and fetches them from it."""

    def __init__(self, session: KernelSession) -> None:
        self._session = session
        self._prepared: int | None = None
        self._files: dict[str, tuple[str, Path, int]] = {}
        self._remote = None if session.gateway is None else RemoteFiles(session)
        self._brought: dict[Path, tuple[int, Path]] = {}
        self.workspace = Workspace(session, self._remote)
        """What the kernel's code wrote."""

    async def hand_over(
        self, name: str, value: object, *, deadline: float | None = 120.0
    ) -> HandedFrame:
        """Make ``value`` the variable ``name`` of the kernel.

        Takes pandas and polars frames and series, Arrow tables, and NumPy arrays of one or two
        dimensions. The kernel gets a copy: neither side sees what the other changes. A frame
        that was sent before is not sent again, but ``name`` is bound to it anew, as it was
        given. Raises :class:`UnserialisableFrameError` when nothing of it can be handed over,
        :class:`HandOffError` when there is no room or the kernel cannot load it, and what
        :meth:`KernelSession.evaluate` raises.
        """
        if not name.isidentifier() or keyword.iskeyword(name):
            raise HandOffError(f"{name!r} is not a name a variable can have.", name=name)
        encoded = await asyncio.to_thread(_encode, name, value)
        size = encoded.table.nbytes
        known = self._files.get(name)
        new = self._session.layout.inbox / f"{secrets.token_hex(8)}.arrow"
        digesting = asyncio.to_thread(fingerprint, encoded)
        if known is not None and known[2] == size:
            # Perhaps the same again: look before writing.
            digest = await digesting
            written = False
        else:
            digest, _ = await asyncio.gather(
                digesting, asyncio.to_thread(_write, encoded.table, new, name)
            )
            written = True
        sent = known is None or known[0] != digest
        if sent:
            if known is not None:
                known[1].unlink(missing_ok=True)
            if not written:
                await asyncio.to_thread(_write, encoded.table, new, name)
            self._files[name] = (digest, new, size)
        path = await self._there(self._files[name][1])
        memory = self._session.limits.memory
        own = memory is None or size * _COPY_SHARE <= memory
        await self._run("load", name, path, deadline, f", own={own}")
        changes = encoded.changes if own else (*encoded.changes, _READ_ONLY)
        return HandedFrame(name, encoded.rows, encoded.columns, size, digest, changes, sent=sent)

    async def send_file(self, source: Path) -> str:
        """Give the kernel a copy of a file and return its path there.

        It is also found by its name in the kernel's workspace, unless something else is there
        by that name. Raises :class:`HandOffError` when it cannot be read or there is no room.
        """
        placed = await asyncio.to_thread(self._place, source)
        return str(await self._there(placed))

    async def _there(self, path: Path) -> Path:
        """Return where the kernel finds a file of the inbox, after bringing it there."""
        if self._remote is None:
            return path
        known = self._brought.get(path)
        if known is None or known[0] != self._session.generation:
            there = await self._remote.put(path, f"{secrets.token_hex(4)}-{path.name}")
            known = self._brought[path] = (self._session.generation, Path(there))
        return known[1]

    def _place(self, source: Path) -> Path:
        layout = self._session.layout
        folder = layout.inbox / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        placed = folder / source.name
        try:
            shutil.copyfile(source, placed)
        except OSError as error:
            raise HandOffError(
                f"{source} could not be copied for the kernel: {error.strerror or error}.",
                name=source.name,
            ) from error
        link = layout.workspace / source.name
        with contextlib.suppress(OSError):
            if link.is_symlink() and link.readlink().is_relative_to(layout.inbox):
                link.unlink()
            link.symlink_to(placed)
        return placed

    async def fetch_frame(self, name: str, *, deadline: float | None = 120.0) -> pd.DataFrame:
        """Return a copy of the kernel's variable ``name`` as a frame; see :meth:`fetch`."""
        return (await self.fetch(name, deadline=deadline)).frame

    async def fetch(self, name: str, *, deadline: float | None = 120.0) -> FetchedFrame:
        """Return a copy of a frame, series, table or array of the kernel, as a pandas frame.

        Raises :class:`HandOffError` when there is no such variable or it is no table,
        :class:`UntrustedResultError` when the kernel's file is not what it should be or is
        larger than the session's limit, and what :meth:`KernelSession.evaluate` raises.
        """
        outbox = self._session.layout.outbox
        file = f"{secrets.token_hex(8)}.arrows"
        target = outbox / file if self._remote is None else Path(await self._remote.path(file))
        answer = await self._run("save", name, target, deadline)
        if "refused" in answer:
            raise HandOffError(str(answer["refused"])[:500], name=name)
        limit = self._session.limits.frame_bytes

        data = None
        if self._remote is not None:
            data = await self._remote.get(file, max_bytes=limit, variable=name)

        def read() -> pd.DataFrame:
            copied = data or read_untrusted(outbox, file, max_bytes=limit, variable=name)
            return _decode(copied, name, limit)

        changes = answer.get("changes")
        sentences = changes if isinstance(changes, list) else []
        return FetchedFrame(
            await asyncio.to_thread(read), tuple(str(sentence)[:500] for sentence in sentences)
        )

    async def _run(
        self, function: str, name: str, path: Path, deadline: float | None, more: str = ""
    ) -> dict[str, Any]:
        """Call a function of the codec in the kernel, after bringing the codec there."""
        call = (
            f"__import__('sys').modules[{_INSIDE + '.inside'!r}].{function}"
            f"(__import__('IPython').get_ipython().user_ns, {name!r}, {str(path)!r}{more})"
        )
        for _ in range(2):
            try:
                if self._prepared != self._session.generation:
                    await self._session.evaluate(_preparation(), {}, deadline=deadline)
                    self._prepared = self._session.generation
                answer = await self._session.evaluate_json(call, deadline=deadline)
            except EvaluationError as error:
                if self._prepared not in (None, self._session.generation):
                    # The kernel was replaced in between, by one without the codec.
                    continue
                raise HandOffError(_in_words(error, name), name=name) from error
            return answer if isinstance(answer, dict) else {}
        raise HandOffError("The kernel keeps dying during the hand-over.", name=name)


def _in_words(error: EvaluationError, name: str) -> str:
    if error.ename in {"ModuleNotFoundError", "ImportError"}:
        return f"The kernel's environment cannot load frames: {error.evalue}; install it there."
    if error.ename in {"MemoryError", "ArrowMemoryError"}:
        return (
            f"{name!r} does not fit in the kernel's memory limit; hand over fewer rows or "
            "columns, or raise the limit."
        )
    return f"{name!r} could not be handed over: {error}"


def _preparation() -> str:
    """Return code that makes the codec's modules in the kernel, outside the user's namespace."""
    sources = {
        f"{_INSIDE}.{module}": (_CODEC / f"{module}.py")
        .read_text(encoding="utf-8")
        .replace("kernel_sandbox.codec", _INSIDE)
        for module in _MODULES
    }
    return (
        "import sys, types\n"
        f"made = [types.ModuleType({_INSIDE!r})]\n"
        "made[0].__path__ = []\n"
        "sys.modules[made[0].__name__] = made[0]\n"
        f"for name, source in {sources!r}.items():\n"
        "    module = types.ModuleType(name)\n"
        "    sys.modules[name] = module\n"
        "    exec(compile(source, f'<{name}>', 'exec'), module.__dict__)\n"
    )


def _encode(name: str, value: object) -> EncodedFrame:
    from kernel_sandbox.codec.frames import NotAFrameError, encode  # noqa: PLC0415 - heavy

    try:
        return encode(value)
    except NotAFrameError as error:
        raise UnserialisableFrameError(
            f"{name!r} cannot be handed to the kernel: {error}.", name=name
        ) from error
    except Exception as error:
        raise UnserialisableFrameError(
            f"{name!r} cannot be handed to the kernel: {type(error).__name__}: "
            f"{str(error)[:200]}. Convert it to a plain DataFrame first.",
            name=name,
        ) from error


def _write(table: Any, path: Path, name: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise HandOffError(
            f"{name!r} ({table.nbytes / MIB:.0f} MiB) could not be written to {path.parent}: "
            f"{error.strerror or error}. Free some space there, or set TMPDIR elsewhere.",
            name=name,
        ) from error


def _decode(data: Buffer, name: str, limit: int) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - heavy

    from kernel_sandbox.codec.frames import decode  # noqa: PLC0415 - heavy

    table = parse_untrusted(data, max_bytes=limit, variable=name)
    try:
        frame = decode(table, own=None)
    except Exception as error:
        raise UntrustedResultError(
            f"The kernel's result for {name!r} was refused: {str(error)[:200]}.", name=name
        ) from error
    if not isinstance(frame, pd.DataFrame):
        raise UntrustedResultError(
            f"The kernel's result for {name!r} was refused: it is no frame.", name=name
        )
    return frame
