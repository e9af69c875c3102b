"""A fake endpoint on 127.0.0.1 that plays HTTP answers, and how it was asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from analyst.llm.client import OpenAIModel
from analyst.llm.completion import CompletionRequest
from analyst.llm.endpoint import Endpoint
from analyst.llm.retry import RetryPolicy

FAST = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.002)
REQUEST = CompletionRequest(messages=[{"role": "user", "content": "hi"}], max_tokens=7)

Play = Callable[["Exchange"], Awaitable[None]]


def chunk(
    text: str | None = None,
    *,
    finish: str | None = None,
    usage: dict[str, Any] | None = None,
    delta: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One chunk of a chat completion, as an endpoint writes it."""
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "delta": delta or ({"content": text} if text is not None else {})}
        ],
    }
    body["choices"][0]["finish_reason"] = finish
    if usage is not None:
        body["choices"], body["usage"] = [], usage
    return body


@dataclass
class Exchange:
    """One request, and the means to answer it bit by bit."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    client_gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def head(self, status: int, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.writer.drain()

    async def send(self, data: dict[str, Any] | str) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.writer.write(f"data: {text}\n\n".encode())
        await self.writer.drain()

    async def json(self, status: int, body: Any, **headers: str) -> None:
        raw = json.dumps(body).encode()
        await self.head(
            status, content_type="application/json", content_length=str(len(raw)), **headers
        )
        self.writer.write(raw)
        await self.writer.drain()

    async def stream(self, *items: dict[str, Any] | str, done: bool = True) -> None:
        await self.head(200, content_type="text/event-stream")
        for item in items:
            await self.send(item)
        if done:
            await self.send("[DONE]")

    async def cut(self) -> None:
        """Break the connection so that the client sees a reset, not an end."""
        sock = self.writer.get_extra_info("socket")
        import socket
        import struct

        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class FakeEndpoint:
    """Answers request n with play n; the last play answers all that follow."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.exchanges: list[Exchange] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [exchange.body for exchange in self.exchanges]

    def model(self, *, key: str | None = "sk-secret-of-the-test", **options: Any) -> OpenAIModel:
        """Return a client of this endpoint that is quick to retry."""
        endpoint = Endpoint(base_url=self.base_url, api_key=SecretStr(key) if key else None)
        return OpenAIModel(model="m", **{"retries": FAST, "endpoint": endpoint, **options})

    async def ask(self, request: CompletionRequest = REQUEST, **options: Any) -> list[Any]:
        """Return all that a fresh client streams for ``request``."""
        return await self.play_through(self.model(**options), request)

    @staticmethod
    async def play_through(model: OpenAIModel, request: CompletionRequest = REQUEST) -> list[Any]:
        """Return all that ``model`` streams for ``request``, and close it."""
        try:
            return [item async for item in model.complete(request)]
        finally:
            await model.aclose()

    def play(self, *plays: Play) -> None:
        self.plays = list(plays)

    def reply(self, *texts: str, finish: str = "stop", usage: dict[str, Any] | None = None) -> Play:
        async def play(exchange: Exchange) -> None:
            items = [chunk(delta={"role": "assistant"})]
            items += [chunk(text) for text in texts]
            items.append(chunk(finish=finish))
            if usage is not None:
                items.append(chunk(usage=usage))
            await exchange.stream(*items)

        return play

    def refuse(self, status: int, message: Any = "no", **headers: str) -> Play:
        async def play(exchange: Exchange) -> None:
            body = message if isinstance(message, dict) else {"error": {"message": message}}
            await exchange.json(status, body, **headers)

        return play

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            exchange = await self._read(reader, writer)
            if exchange is None:
                return
            self.exchanges.append(exchange)
            play = self.plays[min(len(self.exchanges), len(self.plays)) - 1]
            watch = asyncio.create_task(self._watch(reader, exchange))
            try:
                await play(exchange)
            except ConnectionError:
                exchange.client_gone.set()
            finally:
                watch.cancel()
        finally:
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Exchange | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return None
        request, *lines = head.strip().split("\r\n")
        method, path, _ = request.split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        return Exchange(method, path, headers, json.loads(raw or b"{}"), writer)

    async def _watch(self, reader: asyncio.StreamReader, exchange: Exchange) -> None:
        await reader.read()
        exchange.client_gone.set()


@pytest.fixture
async def fake_endpoint() -> AsyncIterator[FakeEndpoint]:
    """A fake endpoint that runs, with nothing to play yet."""
    endpoint = FakeEndpoint()
    await endpoint.start()
    yield endpoint
    await endpoint.stop()


@pytest.fixture
def make_chunk() -> Callable[..., dict[str, Any]]:
    """Make one chunk of a chat completion."""
    return chunk


@pytest.fixture
def fake_endpoint_in_thread() -> Iterator[FakeEndpoint]:
    """A fake endpoint on an event loop of its own, that answers every request with "ok"."""
    endpoint = FakeEndpoint()
    endpoint.play(endpoint.reply("ok"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(endpoint.start(), loop).result(5)
    yield endpoint
    asyncio.run_coroutine_threadsafe(endpoint.stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
