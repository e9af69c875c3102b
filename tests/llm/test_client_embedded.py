"""The embedded model's server may die or move between two requests; the run goes on."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from analyst.llm.completion import (
    ModelAuthenticationError,
    ModelError,
    ModelUnreachableError,
    RequestRetried,
)
from analyst.llm.endpoint import Endpoint


class Keeper:
    """Stands for what sees to the embedded server: starts it anew when it is gone."""

    def __init__(self, fake_endpoint, restart=None):
        self.fake_endpoint = fake_endpoint
        self.restart = restart
        self.calls = 0
        self.key = "sk-first"

    async def __call__(self):
        self.calls += 1
        if self.restart is not None and self.calls == 2:
            await self.restart()
        return Endpoint(base_url=self.fake_endpoint.base_url, api_key=SecretStr(self.key))


async def test_a_server_that_is_gone_is_started_again_and_told(fake_endpoint):
    fake_endpoint.play(fake_endpoint.reply("ok"))
    await fake_endpoint.stop()
    keeper = Keeper(fake_endpoint, restart=fake_endpoint.start)
    items = await fake_endpoint.ask(embedded=True, before_request=keeper)
    assert items[0] == RequestRetried(attempt=2, wait_seconds=0.0, reason="it refuses connections")
    assert items[-1].text == "ok"
    assert keeper.calls == 2


async def test_a_server_killed_in_the_middle_of_a_reply_is_asked_again(fake_endpoint, make_chunk):
    async def die(exchange):
        await exchange.stream(make_chunk("half"), done=False)
        await exchange.cut()

    fake_endpoint.play(die, fake_endpoint.reply("whole"))
    keeper = Keeper(fake_endpoint)
    items = await fake_endpoint.ask(embedded=True, before_request=keeper)
    assert next(item for item in items if isinstance(item, RequestRetried)).wait_seconds == 0
    assert items[-1].text == "whole"
    assert keeper.calls == 2


async def test_a_new_key_of_the_server_is_used_from_then_on(fake_endpoint):
    keeper = Keeper(fake_endpoint)

    async def take_over():
        keeper.key = "sk-second"

    keeper.restart = take_over

    async def play(exchange):
        if exchange.headers["authorization"] == "Bearer sk-second":
            await fake_endpoint.reply("ok")(exchange)
        else:
            await fake_endpoint.refuse(401)(exchange)

    fake_endpoint.play(play)
    items = await fake_endpoint.ask(embedded=True, before_request=keeper)
    assert isinstance(items[0], RequestRetried)
    assert items[-1].text == "ok"


async def test_a_server_that_goes_on_refusing_its_key_is_given_up(fake_endpoint):
    fake_endpoint.play(fake_endpoint.refuse(401))
    with pytest.raises(ModelAuthenticationError, match="embedded model's server"):
        await fake_endpoint.ask(embedded=True, before_request=Keeper(fake_endpoint))
    assert len(fake_endpoint.exchanges) == 2


async def test_a_server_that_cannot_be_started_is_told_in_its_own_words(fake_endpoint):
    class NoWeightsError(ModelError):
        pass

    async def fails():
        raise NoWeightsError("run `analyst model pull`")

    with pytest.raises(NoWeightsError, match="analyst model pull"):
        await fake_endpoint.ask(embedded=True, before_request=fails)


async def test_any_other_trouble_with_the_server_is_an_unreachable_model(fake_endpoint):
    async def fails():
        raise PermissionError("the runtime directory is not yours")

    with pytest.raises(ModelUnreachableError, match="runtime directory") as caught:
        await fake_endpoint.ask(embedded=True, before_request=fails)
    assert caught.value.__context__ is None
