"""The client streams, retries, gives up in words, and leaves no connection behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from analyst.llm.completion import (
    Completion,
    CompletionRequest,
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelUnreachableError,
    NativeToolCall,
    RequestRetried,
    TextDelta,
)
from analyst.llm.failures import PromptTooLongError
from analyst.llm.retry import Timeouts
from analyst.record.events import Usage


def said(items: list[Any]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def test_streams_text_and_ends_with_the_whole_reply(fake_endpoint):
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 15},
    }
    fake_endpoint.play(fake_endpoint.reply("Hel", "lo", usage=usage))
    items = await fake_endpoint.ask()
    assert items[:2] == [TextDelta("Hel"), TextDelta("lo")]
    completion = items[-1]
    assert completion.text == "Hello"
    assert completion.finish_reason == "stop"
    assert completion.usage == Usage(input=20, output=2, cached=15)
    assert 0 < completion.seconds_to_first_token <= completion.seconds
    assert fake_endpoint.bodies[0]["stream_options"] == {"include_usage": True}
    assert fake_endpoint.bodies[0]["max_tokens"] == 7


async def test_text_is_passed_on_before_the_reply_is_complete(fake_endpoint, make_chunk):
    seen = asyncio.Event()

    async def wait_for_reader(exchange):
        await exchange.stream(make_chunk("first"), done=False)
        await seen.wait()
        await exchange.send(make_chunk(" second", finish="stop"))

    fake_endpoint.play(wait_for_reader)
    model = fake_endpoint.model()
    texts = []
    async for item in model.complete(CompletionRequest(messages=[])):
        if isinstance(item, TextDelta):
            texts.append(item.text)
            seen.set()
    await model.aclose()
    assert texts == ["first", " second"]


async def test_native_tool_calls_are_put_together_from_their_pieces(fake_endpoint, make_chunk):
    def call(index, **fields):
        return make_chunk(delta={"tool_calls": [{"index": index, **fields}]})

    async def calls(exchange):
        await exchange.stream(
            call(0, id="a", type="function", function={"name": "python", "arguments": ""}),
            call(0, function={"arguments": '{"code": '}),
            call(1, id="b", type="function", function={"name": "sql", "arguments": "{"}),
            call(0, function={"arguments": '"1+1"}'}),
            call(1, function={"arguments": "}"}),
            make_chunk(finish="tool_calls"),
        )

    fake_endpoint.play(calls)
    completion = (await fake_endpoint.ask())[-1]
    assert completion.tool_calls == (
        NativeToolCall("a", "python", '{"code": "1+1"}'),
        NativeToolCall("b", "sql", "{}"),
    )
    assert completion.finish_reason == "tool_calls"


async def test_calls_that_all_claim_index_zero_are_told_apart_by_id(fake_endpoint, make_chunk):
    def whole(call_id, arguments):
        function = {"name": "python", "arguments": arguments}
        return make_chunk(delta={"tool_calls": [{"index": 0, "id": call_id, "function": function}]})

    async def calls(exchange):
        await exchange.stream(whole("a", "{}"), whole("b", "[]"), make_chunk(finish="tool_calls"))

    fake_endpoint.play(calls)
    completion = (await fake_endpoint.ask())[-1]
    assert [call.arguments for call in completion.tool_calls] == ["{}", "[]"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
async def test_passing_failures_are_retried_and_told(fake_endpoint, status):
    fake_endpoint.play(fake_endpoint.refuse(status), fake_endpoint.reply("ok"))
    items = await fake_endpoint.ask()
    assert isinstance(items[0], RequestRetried)
    assert items[0].attempt == 2
    assert str(status) in items[0].reason
    assert said(items) == "ok"


async def test_retry_after_is_honoured(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(429, retry_after="0.05"), fake_endpoint.reply("ok"))
    items = await fake_endpoint.ask()
    assert items[0].wait_seconds == 0.05
    assert items[-1].seconds >= 0.05


async def test_a_server_that_asks_for_too_much_patience_is_not_waited_for(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(429, retry_after="3600"))
    with pytest.raises(ModelRateLimitError, match=r"asks to wait 3600 s"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 1


async def test_load_that_does_not_pass_is_given_up_with_a_sentence(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(429))
    with pytest.raises(ModelRateLimitError, match="wait a little, or choose another model"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 3


async def test_a_used_up_quota_is_not_retried(fake_endpoint):
    error = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    fake_endpoint.play(fake_endpoint.refuse(429, error))
    with pytest.raises(ModelRateLimitError, match="billing"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 1


@pytest.mark.parametrize("how", ["reset", "clean end", "error event"])
async def test_a_cut_stream_is_sent_again_and_its_text_is_void(fake_endpoint, make_chunk, how):
    async def cut(exchange):
        await exchange.stream(make_chunk("half an ans"), done=False)
        if how == "reset":
            await exchange.cut()
        elif how == "error event":
            await exchange.send({"error": {"message": "overloaded", "code": 502}})

    fake_endpoint.play(cut, fake_endpoint.reply("whole"))
    items = await fake_endpoint.ask()
    retried = next(i for i, item in enumerate(items) if isinstance(item, RequestRetried))
    assert said(items[retried:]) == "whole"
    assert items[-1].text == "whole"


async def test_a_stream_that_is_always_cut_ends_in_a_sentence(fake_endpoint, make_chunk):
    async def cut(exchange):
        await exchange.stream(make_chunk("half"), done=False)

    fake_endpoint.play(cut)
    with pytest.raises(ModelUnreachableError, match="the reply was cut off"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 3


async def test_a_reply_that_ended_is_whole_even_if_the_connection_breaks_after(
    fake_endpoint, make_chunk
):
    async def break_after_end(exchange):
        await exchange.stream(make_chunk("all", finish="stop"), done=False)
        await exchange.cut()

    fake_endpoint.play(break_after_end)
    items = await fake_endpoint.ask()
    assert items[-1].text == "all"
    assert len(fake_endpoint.exchanges) == 1


@pytest.mark.parametrize(
    ("timeouts", "words"),
    [
        (Timeouts(first_token=0.05), "did not begin to reply within 0.05 s"),
        (Timeouts(between_chunks=0.05), "fell silent for 0.05 s"),
    ],
)
async def test_silence_is_noticed(fake_endpoint, make_chunk, timeouts, words):
    async def stall(exchange):
        await exchange.stream(make_chunk(delta={"role": "assistant"}), done=False)
        if timeouts.first_token > 1:
            await exchange.send(make_chunk("a"))
        await exchange.client_gone.wait()

    fake_endpoint.play(stall)
    with pytest.raises(ModelUnreachableError, match=words):
        await fake_endpoint.ask(timeouts=timeouts)


async def test_nobody_there_says_what_to_check(fake_endpoint):
    await fake_endpoint.stop()
    with pytest.raises(ModelUnreachableError, match=r"refuses connections.*OPENAI_BASE_URL"):
        await fake_endpoint.ask()


async def test_a_wrong_key_names_the_setting_and_never_the_key(fake_endpoint):
    echo = "Incorrect API key provided: sk-secret-of-the-test"
    fake_endpoint.play(fake_endpoint.refuse(401, echo))
    with pytest.raises(ModelAuthenticationError, match="check the one in MY_VARIABLE") as caught:
        await fake_endpoint.ask(key_hint="MY_VARIABLE")
    assert "secret" not in str(caught.value)
    assert len(fake_endpoint.exchanges) == 1


async def test_a_missing_key_is_told_from_a_wrong_one(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(401))
    with pytest.raises(ModelAuthenticationError, match="wants a key and none is set"):
        await fake_endpoint.ask(key=None)


async def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(fake_endpoint):
    with pytest.raises(ModelAuthenticationError, match="characters that no key has") as caught:
        await fake_endpoint.ask(key="sk-secret\nx")
    assert "secret" not in str(caught.value)
    assert not fake_endpoint.exchanges


async def test_an_unknown_model_lists_those_the_endpoint_has(fake_endpoint):
    async def models(exchange):
        assert (exchange.method, exchange.path) == ("GET", "/v1/models")
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in "ba"]
        await exchange.json(200, {"object": "list", "data": listed})

    fake_endpoint.play(fake_endpoint.refuse(404, "The model `m` does not exist"), models)
    with pytest.raises(ModelRequestError, match="has no model m; it has a, b"):
        await fake_endpoint.ask()


async def test_a_prompt_that_is_too_long_is_told_as_such(fake_endpoint):
    fake_endpoint.play(
        fake_endpoint.refuse(400, "This model's maximum context length is 8192 tokens, max_tokens")
    )
    with pytest.raises(PromptTooLongError, match="longer than m can read"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 1


async def test_a_web_page_instead_of_a_stream_points_at_the_base_url(fake_endpoint):
    async def page(exchange):
        await exchange.head(200, content_type="text/html; charset=utf-8", content_length="6")
        exchange.writer.write(b"<html>")

    fake_endpoint.play(page)
    with pytest.raises(ModelRequestError, match="most base URLs end in /v1"):
        await fake_endpoint.ask()
    assert len(fake_endpoint.exchanges) == 1


async def test_garbage_in_the_stream_is_a_failure_of_the_endpoint(fake_endpoint):
    async def garbage(exchange):
        await exchange.stream("{not json")

    fake_endpoint.play(garbage)
    with pytest.raises(ModelUnreachableError, match="no chat completion"):
        await fake_endpoint.ask()


async def test_a_reader_who_leaves_closes_the_connection(fake_endpoint, make_chunk):
    async def endless(exchange):
        await exchange.stream(make_chunk("a"), done=False)
        await exchange.client_gone.wait()

    fake_endpoint.play(endless)
    model = fake_endpoint.model()
    stream = model.complete(CompletionRequest(messages=[]))
    assert await anext(stream) == TextDelta("a")
    await stream.aclose()
    await asyncio.wait_for(fake_endpoint.exchanges[0].client_gone.wait(), 5)
    await model.aclose()


async def test_a_cancelled_reader_closes_the_connection(fake_endpoint, make_chunk):
    begun = asyncio.Event()

    async def endless(exchange):
        await exchange.stream(make_chunk("a"), done=False)
        begun.set()
        await exchange.client_gone.wait()

    fake_endpoint.play(endless)
    model = fake_endpoint.model()
    task = asyncio.create_task(fake_endpoint.play_through(model))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(fake_endpoint.exchanges[0].client_gone.wait(), 5)


async def test_concurrent_requests_do_not_mix(fake_endpoint, make_chunk):
    async def echo(exchange):
        content = exchange.body["messages"][0]["content"]
        await exchange.stream(*[make_chunk(content)] * 20, make_chunk(finish="stop"))

    fake_endpoint.play(echo)
    model = fake_endpoint.model()

    async def ask(word):
        request = CompletionRequest(messages=[{"role": "user", "content": word}])
        return [item async for item in model.complete(request)][-1].text

    assert await asyncio.gather(*map(ask, "abcd")) == [word * 20 for word in "abcd"]
    await model.aclose()


def test_one_model_serves_event_loops_one_after_the_other(fake_endpoint_in_thread):
    model = fake_endpoint_in_thread.model()
    for _ in range(2):
        items = asyncio.run(fake_endpoint_in_thread.play_through(model))
        assert isinstance(items[-1], Completion)


def test_connections_of_one_event_loop_are_not_used_on_another(fake_endpoint_in_thread):
    model = fake_endpoint_in_thread.model()

    async def connect_twice():
        return await model._connect(), await model._connect()

    first, again = asyncio.run(connect_twice())
    assert first is again
    assert asyncio.run(connect_twice())[0] is not first


async def test_text_that_is_no_unicode_can_still_be_sent(fake_endpoint):
    fake_endpoint.play(fake_endpoint.reply("ok"))
    request = CompletionRequest(messages=[{"role": "user", "content": "x\ud800y"}])
    assert said(await fake_endpoint.ask(request)) == "ok"
    assert fake_endpoint.bodies[0]["messages"][0]["content"] == "x?y"


async def test_every_error_is_raised_without_the_client_library_in_its_context(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(500, "sk-secret-of-the-test"))
    with pytest.raises(ModelError) as caught:
        await fake_endpoint.ask()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
