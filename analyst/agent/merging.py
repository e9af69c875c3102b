"""Several streams as one. Not here: what the streams are of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class _End:
    pass


async def merged(streams: Sequence[AsyncIterator[T]]) -> AsyncIterator[T]:
    """Yield the items of all streams as they come; each stream keeps its own order.

    A single stream is passed on in the caller's task. The error of one ends all. Closing this
    one ends them.
    """
    if len(streams) == 1:
        async for only in streams[0]:
            yield only
        return
    queue: asyncio.Queue[T | _End | BaseException] = asyncio.Queue()

    async def pump(stream: AsyncIterator[T]) -> None:
        try:
            async for item in stream:
                queue.put_nowait(item)
        except Exception as error:  # noqa: BLE001 - raised again where the streams are read
            queue.put_nowait(error)
        else:
            queue.put_nowait(_End())

    tasks = [asyncio.create_task(pump(stream)) for stream in streams]
    left = len(tasks)
    try:
        while left:
            item = await queue.get()
            if isinstance(item, _End):
                left -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
