"""What runs cost: budgets and their end, kept replies, and models by the work. All scripted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyst.agent.loop import CONCLUDE, CONCLUDE_SOON
from analyst.configuration import Configuration, ConfigurationError, Models
from analyst.llm.completion import NativeToolCall
from analyst.llm.scripted import ScriptedModel, ScriptedReply
from analyst.record import events
from analyst.record.events import Usage
from analyst.session import Session
from analyst.session.models import SessionModels, prices_for
from analyst.settings import Settings

from .conftest import MakeSession
from .reading import collect, of_kind, the_answer

FRAME = pd.DataFrame({"qty": [1.0, 2.0, 4.0]})
SUM = "```python\nprint(df['qty'].sum())\n```"
NAME = "scripted replies, no model"


def scripted(session: Session) -> ScriptedModel:
    model = session.models.given
    assert isinstance(model, ScriptedModel)
    return model


def reply(text: str, *, read: int, written: int = 0, cached: int = 0) -> ScriptedReply:
    return ScriptedReply(text=text, usage=Usage(input=read, output=written, cached=cached))


def notes(stream: list[events.Event], code: str) -> list[str]:
    return [note.text for note in of_kind(stream, events.Note) if note.code == code]


def finish(stream: list[events.Event]) -> events.RunFinished:
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    return finished


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's file with a price: 2 for a million tokens read, 1 cached, 10 written."""
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(config))
    (config / "analyst-tools.toml").write_text(
        f'[prices."{NAME}"]\ninput = 2\ncached = 1\noutput = 10\n'
    )


async def test_a_run_says_what_it_cost(make_session: MakeSession, priced: None) -> None:
    session = make_session(
        [reply(SUM, read=1000, written=100), reply("FINAL: 7.0", read=2000, written=10, cached=900)]
    )
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert finish(stream).cost == pytest.approx((1000 * 2 + 1000 + 1100 * 2 + 900 + 100) / 1e6)


async def test_without_a_price_no_cost_is_made_up(make_session: MakeSession) -> None:
    session = make_session([SUM, "FINAL: 7.0"], settings={"max_cost": "1"})
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert finish(stream).cost is None
    (text,) = notes(stream, "no_price")
    assert f'[prices."{NAME}"]' in text
    first_request = next(n for n, one in enumerate(stream) if isinstance(one, events.Prompt))
    assert [note.code for note in of_kind(stream[:first_request], events.Note)][-1] == "no_price"


async def test_money_that_is_used_up_ends_the_run(make_session: MakeSession, priced: None) -> None:
    session = make_session(
        [reply(SUM, read=1000), reply(SUM.replace("sum", "max"), read=4500)],
        settings={"max_cost": "0.01"},
    )
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert finish(stream).status == "partial"
    assert finish(stream).reason == "the limit of 0.01 for the cost was reached"
    assert "7.0" in the_answer(stream).text or "4.0" in the_answer(stream).text
    # The second reply could not have written more than was left.
    assert [request.max_tokens for request in scripted(session).requests] == [1000, 800]


@pytest.mark.parametrize("protocol", ["fenced", "native"])
async def test_near_its_end_the_model_is_told_to_conclude(
    make_session: MakeSession, protocol: Any
) -> None:
    used = Usage(input=850, output=0)
    code = "print(df['qty'].sum())"
    first = (
        reply(SUM, read=850)
        if protocol == "fenced"
        else ScriptedReply(
            tool_calls=(NativeToolCall("c", "python", f'{{"code": "{code}"}}'),), usage=used
        )
    )
    session = make_session(
        [first, reply("FINAL: 7.0", read=50)],
        protocol=protocol,
        settings={"max_tokens_per_run": "1000"},
    )
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert notes(stream, "budget_near") == ["The budget is nearly used up: 850 of 1,000 tokens."]
    before, after = (request.messages for request in scripted(session).requests)
    assert after[: len(before)] == before
    assert after[-1]["role"] == "user"
    assert after[-1]["content"].endswith(CONCLUDE)
    assert finish(stream).status == "ok"


