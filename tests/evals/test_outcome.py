"""What became of a question, told from its events."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from analyst.evals.outcome import RunObserver
from analyst.record.events import EventCodec


def observe(*steps: dict[str, object]) -> RunObserver:
    observer = RunObserver()
    for seq, step in enumerate(steps):
        event = EventCodec.adapter.validate_python({"run_id": "r", "seq": seq, "t": 0.0, **step})
        observer.see(event)
    return observer


@pytest.mark.parametrize(
    ("tries", "answered", "outcome"),
    [
        ([], False, "no_action"),
        ([], True, "no_action"),
        (["malformed"], False, "malformed_action"),
        (["malformed"], True, "malformed_action"),
        (["refused"], False, "malformed_action"),
        (["error", "refused"], False, "code_broken"),
        (["ok", "refused"], False, "wrong"),
        (["ok", "malformed"], False, "malformed_action"),
        (["ok", "malformed"], True, "wrong"),
        (["malformed", "ok"], False, "wrong"),
        (["error"], False, "code_broken"),
        (["error", "timeout"], True, "code_broken"),
        (["died"], True, "code_broken"),
        (["interrupted"], False, "code_broken"),
        (["ok", "error"], False, "code_broken"),
        (["ok", "error"], True, "wrong"),
        (["error", "ok"], False, "wrong"),
        (["ok"], True, "wrong"),
        (["error", "malformed"], True, "code_broken"),
    ],
)
def test_a_question_that_is_not_right_tells_what_stood_in_its_way(
    play: SimpleNamespace, tries: list[str], answered: bool, outcome: str
) -> None:
    steps = [
        play.noted("malformed_action") if one == "malformed" else play.called(one) for one in tries
    ]
    observer = observe(play.started, *steps, play.finished("partial"))
    assert observer.outcome(all_right=False, answered=answered) == outcome


def test_a_right_answer_is_good_however_it_came(play: SimpleNamespace) -> None:
    observer = observe(play.started, play.called("error"), play.finished("partial"))
    assert observer.outcome(all_right=True, answered=True) == "good"


def test_other_notes_are_no_actions(play: SimpleNamespace) -> None:
    observer = observe(play.started, play.noted("budget_near"), play.finished())
    assert observer.outcome(all_right=False, answered=False) == "no_action"


@pytest.mark.parametrize("status", ["error", "stopped"])
def test_a_run_that_failed_is_an_error_with_its_reason(play: SimpleNamespace, status: str) -> None:
    observer = observe(play.started, play.called("ok"), play.finished(status, "Nobody answers."))
    assert observer.failure == "Nobody answers."
    assert observer.outcome(all_right=False, answered=True) == "error"


def test_a_run_without_an_end_is_an_error(play: SimpleNamespace) -> None:
    observer = observe(play.started, play.called("ok"))
    assert observer.failure == "The run ended without saying so."
    assert observer.outcome(all_right=False, answered=False) == "error"


def test_kept_replies_count_as_if_they_had_been_asked_for(play: SimpleNamespace) -> None:
    kept = {
        "type": "model_responded",
        "request": 0,
        "text": "",
        "usage": {"input": 900, "output": 0, "cached": 900},
        "seconds": 0.5,
        "from_cache": True,
        "usage_when_asked": {"input": 900, "output": 80, "cached": 100},
        "seconds_when_asked": 8.5,
    }
    new = {"type": "model_responded", "request": 1, "text": "", "seconds": 3.0}
    finished = {**play.finished("partial"), "usage": {"input": 1900, "output": 50, "cached": 1000}}
    observer = observe(play.started, kept, new, finished)
    assert observer.usage.model_dump() == {"input": 1900, "output": 130, "cached": 200}
    assert observer.seconds_saved == 8.0
