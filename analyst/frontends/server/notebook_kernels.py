"""The tables of notebooks' kernels: listed, and brought to the server for the agent.

Here: what is asked of a kernel and what comes of it. Not here: the messages
(:mod:`analyst.frontends.server.kernel_request`) and the code that runs in the kernel
(:mod:`analyst.frontends.server.kernel_side.helper`).

What a kernel sends is read as if it were hostile: it may be an isolated one. All of this happens
in the server's loop.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from analyst.frontends.server.errors import NotThereError, RefusedError
from analyst.frontends.server.kernel_request import BUSY_SECONDS, KernelRequests
from analyst.frontends.untrusted import one_line
from kernel_sandbox.errors import UntrustedResultError
from kernel_sandbox.limits import GIB, Limits
from kernel_sandbox.untrusted import parse_untrusted, read_untrusted

LIST_SECONDS = 10.0
FETCH_SECONDS = 120.0
_FILE = "table.arrows"
_CODEC_MODULES = ("cells", "columns", "column_writing", "column_reading", "labels", "frames")


class NotebookKernels:
    """The kernels of one server, by its kernel manager."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._locks: dict[str, asyncio.Lock] = {}

    async def frames(self, kernel_id: str) -> list[dict[str, Any]]:
        """Describe the tables of a kernel; raises :class:`RefusedError`."""
        async with self._lock(kernel_id), KernelRequests(self._kernel(kernel_id)) as requests:
            return await self._listed(requests)

    async def fetch(self, kernel_id: str, name: str) -> object:
        """Return a copy of a table: a pandas or polars frame, an Arrow table, or an array.

        Raises :class:`RefusedError` and :class:`UntrustedResultError`.
        """
        folder = Path(tempfile.mkdtemp(prefix="analyst-table-"))
        try:
            async with self._lock(kernel_id), KernelRequests(self._kernel(kernel_id)) as requests:
                if not requests.has_subshell:
                    # Tells at once whether the kernel is busy.
                    await requests.ask(_helper(), {"verb": "list"}, seconds=BUSY_SECONDS)
                request = {
                    "verb": "save",
                    "name": name,
                    "path": str(folder / _FILE),
                    "codec": _codec_sources(),
                }
                answer = await requests.ask(_helper(), request, seconds=FETCH_SECONDS)
            if "error" in answer:
                raise _failure(name, str(answer["error"]), str(answer.get("text", "")))
            return await asyncio.to_thread(_read, folder, name, answer.get("data"))
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _listed(self, requests: KernelRequests) -> list[dict[str, Any]]:
        seconds = LIST_SECONDS if requests.has_subshell else BUSY_SECONDS
        answer = await requests.ask(_helper(), {"verb": "list"}, seconds=seconds)
        found = answer.get("frames")
        if not isinstance(found, list):
            raise RefusedError("The notebook's kernel could not list its tables; restart it.")
        return [_checked(one) for one in found if isinstance(one, dict)]

    def _kernel(self, kernel_id: str) -> Any:
        if any(kind.__module__.startswith("jupyter_server.gateway") for kind in self._kinds()):
            raise RefusedError(
                "The notebook's kernel runs on a gateway, from where no table can be taken; hand "
                "over a file."
            )
        if kernel_id not in self._manager:
            raise NotThereError("The notebook has no kernel any more; start it again.")
        return self._manager.get_kernel(kernel_id)

    def _kinds(self) -> tuple[type, ...]:
        return type(self._manager).__mro__

    def _lock(self, kernel_id: str) -> asyncio.Lock:
        """Return what keeps a kernel's requests apart; those of ended kernels are let go."""
        for other in [one for one in self._locks if one not in self._manager]:
            if not self._locks[other].locked():
                del self._locks[other]
        return self._locks.setdefault(kernel_id, asyncio.Lock())


@functools.cache
def _helper() -> str:
    directory = resources.files("analyst.frontends.server.kernel_side")
    return directory.joinpath("helper.py").read_text(encoding="utf-8")


@functools.cache
def _codec_sources() -> dict[str, str]:
    directory = resources.files("kernel_sandbox.codec")
    return {
        module: directory.joinpath(f"{module}.py")
        .read_text(encoding="utf-8")
        .replace("kernel_sandbox.codec", "_kernel_sandbox_codec")
        for module in _CODEC_MODULES
    }


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a description with the types it must have, whatever the kernel sent."""
    columns = found.get("columns")
    return {
        "name": str(found.get("name"))[:200],
        "kind": str(found.get("kind"))[:20],
        "shape": [_whole(found.get("rows")), _whole(found.get("width"))],
        "columns": [
            [str(part)[:200] for part in column[:2]]
            for column in (columns if isinstance(columns, list) else [])[:200]
            if isinstance(column, list)
        ],
        "bytes": _whole(found.get("bytes")),
    }


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _read(folder: Path, name: str, sent: object) -> object:
    from kernel_sandbox.codec.frames import METADATA_KEY, decode  # noqa: PLC0415 - brings pandas

    limit = min(Limits().frame_bytes, GIB)
    try:
        if isinstance(sent, str):
            data: Any = base64.b64decode(sent)
        else:
            data = read_untrusted(folder, _FILE, max_bytes=limit, variable=name)
        table = parse_untrusted(data, max_bytes=limit, variable=name)
        if METADATA_KEY not in (table.schema.metadata or {}):
            return table.to_pandas()
        frame: object = decode(table, own=None)
    except (UntrustedResultError, ValueError) as error:
        raise RefusedError(f"{name} cannot be handed over: {one_line(str(error), 300)}") from error
    return frame


def _failure(name: str, kind: str, text: str) -> RefusedError:
    if kind == "LookupError":
        return NotThereError(f"The notebook has no table {name} any more; run its cell again.")
    if kind in {"ImportError", "ModuleNotFoundError"}:
        return RefusedError(
            f"{name} cannot leave the notebook's kernel, whose environment has no pyarrow (or is "
            "missing what it needs); install it there: %pip install pyarrow"
        )
    if kind == "MemoryError":
        return RefusedError(f"The notebook's kernel has no memory for a copy of {name}.")
    said = one_line(text, 300) or kind
    return RefusedError(f"{name} cannot be handed over: {said}")
