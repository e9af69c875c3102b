"""Values are shown with the digits that were computed, and not twice."""

from __future__ import annotations

from dataclasses import replace

from analyst.frontends import html, text, wording
from analyst.frontends.transcript import Transcript
from analyst.record import events as ev


def test_a_value_keeps_its_digits() -> None:
    assert wording.value_text(17750.87) == "17750.87"
    assert wording.value_text(0.1 + 0.2) == "0.3"


def test_values_that_the_answer_itself_gives_are_not_shown_again() -> None:
    assert html.answer("- mean = 17750.87", {"mean": 17750.87}).count("17750.87") == 1
    assert text.answer("- mean = 17750.87", {"mean": 17750.87}).count("17750.87") == 1
    assert text.answer("The mean is high.", {"mean": 2.5}) == "The mean is high.\nmean = 2.5"


def test_what_checks_of_the_answer_took_stands_in_the_usage_line() -> None:
    transcript = Transcript(
        usage=ev.Usage(input=900, output=100),
        checks={"second": ev.Usage(input=300, output=40), "critic": ev.Usage(output=2)},
    )
    line = wording.usage_line(transcript, seconds=2.0)
    assert "342 of them to check the answer" in line
    assert "check" not in wording.usage_line(Transcript(usage=ev.Usage(input=9)), seconds=2.0)


def test_a_run_whose_prices_are_known_says_what_it_cost() -> None:
    run = Transcript(started=True, model="m", status="ok", seconds=2.0)
    for nothing in (None, 0.0):
        assert "cost" not in wording.usage_line(replace(run, cost=nothing), seconds=2.0)
    costs = {0.00123: "0.0012", 0.5: "0.5", 12.345: "12.35"}
    for cost, words in costs.items():
        line = wording.usage_line(replace(run, cost=cost), seconds=2.0)
        assert line == f"0 steps · 2.0 s · cost {words} · m"
