"""The client learns which parameters an endpoint takes, once, and remembers it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.llm.assembly import ReplyAssembler
from analyst.llm.completion import CompletionRequest, ModelRequestError, TextDelta
from analyst.llm.dialect import Dialect
from analyst.llm.endpoint import Endpoint

TOOL = {
    "type": "function",
    "function": {"name": "python", "parameters": {"type": "object"}, "strict": True},
}
FULL = CompletionRequest(
    messages=[{"role": "user", "content": "hi"}],
    tools=[TOOL],
    max_tokens=9,
    seed=1,
    stop=("\nEND",),
    grammar='root ::= "x"',
)


def picky(fake_endpoint, refusal):
    """Answer as an endpoint that refuses by ``refusal(body)``, or accepts when it gives None."""

    async def play(exchange):
        message = refusal(exchange.body)
        if message is None:
            await fake_endpoint.reply("ok")(exchange)
        else:
            await fake_endpoint.refuse(422 if isinstance(message, dict) else 400, message)(exchange)

    fake_endpoint.play(play)


def sent(body, name):
    return name in body or (name == "strict" and "strict" in body["tools"][0]["function"])


@pytest.mark.parametrize("name", ["stream_options", "seed", "temperature", "stop", "strict"])
@pytest.mark.parametrize(
    "wording",
    [
        "Unsupported parameter: '{}' is not supported with this model.",
        "Unrecognized request argument supplied: {}",
        "tools.0.function: {}: Extra inputs are not permitted",
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "{}"], "msg": "Extra inputs"}]},
        {"error": {"message": "bad value", "param": "{}", "code": "unsupported_value"}},
    ],
)
async def test_a_refused_parameter_is_left_out_from_then_on(fake_endpoint, name, wording):
    def refusal(body):
        if not sent(body, name):
            return None
        if isinstance(wording, str):
            return wording.format(name)
        return eval(repr(wording).replace("{}", name))

    picky(fake_endpoint, refusal)
    model = fake_endpoint.model()
    for _ in range(2):
        assert [item async for item in model.complete(FULL)][-1].text == "ok"
    await model.aclose()
    bodies = fake_endpoint.bodies
    assert [sent(body, name) for body in bodies] == [True, False, False]
    others = {"stream_options", "seed", "temperature", "stop", "strict"} - {name}
    assert all(sent(bodies[-1], other) for other in others)


async def test_several_refusals_are_learnt_one_after_the_other(fake_endpoint):
    def refusal(body):
        for name in ("seed", "stream_options", "temperature"):
            if name in body:
                return f"unknown parameter {name}"
        return None

    picky(fake_endpoint, refusal)
    assert (await fake_endpoint.ask(FULL))[-1].text == "ok"
    assert len(fake_endpoint.exchanges) == 4


async def test_the_other_name_of_the_token_limit_is_tried(fake_endpoint):
    def refusal(body):
        if "max_tokens" in body:
            return (
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            )
        return None

    picky(fake_endpoint, refusal)
    assert (await fake_endpoint.ask(FULL))[-1].text == "ok"
    assert fake_endpoint.bodies[-1]["max_completion_tokens"] == 9


async def test_an_endpoint_that_refuses_everything_is_given_up(fake_endpoint):
    names = "max_tokens max_completion_tokens stream_options seed temperature stop strict"
    fake_endpoint.play(fake_endpoint.refuse(400, f"unsupported: {names}"))
    with pytest.raises(ModelRequestError, match="refused the request to m with status 400"):
        await fake_endpoint.ask(FULL)
    assert len(fake_endpoint.exchanges) == 7


async def test_a_refusal_that_blames_no_parameter_is_an_error_at_once(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(400, "messages must alternate"))
    with pytest.raises(ModelRequestError, match="It said: messages must alternate"):
        await fake_endpoint.ask(FULL)
    assert len(fake_endpoint.exchanges) == 1


async def test_a_model_without_function_calls_points_to_the_fenced_protocol(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(400, "m does not support tools"))
    with pytest.raises(ModelRequestError, match="protocol=fenced"):
        await fake_endpoint.ask(FULL)


async def test_stop_sequences_hold_where_the_endpoint_takes_none(fake_endpoint):
    async def play(exchange):
        if "stop" in exchange.body:
            await fake_endpoint.refuse(400, "'stop' is not supported")(exchange)
        else:
            await fake_endpoint.reply("one\nE", "N", "D two")(exchange)

    fake_endpoint.play(play)
    items = await fake_endpoint.ask(FULL)
    assert "".join(item.text for item in items if isinstance(item, TextDelta)) == "one"
    assert items[-1].text == "one"
    assert items[-1].finish_reason == "stop"


async def test_only_the_embedded_server_gets_grammar_and_cache_hint(fake_endpoint):
    fake_endpoint.play(fake_endpoint.reply("ok"))
    await fake_endpoint.ask(FULL)
    await fake_endpoint.ask(FULL, embedded=True)
    plain, embedded = fake_endpoint.bodies
    assert not {"grammar", "cache_prompt"} & plain.keys()
    assert (embedded["grammar"], embedded["cache_prompt"]) == ('root ::= "x"', True)


def test_openai_itself_is_given_the_newer_name_of_the_token_limit():
    for url, name in (
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://elsewhere/api.openai.com/v1", "max_tokens"),
    ):
        dialect = Dialect(embedded=False, openai=Endpoint(base_url=url).is_openai)
        assert dialect.parameters("m", FULL)[name] == 9


def test_what_was_not_sent_cannot_be_to_blame():
    dialect = Dialect(embedded=False, openai=False)
    plain = CompletionRequest(messages=[])
    parameters = dialect.parameters("m", plain)
    assert not dialect.adapt(parameters, None, "unknown parameter: seed")
    assert not dialect.adapt(parameters, "messages", "unsupported value, see temperature")


@given(
    pieces=st.lists(st.text(alphabet="ab", max_size=4), max_size=12),
    stops=st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_emulated_stop_sequences_cut_where_a_server_would(pieces, stops):
    class Delta:
        def __init__(self, content):
            self.content = content

    class Chunk:
        def __init__(self, content):
            choice = type("Choice", (), {"delta": Delta(content), "finish_reason": None})
            self.choices = [choice]

    reply, shown = ReplyAssembler(), ""
    reply.stop_at(stops)
    for piece in pieces:
        shown += reply.add(Chunk(piece))
        if reply.stopped:
            break
    shown += reply.flush()
    whole = "".join(pieces)
    ends = [at for stop in stops if (at := whole.find(stop)) >= 0]
    assert not any(stop in shown for stop in stops)
    assert whole.startswith(shown)
    if not ends:
        assert shown == whole
    assert reply.completion(seconds=0, seconds_to_first_token=None).text == shown
