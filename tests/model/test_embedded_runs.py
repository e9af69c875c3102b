"""Real questions answered by the real embedded model, through the whole house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pandas as pd
import plotly.express as px
import pytest

from analyst.record import events
from analyst.session import Session
from analyst.settings import Settings

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    settings = Settings(model="embedded")
    async with Session(cwd=tmp_path, data_directory=tmp_path / "data", settings=settings) as made:
        yield made


@pytest.fixture(scope="module")
def gapminder() -> pd.DataFrame:
    frame: pd.DataFrame = px.data.gapminder()
    return frame


def replies(stream: list[events.Event]) -> list[events.ModelResponded]:
    return [event for event in stream if isinstance(event, events.ModelResponded)]


async def test_a_named_value_is_computed_and_right(
    session: Session, gapminder: pd.DataFrame
) -> None:
    stream = [
        event
        async for event in session.ask(
            "What is the mean gdpPercap over all rows of gapminder, rounded to 2 decimals?",
            data={"gapminder": gapminder},
            values=["mean_gdp"],
        )
    ]
    (answer,) = [event for event in stream if isinstance(event, events.Answer)]
    assert answer.values["mean_gdp"] == pytest.approx(gapminder["gdpPercap"].mean(), abs=0.005)
    assert isinstance(stream[-1], events.RunFinished)
    assert stream[-1].status == "ok"


async def test_a_sentence_holds_the_number_that_was_computed(
    session: Session, gapminder: pd.DataFrame
) -> None:
    stream = [
        event
        async for event in session.ask(
            "How many different countries are in gapminder?", data={"gapminder": gapminder}
        )
    ]
    (answer,) = [event for event in stream if isinstance(event, events.Answer)]
    assert "142" in answer.text
    assert any(
        event.status == "ok" and "142" in event.observation
        for event in stream
        if isinstance(event, events.ToolCallFinished)
    )


async def test_from_the_second_step_on_old_tokens_come_from_the_servers_cache(
    session: Session, gapminder: pd.DataFrame
) -> None:
    first = [
        event
        async for event in session.ask(
            "Which year has the highest mean lifeExp in gapminder?", data={"gapminder": gapminder}
        )
    ]
    second = [event async for event in session.ask("And which has the lowest?")]
    steps = [*replies(first), *replies(second)]
    assert len(steps) >= 3
    prompts = [e for e in [*first, *second] if isinstance(e, events.Prompt)]
    for before, after, prompt in zip(steps, steps[1:], prompts[1:], strict=False):
        if prompt.request and not prompt.prefix:
            continue  # asked afresh: shorter than what was sent before
        old = before.usage.input + before.usage.output
        assert after.usage.cached >= 0.95 * old, (before.usage, after.usage)
