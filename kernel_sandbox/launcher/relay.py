"""The inner end of the way out of a sandbox: from its loopback to the proxy's socket.

It runs inside, with no more rights than the kernel, as ``python -I -S relay.py DESCRIPTOR
SOCKET``; the descriptor is a listening TCP socket, since what is to be reached by HTTP clients
must have a port. Standard library only.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys

_CHUNK = 64 * 1024


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def serve(listening: socket.socket, path: str) -> None:
    """Pass every connection on."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            proxy_reader, proxy = await asyncio.open_unix_connection(path, limit=_CHUNK)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pipe(reader, proxy))
                group.create_task(_pipe(proxy_reader, writer))
            proxy.close()
        writer.close()

    server = await asyncio.start_server(handle, sock=listening, limit=_CHUNK)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]))
