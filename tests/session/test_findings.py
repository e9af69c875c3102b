"""Findings computed again: with a notebook's frames, with files elsewhere, on changed data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analyst.memory.finding import Finding
from analyst.record import events
from analyst.session.findings import Findings

from .conftest import MakeSession
from .reading import collect, the_answer

FRAME = pd.DataFrame({"region": ["north", "south", "north"], "price": [1.0, 2.0, 6.0]})
CHANGED = FRAME.assign(price=[1.0, 2.0, 9.0])
MEAN = ["```python\nprint(sales['price'].mean())\n```", "FINAL: The mean price is 3.0 kg."]
NAMED = ["```python\nmean_kg = sales['price'].mean()\nprint(mean_kg)\n```"]
QUESTION = "What is the mean price?"


@pytest.fixture
def findings(tmp_path: Path):
    with Findings(directory=tmp_path / "data") as opened:
        yield opened


async def ask(make_session: MakeSession, replies=MEAN, **options) -> list[events.Event]:
    return await collect(make_session(replies), QUESTION, **{"data": {"sales": FRAME}} | options)


async def test_values_of_the_answer_are_kept_with_their_units(make_session, findings):
    await ask(make_session)
    (value,) = findings.get(1).values
    assert (value.name, value.value, value.unit) == ("mean price", 3.0, "kg")
    assert not value.named


async def test_a_value_that_was_asked_for_has_the_unit_of_its_name(make_session, findings):
    await ask(make_session, NAMED, values=["mean_kg"])
    (value,) = findings.get(1).values
    assert (value.name, value.unit, value.named) == ("mean_kg", "kg", True)


async def test_words_of_an_answer_never_pass_for_values_asked_for(make_session, findings):
    mean = ["```python\nprint(sales['price'].mean())\n```", "FINAL: The mean is 3.0."]
    await ask(make_session, mean)
    assert [one.name for one in findings.get(1).values] == ["mean"]
    # Nor are they values of the answer when it is quoted.
    quoted = the_answer(await ask(make_session, []))
    assert "[F1]" in quoted.text
    assert quoted.values == {}
    replies = ["```python\nmean = sales['price'].max()\nprint(mean)\n```"]
    stream = await ask(make_session, replies, values=["mean"])
    assert the_answer(stream).values == {"mean": 6.0}


async def test_what_was_printed_by_code_that_failed_was_not_computed(make_session, findings):
    replies = ["```python\nprint(3.25)\n1/0\n```", "```python\nprint(4.5)\n```"]
    # With the check of numbers it would be no finding at all.
    session = make_session(
        [*replies, "FINAL: The mean is 3.25, the total: 4.5."], settings={"checks": "none"}
    )
    await collect(session, QUESTION, data={"sales": FRAME})
    assert [one.name for one in findings.get(1).values] == ["total"]


async def test_a_finding_on_a_frame_is_computed_again_with_the_frame(make_session, findings):
    await ask(make_session)
    found = await findings.verify(1, frames={"sales": FRAME, "other": 1})
    assert (found.outcome, found.printed) == ("same", "3.0")
    found = await findings.verify(1, frames={"sales": CHANGED})
    assert found.outcome == "data_changed"
    assert "sales changed, and so did the answer" in found.detail
    assert "“The mean price is 3.0 kg.”, the code prints “4.0” now" in found.detail


async def test_without_the_frame_it_says_which_variable_to_define(make_session, findings):
    await ask(make_session)
    found = await findings.verify(1, frames={"other": FRAME})
    assert found.outcome == "impossible"
    assert "define sales" in found.detail
    found = await findings.verify(1)
    assert found.outcome == "impossible"
    assert "%agent findings verify F1" in found.detail


async def test_old_and_new_value_stand_side_by_side_with_units(make_session, findings):
    await ask(make_session, NAMED, values=["mean_kg"])
    assert (await findings.verify(1, frames={"sales": FRAME})).outcome == "same"
    found = await findings.verify(1, frames={"sales": CHANGED})
    assert found.outcome == "data_changed"
    assert found.detail.endswith(": mean_kg was 3.0 kg and is 4.0 kg")


async def test_a_file_may_have_moved(make_session, findings, tmp_path):
    here, there = tmp_path / "sales.csv", tmp_path / "moved.csv"
    FRAME.to_csv(here, index=False)
    replies = ["```python\nprint(df['price'].mean())\n```", "FINAL: The mean price is 3.0."]
    await ask(make_session, replies, data={}, files=[here])
    here.rename(there)
    found = await findings.verify(1)
    assert found.outcome == "impossible"
    assert f"There is no {here} any more" in found.detail
    assert (await findings.verify(1, files={"df": there})).outcome == "same"
    CHANGED.drop(columns="price").to_csv(there, index=False)
    found = await findings.verify(1, files={"df": there})
    assert found.outcome == "data_changed"
    assert "the code fails now" in found.detail


async def test_an_answer_without_numbers_is_not_said_to_be_compared(make_session, findings):
    await ask(make_session, [MEAN[0], "FINAL: The north is dearer."])
    found = await findings.verify(1, frames={"sales": FRAME})
    assert found.outcome == "same"
    assert "no numbers" in found.detail


def test_findings_of_before_are_read_as_asked_for():
    body = {"question": "q", "answer": "a", "code": "c", "values": [{"name": "x", "value": 1}]}
    assert Finding.model_validate(body).named_values == {"x": 1}
