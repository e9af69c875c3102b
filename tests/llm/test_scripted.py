"""The scripted model plays what it was given, and never pretends to be a model."""

from __future__ import annotations

import asyncio

import pytest

from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    ModelRateLimitError,
    NativeToolCall,
    RequestRetried,
    TextDelta,
)
from analyst.llm.scripted import ScriptedModel, ScriptedReply, ScriptExhaustedError


def ask(*contents: str) -> CompletionRequest:
    return CompletionRequest(messages=[{"role": "user", "content": text} for text in contents])


async def play(model: ScriptedModel, request: CompletionRequest | None = None):
    return [item async for item in model.complete(request or ask("hi"))]


def test_its_name_says_that_no_model_is_behind_it():
    assert ScriptedModel([]).name == "scripted replies, no model"
    assert ScriptedModel([], label="chart").name == "scripted replies, no model (chart)"


async def test_replies_come_in_turn_and_in_pieces():
    model = ScriptedModel(["abcde", NativeToolCall("1", "python", "{}")], piece=2)
    first = await play(model)
    assert first[:-1] == [TextDelta("ab"), TextDelta("cd"), TextDelta("e")]
    assert first[-1].text == "abcde"
    second = await play(model)
    assert second[-1].tool_calls == (NativeToolCall("1", "python", "{}"),)
    assert second[-1].finish_reason == "tool_calls"


async def test_a_callable_answers_from_the_request():
    model = ScriptedModel([lambda request: request.messages[0]["content"].upper()])
    assert (await play(model, ask("hi")))[-1].text == "HI"


async def test_a_request_too_many_is_an_assertion_not_an_error_of_a_model():
    model = ScriptedModel(["a"])
    await play(model)
    with pytest.raises(ScriptExhaustedError, match="holds 1 replies"):
        await play(model)
    assert model.replies_left == 0


async def test_failures_and_retries_are_played():
    retry = RequestRetried(attempt=2, wait_seconds=0, reason="cut")
    model = ScriptedModel(
        [
            ScriptedReply(text="a", retries=(retry,)),
            ModelRateLimitError("later"),
        ]
    )
    assert (await play(model))[0] == retry
    with pytest.raises(ModelRateLimitError):
        await play(model)


async def test_a_held_reply_waits_in_its_middle():
    hold = asyncio.Event()
    model = ScriptedModel([ScriptedReply(text="abcd", hold=hold)], piece=2)
    stream = model.complete(ask("hi"))
    assert await anext(stream) == TextDelta("ab")
    rest = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not rest.done()
    hold.set()
    assert await rest == TextDelta("cd")
    assert isinstance(await anext(stream), Completion)


async def test_requests_are_kept_as_they_were():
    messages = [{"role": "user", "content": "hi"}]
    model = ScriptedModel(["a", "b"])
    await play(model, CompletionRequest(messages=messages))
    messages.append({"role": "assistant", "content": "a"})
    await play(model, CompletionRequest(messages=messages))
    assert [len(request.messages) for request in model.requests] == [1, 2]


async def test_what_was_sent_before_counts_as_cached():
    model = ScriptedModel(["a", "b", "c"])
    await play(model, ask("x" * 400))
    grown = (await play(model, ask("x" * 400, "y" * 400)))[-1].usage
    assert 0 < grown.cached < grown.input
    changed = (await play(model, ask("z" * 400, "y" * 400)))[-1].usage
    assert changed.cached == 0
