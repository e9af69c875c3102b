"""Each question in a fresh session and a directory of its own; failures are results."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analyst.evals.dabench import NAMED_VALUE, Question, load, select
from analyst.evals.errors import EvaluationAbortedError
from analyst.evals.results import Identity, QuestionResult, ResultStore, read_results
from analyst.evals.runner import ask_question, run_suite

CRATES = "How many crates were picked in all?"
ORCHARD = "Which orchard picked most, and how many crates per kind on average?"
KINDS = "How many kinds are there?"


@pytest.fixture
def questions(suite_path: Path) -> tuple[Question, ...]:
    return select(load(suite_path))


@pytest.fixture
def store(tmp_path: Path, identity: Identity) -> Iterator[ResultStore]:
    with ResultStore(tmp_path / "out", identity, existing="refuse") as store:
        yield store


async def ask(sessions: Any, question: Question, timeout_seconds: float = 60) -> QuestionResult:
    return await ask_question(
        question, session_factory=sessions.factory, timeout_seconds=timeout_seconds
    )


async def test_every_question_is_asked_once_in_order_and_kept(
    questions: tuple[Question, ...], all_right: Any, store: ResultStore
) -> None:
    told: list[int] = []
    await run_suite(
        questions,
        session_factory=all_right.factory,
        store=store,
        on_result=lambda result: told.append(result.id),
    )
    assert all_right.asked == [CRATES, ORCHARD, KINDS]
    assert told == [3, 7, 11]
    kept = read_results(store.directory)
    assert [(one.id, one.outcome, one.right, one.total) for one in kept.values()] == [
        (3, "good", 1, 1),
        (7, "good", 2, 2),
        (11, "good", 1, 1),
    ]


async def test_a_result_holds_what_the_run_told(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[ORCHARD] = [
        play.started,
        play.called("ok"),
        play.answered("@orchard[North], @mean_crates[20.5]", orchard="North", mean_crates=20.5),
        play.finished("partial", "Out of steps."),
    ]
    result = await ask(sessions, questions[1])
    assert result.model_dump(exclude={"sub_answers"}) == {
        "id": 7,
        "level": "medium",
        "concepts": ("Sums", "Means"),
        "outcome": "wrong",
        "right": 1,
        "total": 2,
        "answer": "@orchard[North], @mean_crates[20.5]",
        "values": {"orchard": "North", "mean_crates": 20.5},
        "scored": "@orchard[North], @mean_crates[20.5]",
        "seconds": 4.0,
        "usage": {"input": 1000, "output": 100, "cached": 600},
        "steps": 2,
        "run_id": "run-1",
        "status": "partial",
        "reason": "Out of steps.",
        "team": {},
    }
    assert {one.name: (one.expected, one.given, one.right) for one in result.sub_answers} == {
        "mean_crates": ("20.50", "20.5", True),
        "orchard": ("South", "North", False),
    }


async def test_the_session_gets_the_composed_question_and_the_one_table(
    questions: tuple[Question, ...], all_right: Any
) -> None:
    await ask(all_right, questions[1])
    (workspace,) = all_right.workspaces
    assert all_right.arguments == [
        {
            "question": f"{ORCHARD}\n\n{questions[1].format}",
            "files": [workspace / "harvest.csv"],
            "values": ("orchard", "mean_crates"),
            "value_pattern": NAMED_VALUE,
        }
    ]
    assert list(all_right.seen_files[0]) == ["harvest.csv"]


async def test_nothing_leaks_from_one_question_to_the_next(
    questions: tuple[Question, ...], all_right: Any, store: ResultStore
) -> None:
    original = questions[0].table.read_text()

    async def spoil() -> None:
        assert all_right.open == 1
        workspace = all_right.workspaces[-1]
        assert stat.S_IMODE(workspace.stat().st_mode) == 0o700
        (workspace / "harvest.csv").write_text("spoilt")
        (workspace / "notes.txt").write_text("the answer is 60")

    all_right.scripts[CRATES].insert(1, spoil)
    await run_suite(questions, session_factory=all_right.factory, store=store)
    assert all_right.seen_files[0] == all_right.seen_files[1] == {"harvest.csv": original}
    assert list(all_right.seen_files[2]) == ["kinds of fruit.csv"]
    assert questions[0].table.read_text() == original
    assert len(set(all_right.workspaces)) == 3
    assert not any(workspace.exists() for workspace in all_right.workspaces)
    assert all_right.open == 0


async def test_a_run_without_an_answer_is_wrong(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[CRATES] = [play.started, play.noted("malformed_action"), play.finished()]
    result = await ask(sessions, questions[0])
    assert (result.outcome, result.right, result.answered) == ("malformed_action", 0, False)


async def test_computed_values_count_beside_a_text_that_does_not_name_them(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[ORCHARD] = [
        play.started,
        play.called("ok"),
        play.answered("It is the South: @orchard[South].", orchard="North", mean_crates=20.5),
        play.finished(),
    ]
    result = await ask(sessions, questions[1])
    assert result.outcome == "good"
    assert result.scored == "It is the South: @orchard[South].\n@mean_crates[20.5]"


async def test_an_answer_in_free_text_alone_is_wrong(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[CRATES] = [
        play.started,
        play.called("ok"),
        play.answered("There were 60 crates."),
        play.finished(),
    ]
    assert (await ask(sessions, questions[0])).outcome == "wrong"


async def test_an_exception_of_a_session_is_the_result_of_its_question(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[CRATES] = [play.started, ConnectionError("Nobody answers at the endpoint.")]
    result = await ask(sessions, questions[0])
    assert (result.outcome, result.reason) == ("error", "Nobody answers at the endpoint.")
    assert (result.run_id, result.status, result.right) == ("run-1", None, 0)
    assert sessions.open == 0


async def test_an_exception_after_the_run_ended_changes_nothing_but_the_reason(
    questions: tuple[Question, ...], all_right: Any
) -> None:
    all_right.scripts[CRATES].append(OSError("The kernel would not end."))
    result = await ask(all_right, questions[0])
    assert (result.outcome, result.reason) == ("good", "The kernel would not end.")


async def test_a_session_that_hangs_is_ended(
    questions: tuple[Question, ...], sessions: Any, play: SimpleNamespace
) -> None:
    sessions.scripts[CRATES] = [play.started, asyncio.Event().wait]
    result = await ask(sessions, questions[0], timeout_seconds=0.05)
    assert (result.outcome, result.reason) == ("error", "No end after 0.05 seconds.")
    assert 0.05 <= result.seconds < 10
    assert sessions.open == 0


async def test_resuming_asks_only_what_has_no_standing_result(
    questions: tuple[Question, ...],
    all_right: Any,
    play: SimpleNamespace,
    store: ResultStore,
    identity: Identity,
) -> None:
    whole = all_right.scripts[ORCHARD]
    all_right.scripts[ORCHARD] = [ConnectionError("Down.")]
    await run_suite(questions[:2], session_factory=all_right.factory, store=store)
    store.close()
    all_right.scripts[ORCHARD] = whole
    all_right.asked.clear()
    with ResultStore(store.directory, identity, existing="resume") as resumed:
        await run_suite(questions, session_factory=all_right.factory, store=resumed)
        assert {one.outcome for one in resumed.results.values()} == {"good"}
    assert all_right.asked == [ORCHARD, KINDS]


async def test_failures_in_a_row_stop_the_suite_with_the_last_reason(
    questions: tuple[Question, ...], all_right: Any, store: ResultStore
) -> None:
    for question in (ORCHARD, KINDS):
        all_right.scripts[question] = [ConnectionError(f"No one there: {question[:5]}.")]
    with pytest.raises(EvaluationAbortedError, match=r"2 questions in a row.*No one there: How m"):
        await run_suite(
            questions, session_factory=all_right.factory, store=store, failures_to_abort=2
        )
    assert list(read_results(store.directory)) == [3, 7, 11]


async def test_failures_between_answers_do_not_stop_the_suite(
    questions: tuple[Question, ...], all_right: Any, store: ResultStore
) -> None:
    all_right.scripts[CRATES] = all_right.scripts[KINDS] = [ConnectionError("Down.")]
    await run_suite(questions, session_factory=all_right.factory, store=store, failures_to_abort=2)
    assert [one.outcome for one in store.results.values()] == ["error", "good", "error"]


async def test_cancellation_ends_the_session_and_records_nothing_of_it(
    questions: tuple[Question, ...], all_right: Any, store: ResultStore
) -> None:
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    all_right.scripts[ORCHARD].insert(1, hang)
    running = asyncio.create_task(
        run_suite(questions, session_factory=all_right.factory, store=store)
    )
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list(read_results(store.directory)) == [3]
    assert all_right.open == 0
    assert not any(workspace.exists() for workspace in all_right.workspaces)