async def test_a_model_that_computed_nothing_yet_is_told_to_do_so(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [reply("Hm.", read=850), reply(SUM, read=50), reply("FINAL: 7.0", read=50)],
        settings={"max_tokens_per_run": "1000"},
    )
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert scripted(session).requests[1].messages[-1]["content"].endswith(CONCLUDE_SOON)
    assert len(notes(stream, "budget_near")) == 1
    assert the_answer(stream).text == "7.0"


async def ask_twice(make_session: MakeSession, **settings: str) -> list[list[events.Event]]:
    """Ask the same in two sessions, of which the second has a model without words."""
    given = {"response_cache": "yes", "memory": "no", **settings}
    streams = []
    for script in ([SUM, "FINAL: 7.0"], [SUM, "FINAL: anew"] if "private" in settings else []):
        session = make_session(script, settings=given)
        streams.append(await collect(session, "What is the sum of qty?", data={"df": FRAME}))
    return streams


async def test_kept_replies_answer_again_for_nothing(
    make_session: MakeSession, priced: None
) -> None:
    first, again = await ask_twice(make_session)
    assert [one.from_cache for one in of_kind(first, events.ModelResponded)] == [False, False]
    replies = of_kind(again, events.ModelResponded)
    assert [one.from_cache for one in replies] == [True, True]
    assert [one.usage.output for one in replies] == [0, 0]
    assert all(one.usage.cached == one.usage.input > 0 for one in replies)
    asked = of_kind(first, events.ModelResponded)
    assert [one.usage_when_asked for one in replies] == [one.usage for one in asked]
    assert [one.seconds_when_asked for one in replies] == [one.seconds for one in asked]
    assert the_answer(again).text == the_answer(first).text == "7.0"
    assert of_kind(again, events.ToolCallFinished)  # code runs again: only the model is spared
    assert finish(again).cost == 0
    assert (finish(first).cost or 0) > 0


async def test_without_the_setting_nothing_is_kept(
    make_session: MakeSession, tmp_path: Path
) -> None:
    session = make_session([SUM, "FINAL: 7.0"])
    await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert not (tmp_path / "data" / "replies").exists()


async def test_private_runs_keep_no_reply_and_get_none(
    make_session: MakeSession, tmp_path: Path
) -> None:
    first, again = await ask_twice(make_session, private="yes")
    assert not (tmp_path / "data" / "replies").exists()
    assert the_answer(first).text == "7.0"
    assert not any(one.from_cache for one in of_kind(again, events.ModelResponded))


async def test_the_critic_is_the_model_that_is_configured_for_it(
    make_session: MakeSession, priced: None, tmp_path: Path
) -> None:
    with (tmp_path / "config" / "analyst-tools.toml").open("a") as file:
        file.write(
            f'[prices."{NAME} (strict)"]\ninput = 1000\noutput = 0\n[models]\ncritic = "strict"\n'
        )
    session = make_session(
        [reply(SUM, read=1000), reply("FINAL: 7.0", read=1000)],
        settings={"checks": "grounding, critic"},
    )
    strict = ScriptedModel([reply("OK", read=1000)], label="strict")
    session.models.named["strict"] = strict
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert len(strict.requests) == 1
    assert len(scripted(session).requests) == 2
    assert finish(stream).cost == pytest.approx(2 * 0.002 + 1.0)
    assert finish(stream).steps == 2


PLAN = "1. Add up qty"
WITH_CRITIC: dict[str, Any] = {"checks": "grounding, critic"}
PLANNED: dict[str, Any] = {"work": "plan", "memory": "no"}
TEAM: dict[str, Any] = {"work": "team", "memory": "no"}


