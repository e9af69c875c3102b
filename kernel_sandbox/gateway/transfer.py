"""Bytes to and from a kernel that shares no files with us: in pieces, as buffers of messages.

The kernel gets a handler for two messages of ours on its shell channel; what it sends back is
read as hostile input, like everything else of it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_sandbox.errors import HandOffError, UntrustedResultError

if TYPE_CHECKING:
    from kernel_sandbox.session import KernelSession

PIECE_BYTES = 4 << 20
"""Servers refuse messages much larger; each piece waits for its answer."""

_PUT, _GET = "kernel_sandbox_put_request", "kernel_sandbox_get_request"
_INSIDE = """
def install():
    import hashlib, os, tempfile
    from IPython import get_ipython
    kernel = get_ipython().kernel
    folder = tempfile.mkdtemp(prefix="kernel-sandbox-")
    def place(name):
        return os.path.join(folder, os.path.basename(name))
    def reply(stream, ident, parent, content, buffers=()):
        kind = parent["header"]["msg_type"].replace("_request", "_reply")
        kernel.session.send(stream, kind, content, parent, ident=ident, buffers=list(buffers))
    def put(stream, ident, parent):
        content = parent["content"]
        path = place(content["name"])
        with open(path, "ab" if content["at"] else "wb") as file:
            for piece in parent["buffers"]:
                file.write(piece)
        reply(stream, ident, parent, {"size": os.path.getsize(path), "path": path})
    def get(stream, ident, parent):
        content = parent["content"]
        with open(place(content["name"]), "rb") as file:
            file.seek(content["at"])
            piece = file.read(content["size"])
        reply(stream, ident, parent, {"size": len(piece)}, [piece])
    kernel.shell_handlers["kernel_sandbox_put_request"] = put
    kernel.shell_handlers["kernel_sandbox_get_request"] = get
    return folder
def digest(path):
    import hashlib
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
"""


class RemoteFiles:
    """Files of a session's remote kernel; they are gone with the kernel."""

    def __init__(self, session: KernelSession) -> None:
        self._session = session
        self._generation: int | None = None
        self._folder = ""

    async def path(self, name: str) -> str:
        """Return the path of the file ``name`` there."""
        if self._generation != self._session.generation:
            folder = await self._session.evaluate_json("install()", code=_INSIDE)
            self._folder, self._generation = str(folder), self._session.generation
        return f"{self._folder}/{name}"

    async def put(self, source: Path, name: str) -> str:
        """Bring a file there and return its path; raises :class:`HandOffError`."""
        await self.path(name)
        digest, at = hashlib.sha256(), 0
        path = f"{self._folder}/{name}"
        for piece in _pieces(source):
            content, _ = await self._session.exchange(_PUT, {"name": name, "at": at}, [piece])
            digest.update(piece)
            at += len(piece)
            if content.get("size") != at:
                raise HandOffError(
                    f"{source.name} did not arrive at the gateway's kernel; it may be out of disk.",
                    name=source.name,
                )
        found = await self._session.evaluate_json(f"digest({path!r})", code=_INSIDE, deadline=120)
        if found != digest.hexdigest():
            raise HandOffError(f"{source.name} was changed on its way.", name=source.name)
        return path

    async def get(self, name: str, *, max_bytes: int, variable: str) -> bytes:
        """Return a copy of a file; raises :class:`UntrustedResultError`."""
        data = bytearray()
        while True:
            content = {"name": name, "at": len(data), "size": PIECE_BYTES}
            _, buffers = await self._session.exchange(_GET, content, [])
            piece = b"".join(buffers)
            data += piece
            if len(data) > max_bytes:
                raise UntrustedResultError(
                    f"{variable!r} is larger than the limit of {max_bytes / (1 << 20):g} MiB; "
                    "fetch an aggregate or fewer rows.",
                    name=variable,
                )
            if len(piece) < PIECE_BYTES:
                return bytes(data)

    @staticmethod
    def new_name(suffix: str) -> str:
        """Return a name nobody has."""
        return f"{secrets.token_hex(8)}{suffix}"


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        first = True
        while (piece := file.read(PIECE_BYTES)) or first:
            first = False
            yield piece
