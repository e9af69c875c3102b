"""Several replies to one request: together where the server can, else one by one."""

from __future__ import annotations

import pytest

from analyst.llm.completion import Completion, CompletionRequest, ModelRequestError
from analyst.llm.sampling import sample
from analyst.llm.scripted import ScriptedModel
from analyst.record.events import Usage

REQUEST = CompletionRequest(messages=[{"role": "user", "content": "hi"}], seed=4, temperature=0.6)


def spoken(make_chunk, index, text):
    made = make_chunk(text)
    made["choices"][0]["index"] = index
    return made


def ended(make_chunk, index, tokens):
    made = make_chunk(finish="stop")
    made["choices"][0]["index"] = index
    counts = {"prompt_tokens": 9, "completion_tokens": tokens}
    return [made, make_chunk(usage={**counts, "prompt_tokens_details": {"cached_tokens": 5}})]


async def test_the_embedded_server_writes_them_together(fake_endpoint, make_chunk):
    async def play(exchange):
        await exchange.stream(
            spoken(make_chunk, 0, "a"),
            spoken(make_chunk, 1, "x"),
            spoken(make_chunk, 0, "b"),
            *ended(make_chunk, 1, 2),
            *ended(make_chunk, 0, 3),
        )

    fake_endpoint.play(play)
    model = fake_endpoint.model(embedded=True)
    try:
        first, second = await sample(model, REQUEST, 2)
    finally:
        await model.aclose()
    assert (first.text, second.text) == ("ab", "x")
    assert first.usage == Usage(input=9, output=3, cached=5)
    assert second.usage == Usage(output=2)
    (body,) = fake_endpoint.bodies
    assert (body["n"], body["seed"]) == (2, 4)


async def test_where_that_fails_they_are_written_one_after_the_other(fake_endpoint):
    async def play(exchange):
        if "n" in exchange.body:
            await fake_endpoint.refuse(400)(exchange)
        else:
            await fake_endpoint.reply(str(exchange.body["seed"]))(exchange)

    fake_endpoint.play(play)
    model = fake_endpoint.model(embedded=True)
    try:
        replies = await sample(model, REQUEST, 3)
    finally:
        await model.aclose()
    assert [reply.text for reply in replies] == ["4", "5", "6"]


async def test_a_batch_that_is_cut_off_is_asked_again_one_by_one(fake_endpoint, make_chunk):
    async def play(exchange):
        if "n" in exchange.body:
            await exchange.stream(spoken(make_chunk, 0, "half"), done=False)
            await exchange.cut()
        else:
            await fake_endpoint.reply("whole")(exchange)

    fake_endpoint.play(play)
    model = fake_endpoint.model(embedded=True)
    try:
        replies = await sample(model, REQUEST, 2)
    finally:
        await model.aclose()
    assert [reply.text for reply in replies] == ["whole", "whole"]


async def test_other_endpoints_are_sent_as_many_requests(fake_endpoint):
    async def play(exchange):
        await fake_endpoint.reply(str(exchange.body["seed"]))(exchange)

    fake_endpoint.play(play)
    model = fake_endpoint.model()
    try:
        replies = await sample(model, REQUEST, 3)
    finally:
        await model.aclose()
    assert [reply.text for reply in replies] == ["4", "5", "6"]
    assert not [body for body in fake_endpoint.bodies if "n" in body]


async def test_any_model_can_be_sampled():
    model = ScriptedModel(["a", "b"])
    assert [reply.text for reply in await sample(model, REQUEST, 2)] == ["a", "b"]
    assert [request.seed for request in model.requests] == [4, 5]
    failing = ScriptedModel([ModelRequestError("No.")])
    with pytest.raises(ModelRequestError):
        await sample(failing, REQUEST, 1)
    assert isinstance((await sample(ScriptedModel(["c"]), REQUEST, 1))[0], Completion)