@pytest.mark.parametrize(
    ("named", "settings", "own", "others"),
    [
        ('[models]\ncritic = "strict"\n', WITH_CRITIC, [SUM, "FINAL: 7.0"], ["OK"]),
        ('[models]\nstrong = "strict"\n', PLANNED, [SUM, "FINAL: 7.0"], [PLAN]),
        ('[roles.planner]\nmodel = "strict"\n', TEAM, [SUM, "FINAL: 7.0", "OK"], [PLAN]),
        ('[roles.reviewer]\nmodel = "strict"\n', TEAM, [PLAN, SUM, "FINAL: 7.0"], ["OK"]),
    ],
    ids=["critic", "planner of a plan", "planner of a team", "reviewer of a team"],
)
async def test_each_model_without_a_price_is_named_before_it_is_asked(
    make_session: MakeSession,
    priced: None,
    tmp_path: Path,
    *,
    named: str,
    settings: dict[str, Any],
    own: list[str],
    others: list[str],
) -> None:
    with (tmp_path / "config" / "analyst-tools.toml").open("a") as file:
        file.write(named)
    session = make_session(own, settings={**settings, "max_cost": "1"})
    session.models.named["strict"] = strict = ScriptedModel(others, label="strict")
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert finish(stream).status == "ok"
    (text,) = notes(stream, "no_price")
    assert f'[prices."{strict.name}"]' in text
    assert finish(stream).cost is None
    (asked,) = strict.requests
    (at,) = [n for n, one in enumerate(stream) if getattr(one, "code", "") == "no_price"]
    sent = stream[at + 1]
    assert isinstance(sent, events.Prompt)
    assert sent.messages[-1]["content"] == asked.messages[-1]["content"]


async def test_checks_that_the_budget_does_not_pay_for_are_left_out_and_said(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [reply("```python\ntotal = df['qty'].sum()\n```", read=990)],
        settings={"max_tokens_per_run": "1000", "checks": "second, critic"},
    )
    stream = await collect(session, "The sum?", data={"df": FRAME}, values=["total"])
    assert the_answer(stream).values == {"total": 7.0}
    assert finish(stream).status == "ok"
    assert finish(stream).usage.total == 990
    assert notes(stream, "check_left_out") == [
        "Too little of the budget is left for a second computation, so it is left out.",
        "Too little of the budget is left for a review, so it is left out.",
    ]
    # Nobody looked, so nobody found no fault.
    assert not notes(stream, "critic_agrees")


async def test_a_check_near_the_end_does_not_keep_the_model_from_being_told(
    make_session: MakeSession,
) -> None:
    session = make_session(
        [
            reply(SUM, read=500),
            reply("FINAL: 7.0", read=100),
            reply("FAULT: It is the sum of all.", read=1000),
            reply(SUM.replace("sum", "max"), read=100),
            reply("FINAL: 4.0", read=100),
        ],
        settings={"max_tokens_per_run": "2000", "checks": "critic"},
        protocol="native",
    )
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert notes(stream, "budget_near") == ["The budget is nearly used up: 1,600 of 2,000 tokens."]
    told = [str(request.messages[-1]["content"]) for request in scripted(session).requests]
    assert [CONCLUDE in one for one in told] == [False, False, False, True, False]


CONFIGURED = Configuration(models=Models(strong="big", cheap="small", critic="strict"))
HOSTED = {"model": "mine", "base_url": "https://host.example/v1", "api_key": "sk-topsecret"}


def chosen(work: Any, settings: dict[str, str], configuration: Configuration = CONFIGURED):
    models, asked = SessionModels(None, None), Settings().updated(settings)
    own = models.choose(asked, {})
    return models.choose_for(work, own, asked, configuration)


def test_each_work_has_the_model_that_is_configured_for_it() -> None:
    found = {work: chosen(work, HOSTED) for work in ("plan", "synthesis", "step", "critic")}
    assert [one.model for one in found.values()] == ["big", "big", "small", "strict"]
    assert {one.base_url for one in found.values()} == {"https://host.example/v1"}
    assert {one.key.get_secret_value() for one in found.values() if one.key} == {"sk-topsecret"}
    assert found["step"].reason == "small, for the step, by models.cheap"
    assert chosen("plain", HOSTED).model == "mine"


