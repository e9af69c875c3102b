"""Sums over results, the two report files, and two evaluations side by side."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from analyst.evals.compare import compare, sign_test
from analyst.evals.errors import IncomparableError, ResultsUnreadableError
from analyst.evals.report import Report, write_report
from analyst.evals.results import Identity, QuestionResult, ResultStore


def result(
    question_id: int, level: str, right: int, total: int, *concepts: str, **fields: Any
) -> QuestionResult:
    sub_answers = [
        {
            "name": f"v{number}",
            "expected": str(number),
            "given": str(number) if number < right else None,
            "right": number < right,
        }
        for number in range(total)
    ]
    base: dict[str, Any] = {
        "id": question_id,
        "level": level,
        "concepts": concepts,
        "outcome": "good" if right == total else "wrong",
        "right": right,
        "total": total,
        "sub_answers": sub_answers,
        "answer": "",
        "values": {},
        "scored": "",
        "seconds": float(question_id),
        "usage": {"input": 1000, "cached": 500, "output": 100 * question_id},
        "steps": 2,
        "run_id": f"run-{question_id}",
        "status": "ok",
        "reason": None,
    }
    return QuestionResult.model_validate({**base, **fields})


RESULTS = [
    result(1, "hard", 1, 1, "Sums"),
    result(2, "easy", 1, 4, "Sums", "Means"),
    result(3, "easy", 0, 1, "Means", outcome="code_broken", steps=5),
    result(4, "easy", 2, 2),
]


def save(directory: Path, identity: Identity, results: list[QuestionResult]) -> Path:
    with ResultStore(directory, identity, existing="refuse") as store:
        for one in results:
            store.append(one)
    return directory


def test_the_official_measures_differ_as_they_should(identity: Identity) -> None:
    report = Report.over(identity, {one.id: one for one in RESULTS})
    assert report.accuracy.abq == pytest.approx(2 / 4)
    assert report.accuracy.psaq == pytest.approx((1 + 1 / 4 + 0 + 1) / 4)
    assert report.accuracy.uasq == pytest.approx(4 / 8)


def test_levels_and_concepts_are_summed_apart(identity: Identity) -> None:
    report = Report.over(identity, {one.id: one for one in RESULTS})
    assert {name: (one.good, one.questions) for name, one in report.by_level.items()} == {
        "easy": (1, 3),
        "hard": (1, 1),
    }
    assert list(report.by_level) == ["easy", "hard"]
    assert {name: (one.good, one.questions) for name, one in report.by_concept.items()} == {
        "Means": (0, 2),
        "Sums": (1, 2),
    }


def test_time_tokens_steps_and_outcomes_are_told(identity: Identity) -> None:
    report = Report.over(identity, {one.id: one for one in RESULTS})
    assert report.seconds.model_dump() == {"mean": 2.5, "median": 2.5, "max": 4.0}
    assert report.steps.model_dump() == {"mean": 2.75, "median": 2.0, "max": 5.0}
    assert report.tokens.model_dump() == {
        "input": 1000,
        "output": 250,
        "cached": 500,
        "total": 1250,
    }
    assert report.outcomes == {
        "good": 2,
        "wrong": 1,
        "code_broken": 1,
        "malformed_action": 0,
        "no_action": 0,
        "error": 0,
    }
    assert report.unanswered == 1


def test_what_each_role_of_a_team_did_is_summed_up(identity: Identity) -> None:
    team = {"reviewer": {"turns": 2, "objections": 1, "upheld": 1, "seconds": 1.25}}
    results = [result(1, "easy", 1, 1, team=team), result(2, "easy", 1, 1, team=team)]
    report = Report.over(identity, {one.id: one for one in results})
    assert report.team["reviewer"].turns == 4
    row = "| reviewer | 4 | 0 | 0 | 0 | 2.5 | 2 | 2 | 0 | 0 |"
    assert row in report.to_markdown().splitlines()
    assert "## Team" not in Report.over(identity, {1: RESULTS[0]}).to_markdown()


def test_without_results_there_is_still_a_report(identity: Identity) -> None:
    report = Report.over(identity, {}, selected=[1, 2])
    assert (report.accuracy.abq, report.seconds.max, report.not_asked) == (0.0, 0.0, (1, 2))
    assert "Incomplete: 2 of 2 questions were not asked" in report.to_markdown()


def test_the_files_hold_the_same_report(tmp_path: Path, identity: Identity) -> None:
    out = save(tmp_path / "out", identity, RESULTS)
    report = write_report(out, selected=[1, 2, 3, 4])
    assert Report.model_validate_json((out / "report.json").read_bytes()) == report
    assert json.loads((out / "report.json").read_text())["accuracy"]["abq"] == 0.5
    assert (out / "report.md").read_text() == report.to_markdown()
    assert stat.S_IMODE((out / "report.md").stat().st_mode) == 0o600


def test_the_markdown_tells_the_headline_and_every_question(identity: Identity) -> None:
    text = Report.over(identity, {one.id: one for one in RESULTS}).to_markdown()
    assert "**ABQ 50.0%** (2 of 4 questions), PSAQ 56.2%, UASQ 50.0%." in text
    assert "Incomplete" not in text
    assert "| 3 | easy | code_broken | 0/1 | 3.0 | 1300 | 5 | run-3 |" in text
    assert "| easy | 3 | 33.3% |" in text
    assert "| max_steps | 5 |" in text


def test_the_wrong_ones_are_shown_with_expected_and_given(identity: Identity) -> None:
    text = Report.over(identity, {one.id: one for one in RESULTS}).to_markdown()
    wrong = text.split("## Not right")[1].split("## Settings")[0]
    assert "| 3 | v0 | '0' | nothing | code_broken |" in wrong
    assert "| 2 | v0 |" not in wrong
    assert "run-4" not in wrong


def test_an_interrupted_evaluation_says_what_it_would_be_at_worst(identity: Identity) -> None:
    report = Report.over(identity, {one.id: one for one in RESULTS}, selected=[1, 2, 3, 4, 5, 6])
    assert report.not_asked == (5, 6)
    assert "2 of 6 questions were not asked; counted as wrong they would make ABQ 33.3%." in (
        report.to_markdown()
    )


def test_hostile_answers_stay_in_their_cell(identity: Identity) -> None:
    given = "a | b\n# <script>[x](y)" + "z" * 500
    fields: dict[str, Any] = {"reason": "\x1b[2J\u202e gone"}
    sub = {"name": "n", "expected": "1", "given": given, "right": False}
    report = Report.over(identity, {9: result(9, "easy", 0, 1, sub_answers=[sub], **fields)})
    (row,) = [line for line in report.to_markdown().split("\n") if "zzz" in line]
    assert row.startswith(r"| 9 | n | '1' | 'a \| b\\n# \<script\>\[x\](y)zzz")
    assert row.isprintable()
    assert len(row) < 200


def test_a_comparison_names_what_flipped(tmp_path: Path, identity: Identity) -> None:
    a = save(tmp_path / "a", identity, RESULTS)
    other = identity.model_copy(update={"versions": {"prompt": "2"}})
    b = save(
        tmp_path / "b",
        other,
        [
            result(1, "hard", 0, 1, run_id="after-1"),
            result(2, "easy", 4, 4),
            result(3, "easy", 1, 1),
            result(5, "easy", 1, 1),
        ],
    )
    comparison = compare(a, b)
    assert [one.id for one, _ in comparison.gained] == [2, 3]
    assert [one.id for one, _ in comparison.lost] == [1]
    assert (comparison.only_a, comparison.only_b) == ((4,), (5,))
    assert (comparison.a.accuracy.good, comparison.b.accuracy.good) == (1, 2)
    text = comparison.to_markdown()
    assert "3 questions asked by both; only A asked 4; only B asked 5." in text
    assert "| ABQ | 33.3% | 66.7% | +33.3 points |" in text
    assert "| code_broken | 1 | 0 | -1 |" in text
    assert "| lost | 1 | hard | good | wrong | run-1 | after-1 |" in text
    assert "| versions.prompt | 1 | 2 |" in text


def test_the_same_results_have_no_flips(tmp_path: Path, identity: Identity) -> None:
    a = save(tmp_path / "a", identity, RESULTS)
    comparison = compare(a, a)
    assert (comparison.gained, comparison.lost, comparison.changes) == ((), (), {})
    assert "Gained 0, lost 0; sign test: p = 1." in comparison.to_markdown()


def test_what_cannot_be_compared_is_refused(tmp_path: Path, identity: Identity) -> None:
    a = save(tmp_path / "a", identity, RESULTS[:2])
    b = save(tmp_path / "b", identity, RESULTS[2:])
    c = save(tmp_path / "c", identity.model_copy(update={"fingerprint": "f"}), RESULTS)
    with pytest.raises(IncomparableError, match="no question was asked by both"):
        compare(a, b)
    with pytest.raises(IncomparableError, match="they are of different suites"):
        compare(a, c)
    with pytest.raises(ResultsUnreadableError, match=r"name the --output directory"):
        compare(a, tmp_path)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (3, 1, 10 / 16), (2, 2, 1.0), (10, 1, 24 / 2048)],
)
def test_the_sign_test_is_exact_and_symmetric(gained: int, lost: int, p: float) -> None:
    assert sign_test(gained, lost) == pytest.approx(p)
    assert sign_test(lost, gained) == pytest.approx(p)
