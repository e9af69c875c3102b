"""Running a suite: each question in a fresh session, in a private directory of its own.

Here: sessions, working directories, time limits, and the order of things. Not here: how a session
is put together (the caller's factory), scoring (:mod:`analyst.evals.dabench`), progress on a
screen or reports.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from analyst.evals.dabench import NAMED_VALUE, AskedQuestion, Question, answer_text, compose, score
from analyst.evals.errors import EvaluationAbortedError
from analyst.evals.outcome import RunObserver
from analyst.evals.results import QuestionResult, ResultStore
from analyst.record.events import Event


class AskingSession(Protocol):
    """The part of a session that an evaluation uses."""

    def ask(
        self,
        question: str,
        *,
        files: Sequence[Path] = (),
        values: Sequence[str] = (),
        value_pattern: re.Pattern[str] | None = None,
    ) -> AsyncIterator[Event]:
        """Ask one question and yield the events of its run."""
        ...


SessionFactory = Callable[[Path], AbstractAsyncContextManager[AskingSession]]
"""Makes a new session that works in the directory it is given and knows nothing else."""

OnResult = Callable[[QuestionResult], None]


async def run_suite(
    questions: Sequence[Question],
    *,
    session_factory: SessionFactory,
    store: ResultStore,
    question_timeout: float = 1800.0,
    failures_to_abort: int = 3,
    on_result: OnResult | None = None,
) -> None:
    """Ask the questions that the store has no standing result of, one after the other.

    Each result is on disk before the next question begins. ``question_timeout`` (seconds) is a
    safety net around a whole session: the budgets of a run are its settings' business.
    Cancellation ends the session in progress and records nothing of it.

    Raises :class:`EvaluationAbortedError` after ``failures_to_abort`` questions in a row that
    failed outside the agent.
    """
    failures = 0
    for question in questions:
        if store.is_done(question.id):
            continue
        result = await ask_question(
            question, session_factory=session_factory, timeout_seconds=question_timeout
        )
        store.append(result)
        if on_result is not None:
            on_result(result)
        failures = failures + 1 if result.outcome == "error" else 0
        if failures >= failures_to_abort:
            raise EvaluationAbortedError(failures, result.reason or "nothing.")


async def ask_question(
    question: Question, *, session_factory: SessionFactory, timeout_seconds: float
) -> QuestionResult:
    """Ask one question in a fresh session; whatever goes wrong in it is part of the result."""
    asked = compose(question)
    observer = RunObserver()
    failure: str | None = None
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(
        prefix="analyst-eval-", ignore_cleanup_errors=True
    ) as directory:
        workspace = Path(directory)
        # A copy, since code that writes to its input must not change another question's.
        table = Path(await asyncio.to_thread(shutil.copy, question.table, workspace))
        try:
            async with asyncio.timeout(timeout_seconds), session_factory(workspace) as session:
                async for event in session.ask(
                    asked.text,
                    files=[table],
                    values=asked.value_names,
                    value_pattern=NAMED_VALUE,
                ):
                    observer.see(event)
        except TimeoutError as error:
            failure = str(error) or f"No end after {timeout_seconds:g} seconds."
        except Exception as error:  # noqa: BLE001  one question's failure must not end the suite
            failure = str(error) or type(error).__name__
    return _result(question, asked, observer, failure, time.monotonic() - begun)


def _result(
    question: Question,
    asked: AskedQuestion,
    observer: RunObserver,
    failure: str | None,
    elapsed: float,
) -> QuestionResult:
    finished = observer.finished
    text = observer.answer.text if observer.answer else ""
    values = observer.answer.values if observer.answer else {}
    scored = answer_text(asked, text, values)
    sub_answers = score(question, scored)
    right = sum(sub.right for sub in sub_answers)
    return QuestionResult(
        id=question.id,
        level=question.level,
        concepts=question.concepts,
        outcome=observer.outcome(
            all_right=right == len(sub_answers),
            answered=any(sub.given is not None for sub in sub_answers),
        ),
        right=right,
        total=len(sub_answers),
        sub_answers=sub_answers,
        answer=text,
        values=values,
        scored=scored,
        seconds=(finished.seconds if finished else elapsed) + observer.seconds_saved,
        usage=observer.usage,
        steps=finished.steps if finished else 0,
        run_id=observer.run_id,
        status=finished.status if finished else None,
        reason=(finished.reason if finished else None) or failure or observer.failure,
        team=observer.team.sums(),
    )