def test_without_a_configuration_all_work_is_the_runs_own() -> None:
    for work in ("plan", "synthesis", "step", "critic", "plain"):
        assert chosen(work, HOSTED, Configuration()).model == "mine"


def test_a_model_of_another_size_is_spoken_to_its_own_way() -> None:
    configuration = Configuration(models=Models(strong="gpt-5.4", cheap="qwen2.5-coder-7b"))
    assert chosen("plan", HOSTED, configuration).protocol == "native"
    assert chosen("step", HOSTED, configuration).protocol == "fenced"
    assert chosen("step", {**HOSTED, "protocol": "native"}, configuration).protocol == "native"
    assert chosen("plan", HOSTED, configuration).context_window == 272_000


def test_the_embedded_model_can_take_a_part() -> None:
    found = chosen("step", HOSTED, Configuration(models=Models(cheap="embedded")))
    assert found.embedded
    assert found.key is None
    assert chosen("plan", HOSTED, Configuration(models=Models(cheap="embedded"))).model == "mine"


def test_what_a_cell_chooses_is_meant_for_all_its_work() -> None:
    models, settings = SessionModels(None, None), Settings().updated(HOSTED)
    own = models.choose(settings, {"model": "embedded"})
    assert models.choose_for("plan", own, settings, CONFIGURED) == own


async def test_a_strong_model_that_cannot_be_reached_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    models, settings = SessionModels(None, None), Settings()
    own = models.choose(settings, {})
    assert own.embedded
    with pytest.raises(ConfigurationError, match=r"The model for the plan: .* no way to reach it"):
        await models.ready_for(
            "plan", own, settings=settings, configuration=CONFIGURED, tell=lambda _: None
        )


async def test_models_that_the_caller_brings_are_found_by_name() -> None:
    plain, big = ScriptedModel([]), ScriptedModel([], label="big")
    models, settings = SessionModels(plain, "native"), Settings()
    models.named["big"] = big
    own = models.choose(settings, {})

    async def ready(work: Any) -> Any:
        return await models.ready_for(
            work, own, settings=settings, configuration=CONFIGURED, tell=lambda _: None
        )

    assert (await ready("plan")).model is big
    assert (await ready("plan")).choice.protocol == "native"
    assert (await ready("step")).model is plain
    assert (await ready("plain")).model is plain


async def test_models_are_kept_open_until_the_end_but_not_endlessly() -> None:
    models, settings = SessionModels(None, None), Settings().updated(HOSTED)
    own = models.choose(settings, {})
    first = await models.ready(own, settings, lambda _: None)
    assert await models.ready(own, settings, lambda _: None) is first
    for number in range(10):
        other = models.choose_named(f"m{number}", own, settings, why="for a test")
        await models.ready(other, settings, lambda _: None)
    assert len(models._models) == 6
    await models.aclose()
    assert not models._models


def test_embedded_models_cost_nothing_unless_a_price_is_given() -> None:
    title, limited = "Qwen2.5-Coder-1.5B-Instruct", Settings().updated({"max_cost": "1"})
    assert prices_for(Configuration(), limited)[title].output == 0
    priced = Configuration.model_validate({"prices": {title: {"input": 1, "output": 2}}})
    assert prices_for(priced, Settings())[title].output == 2
    # Nobody asked about money.
    assert prices_for(Configuration(), Settings()) == {}


async def test_who_asked_for_no_price_is_told_no_cost(make_session: MakeSession) -> None:
    session = make_session([SUM, "FINAL: 7.0"])
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert finish(stream).cost is None
    assert not notes(stream, "no_price")
    stream = await collect(session, "What is the sum of qty?", data={"df": FRAME})
    assert not of_kind(stream, events.Prompt)
    assert finish(stream).cost is None
