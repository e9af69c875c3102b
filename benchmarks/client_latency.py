"""How much later the first token arrives through our client than through the bare one.

A server in another process streams a reply at once, so that what is measured is the way
there and back. Both clients ask in turn, over connections that are kept open, for prompts of
several lengths. Prints medians in milliseconds, our surplus, and the ratio; exits with 1 when
the surplus is above the limit.

    python benchmarks/client_latency.py [--requests 200] [--limit-ms 10]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import sys
import time
from multiprocessing.connection import Connection

import openai
from openai.types.chat import ChatCompletionUserMessageParam as Message
from pydantic import SecretStr

from analyst.llm.client import OpenAIModel
from analyst.llm.completion import Completion, CompletionRequest, TextDelta
from analyst.llm.endpoint import Endpoint

CHUNKS = 20
PROMPT_CHARACTERS = (200, 8_000, 60_000)


def reply_bytes() -> bytes:
    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return b"data: " + json.dumps(body | {"choices": [choice]}).encode() + b"\n\n"

    events = [event({"role": "assistant"}), *[event({"content": "word "})] * CHUNKS]
    return b"".join([*events, event({}, "stop"), b"data: [DONE]\n\n"])


def serve(pipe: Connection) -> None:
    body = reply_bytes()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    answer = head.encode() + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = request.partition(b"content-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**20)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def first_token_bare(client: openai.AsyncOpenAI, messages: list[Message]) -> float:
    started = time.perf_counter()
    first = 0.0
    stream = await client.chat.completions.create(
        model="m",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=100,
        temperature=0,
    )
    async for chunk in stream:
        if not first and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - started
    return first


async def first_token_ours(model: OpenAIModel, messages: list[Message]) -> float:
    started = time.perf_counter()
    first, whole = 0.0, ""
    async for item in model.complete(CompletionRequest(messages=messages, max_tokens=100)):
        if not first and isinstance(item, TextDelta):
            first = time.perf_counter() - started
        if isinstance(item, Completion):
            whole = item.text
    assert whole == "word " * CHUNKS, "the reply did not arrive whole"
    return first


async def measure(port: int, requests: int) -> list[tuple[int, float, float]]:
    url = f"http://127.0.0.1:{port}/v1"
    bare = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    ours = OpenAIModel(model="m", endpoint=Endpoint(base_url=url, api_key=SecretStr("none")))
    rows = []
    for characters in PROMPT_CHARACTERS:
        messages: list[Message] = [{"role": "user", "content": "x" * (characters // 10)}] * 10
        for _ in range(10):
            await first_token_bare(bare, messages)
            await first_token_ours(ours, messages)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(requests):
            times[0].append(await first_token_bare(bare, messages))
            times[1].append(await first_token_ours(ours, messages))
        medians = [1000 * statistics.median(side) for side in times]
        rows.append((characters, medians[0], medians[1]))
    await bare.close()
    await ours.aclose()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200, help="requests per client and length")
    parser.add_argument("--limit-ms", type=float, default=10.0, help="largest surplus allowed")
    options = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(sender,), daemon=True)
    server.start()
    try:
        rows = asyncio.run(measure(receiver.recv(), options.requests))
    finally:
        server.terminate()
        server.join()
    print("prompt characters   bare ms   ours ms   surplus ms   ratio")
    for characters, bare, ours in rows:
        print(f"{characters:17d} {bare:9.2f} {ours:9.2f} {ours - bare:12.2f} {ours / bare:7.2f}")
    return int(any(ours - bare > options.limit_ms for _, bare, ours in rows))


if __name__ == "__main__":
    sys.exit(main())
