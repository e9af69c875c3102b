"""No key leaves the client: not by repr, log, error, traceback, proxy or environment."""

from __future__ import annotations

import base64
import io
import logging
import traceback
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from analyst.llm.completion import CompletionRequest, ModelError
from analyst.llm.endpoint import Endpoint
from analyst.llm.failures import FailureJudge

REQUEST = CompletionRequest(messages=[{"role": "user", "content": "hi"}])
KEY = "sk-topsecret-0123456789"


@pytest.fixture
def everything_logged(monkeypatch):
    """All that any library logs, at its most talkative."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)r"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in ("openai", "httpx", "httpx2", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield written
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    root.setLevel(before)
    root.removeHandler(handler)


def all_text_of(err: BaseException) -> str:
    """Everything that shows when ``err`` is printed, with all it is chained to."""
    parts, seen, left = [], set(), [err]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        parts += [repr(one), str(one), repr(vars(one))]
        parts += traceback.format_exception(one)
        left += [one.__cause__, one.__context__]
    return "".join(parts)


async def test_no_key_in_any_log_repr_or_error(fake_endpoint, make_chunk, everything_logged):
    async def cut(exchange):
        await exchange.stream(make_chunk(KEY[:5]), done=False)
        await exchange.cut()

    async def error_in_stream(exchange):
        await exchange.stream({"error": {"message": f"bad {KEY}", "code": 400}})

    texts = []
    for play in (
        fake_endpoint.reply("ok"),
        fake_endpoint.refuse(401, f"Incorrect API key provided: {KEY}"),
        fake_endpoint.refuse(403, f"{KEY} may not"),
        fake_endpoint.refuse(404, f"no model for {KEY}"),
        fake_endpoint.refuse(400, f"unsupported temperature for {KEY}"),
        fake_endpoint.refuse(429, f"slow down {KEY}"),
        fake_endpoint.refuse(500, f"crash with {KEY}", x_echo=KEY[:6]),
        cut,
        error_in_stream,
    ):
        fake_endpoint.exchanges.clear()
        fake_endpoint.play(play)
        model = fake_endpoint.model(key=KEY)
        try:
            texts.append(repr([item async for item in model.complete(REQUEST)]))
        except ModelError as err:
            texts.append(all_text_of(err))
        texts.append(repr(model) + str(model))
        assert fake_endpoint.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
        await model.aclose()
    await fake_endpoint.stop()
    with pytest.raises(ModelError) as caught:
        await fake_endpoint.ask(key=KEY)
    texts.append(all_text_of(caught.value))
    logged = everything_logged.getvalue()
    assert "chat/completions" in logged  # it does listen
    assert KEY not in logged + "".join(texts)
    assert "topsecret" not in logged + "".join(texts)


async def test_credentials_and_query_of_an_address_are_sent_but_never_shown(
    fake_endpoint, everything_logged
):
    url = f"http://me:top%2Fsecret@127.0.0.1:{fake_endpoint.port}/v1?token=topsecret&v=1"
    texts = []
    for play in (fake_endpoint.reply("ok"), fake_endpoint.refuse(500, "top/secret topsecret")):
        fake_endpoint.play(play)
        model = fake_endpoint.model(endpoint=Endpoint(base_url=url))
        try:
            texts.append(repr([item async for item in model.complete(REQUEST)]))
        except ModelError as err:
            texts.append(all_text_of(err))
        texts.append(repr(model) + repr(Endpoint(base_url=url)))
        await model.aclose()
    exchange = fake_endpoint.exchanges[0]
    scheme, _, credentials = exchange.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"me:top/secret")
    assert exchange.path == "/v1/chat/completions?token=topsecret&v=1"
    shown = everything_logged.getvalue() + "".join(texts)
    assert not [form for form in ("topsecret", "top/secret", "top%2Fsecret") if form in shown]


async def test_what_the_environment_holds_for_openai_goes_nowhere_else(fake_endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-mine")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-custom")
    fake_endpoint.play(fake_endpoint.reply("ok"))
    await fake_endpoint.ask(key=None)
    headers = fake_endpoint.exchanges[0].headers
    assert headers["authorization"] == "Bearer none"
    assert not [v for v in headers.values() if "sk-" in v or "mine" in v]


async def test_requests_to_this_machine_pass_by_proxies(fake_endpoint, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fake_endpoint.play(fake_endpoint.reply("ok"))
    assert (await fake_endpoint.ask())[-1].text == "ok"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:8/v1", True),
        ("http://localhost.evil.org/v1", False),
        ("http://127.0.0.1.evil.org/v1", False),
        ("https://host/127.0.0.1", False),
    ],
)
def test_this_machine_is_told_from_lookalikes(url, loopback):
    assert Endpoint(base_url=url).is_loopback is loopback


@given(
    key=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8),
    before=st.text(),
    after=st.text(),
)
def test_redaction_removes_the_key_wherever_it_stands(key, before, after):
    endpoint = Endpoint(base_url="https://host/v1", api_key=SecretStr(key))
    judge = FailureJudge(model="m", endpoint=endpoint, key_hint="K", embedded=False)
    assert repr(judge).count(repr(endpoint)) == 1
    redacted = endpoint.redact(before + key + after)
    assert key not in redacted or key in "[key]" or key in before + "[key]" + after


@given(password=st.text(alphabet="abcXYZ019%/@: ", min_size=6, max_size=20))
def test_redaction_removes_passwords_as_written_and_as_meant(password):
    quoted = urllib.parse.quote(password, safe="")
    endpoint = Endpoint(base_url=f"https://me:{quoted}@host/v1")
    redacted = endpoint.redact(f"<{password}> <{quoted}>")
    assert redacted == "<[key]> <[key]>"
