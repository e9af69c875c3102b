"""The worked example as a planned run of the real embedded model, through the whole house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyst.frontends.report_recorded import save_report
from analyst.record import events
from analyst.session import Session
from analyst.settings import Settings

from ..health import QUESTION, gains, lay_out  # noqa: TID252 - tests are no package

pytestmark = [pytest.mark.model, pytest.mark.timeout(1200)]

CHART_TYPES = ("application/vnd.plotly.v1+json", "image/png")


async def test_health_trends_are_planned_computed_drawn_looked_up_and_reported(
    tmp_path: Path,
) -> None:
    data = lay_out(tmp_path)
    settings = Settings(model="embedded", work="plan", max_seconds=900)
    async with Session(
        cwd=tmp_path, data_directory=tmp_path / "data", settings=settings
    ) as session:
        stream = [event async for event in session.ask(QUESTION, files=[data])]
    finished = stream[-1]
    assert isinstance(finished, events.RunFinished)
    (proposed,) = [one for one in stream if isinstance(one, events.PlanProposed)]
    print("\n".join(f"{step.kind}: {step.text}" for step in proposed.planned))
    ended = [one for one in stream if isinstance(one, events.PlanStepFinished)]
    print("\n".join(f"{one.index} {one.status} {one.reason or ''}" for one in ended))
    (answer,) = [one for one in stream if isinstance(one, events.Answer)]
    print(answer.text, finished.usage, f"{finished.seconds:.0f} s")

    assert finished.status == "ok"
    assert 2 <= len(proposed.steps) <= 5
    assert any(step.kind == "chart" for step in proposed.planned)
    assert sum(one.status == "ok" for one in ended) >= 2
    shown = [
        one.output.get("data", {})
        for one in stream
        if isinstance(one, events.OutputEmitted) and one.output
    ]
    assert any(mime in one for one in shown for mime in CHART_TYPES)
    # The numbers of the answer come from what was computed.
    assert answer.ungrounded == ()
    assert re.search(r"\d", answer.text)
    assert any(name in answer.text for name in gains().index)
    report = save_report(
        stream[0].run_id, tmp_path / "health.html", Settings(), directory=tmp_path / "data"
    )
    assert "Plotly.newPlot" in report.read_text()


async def test_the_same_question_is_known_in_a_later_session(tmp_path: Path) -> None:
    data = lay_out(tmp_path)
    question = "What is the mean lifeExp of gapminder in 2007 and in 1997, with a chart?"
    for number in range(2):
        settings = Settings(model="embedded", work="plan" if number == 0 else "loop")
        async with Session(
            cwd=tmp_path, data_directory=tmp_path / "data", settings=settings
        ) as session:
            stream = [event async for event in session.ask(question, files=[data])]
    (answer,) = [one for one in stream if isinstance(one, events.Answer)]
    print(answer.text)
    assert re.search(r"\[F\d+\]", answer.text)
    assert not [one for one in stream if isinstance(one, events.ModelResponded)]
