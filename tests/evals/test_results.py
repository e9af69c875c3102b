"""The store: at once on disk, resumable, never mixed, private."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyst.evals.errors import (
    DifferentIdentityError,
    ForeignDirectoryError,
    OutputInUseError,
    ResultsExistError,
    ResultsUnreadableError,
)
from analyst.evals.results import (
    Identity,
    QuestionResult,
    ResultStore,
    read_identity,
    read_results,
)


def result(question_id: int, **fields: Any) -> QuestionResult:
    base: dict[str, Any] = {
        "id": question_id,
        "level": "easy",
        "concepts": (),
        "outcome": "good",
        "right": 1,
        "total": 1,
        "sub_answers": (),
        "answer": "@n[3]",
        "values": {"n": 3},
        "scored": "@n[3]",
        "seconds": 1.0,
        "usage": {},
        "steps": 1,
        "run_id": "r",
        "status": "ok",
        "reason": None,
    }
    return QuestionResult.model_validate({**base, **fields})


def test_a_result_is_on_disk_as_soon_as_it_is_appended(tmp_path: Path, identity: Identity) -> None:
    with ResultStore(tmp_path / "out", identity, existing="refuse") as store:
        store.append(result(3))
        assert read_results(tmp_path / "out") == {3: result(3)}
    assert read_identity(tmp_path / "out") == identity


def test_the_directory_and_its_files_are_private(tmp_path: Path, identity: Identity) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="refuse") as store:
        store.append(result(3))
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_resuming_knows_what_is_done_and_asks_failures_again(
    tmp_path: Path, identity: Identity
) -> None:
    with ResultStore(tmp_path / "out", identity, existing="refuse") as store:
        store.append(result(3))
        store.append(result(7, outcome="error"))
    with ResultStore(tmp_path / "out", identity, existing="resume") as store:
        assert [one for one in (3, 7, 11) if store.is_done(one)] == [3]
        store.append(result(7, outcome="wrong", right=0))
        assert store.is_done(7)
    assert read_results(tmp_path / "out")[7].outcome == "wrong"


def test_results_are_neither_overwritten_nor_continued_unasked(
    tmp_path: Path, identity: Identity
) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="refuse") as store:
        store.append(result(3))
    with pytest.raises(ResultsExistError, match=r"holds 1 results: add --resume .* --fresh"):
        ResultStore(out, identity, existing="refuse")
    assert list(read_results(out)) == [3]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "other"}, "model was scripted, now other"),
        ({"settings": {"max_steps": 9}}, "settings.max_steps was 5, now 9"),
        ({"settings": {}}, "settings.max_steps was 5, now None"),
        ({"versions": {"prompt": "2"}}, "versions.prompt was 1, now 2"),
        ({"fingerprint": "f"}, "fingerprint was "),
    ],
)
def test_different_evaluations_are_not_mixed(
    tmp_path: Path, identity: Identity, change: dict[str, Any], told: str
) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="refuse") as store:
        store.append(result(3))
    with pytest.raises(DifferentIdentityError) as caught:
        ResultStore(out, identity.model_copy(update=change), existing="resume")
    assert told in str(caught.value)
    assert read_identity(out) == identity
    assert list(read_results(out)) == [3]


def test_without_results_another_identity_may_begin(tmp_path: Path, identity: Identity) -> None:
    ResultStore(tmp_path / "out", identity, existing="refuse").close()
    other = identity.model_copy(update={"model": "other"})
    ResultStore(tmp_path / "out", other, existing="refuse").close()
    assert read_identity(tmp_path / "out") == other


def test_fresh_deletes_results_of_any_identity(tmp_path: Path, identity: Identity) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="refuse") as store:
        store.append(result(3))
    other = identity.model_copy(update={"model": "other"})
    with ResultStore(out, other, existing="delete") as store:
        assert store.results == {}
    assert read_results(out) == {}
    assert read_identity(out) == other


@pytest.mark.parametrize("existing", ["refuse", "resume", "delete"])
def test_a_directory_of_other_files_is_left_alone(
    tmp_path: Path, identity: Identity, existing: Any
) -> None:
    (tmp_path / "report.md").write_text("my own")
    with pytest.raises(ForeignDirectoryError, match="holds no evaluation"):
        ResultStore(tmp_path, identity, existing=existing)
    assert [path.name for path in tmp_path.iterdir() if path.name != "suite"] == ["report.md"]


def test_two_writers_do_not_share_a_directory(tmp_path: Path, identity: Identity) -> None:
    out = tmp_path / "out"
    with (
        ResultStore(out, identity, existing="refuse"),
        pytest.raises(OutputInUseError, match="Another evaluation is writing"),
    ):
        ResultStore(out, identity, existing="delete")
    ResultStore(out, identity, existing="resume").close()


def test_a_directory_that_cannot_be_taken_over_is_free_again(
    tmp_path: Path, identity: Identity
) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="refuse") as store:
        store.append(result(3))
    with pytest.raises(ResultsExistError):
        ResultStore(out, identity, existing="refuse")
    ResultStore(out, identity, existing="resume").close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), junk=st.binary(max_size=40))
def test_a_torn_last_line_loses_only_itself(
    tmp_path: Path, identity: Identity, cut: int, junk: bytes
) -> None:
    out = tmp_path / "out"
    with ResultStore(out, identity, existing="delete") as store:
        store.append(result(3))
        whole = (out / "results.jsonl").stat().st_size
        store.append(result(7))
    path = out / "results.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[: max(whole, len(text) - 1 - cut)] + junk.replace(b"\n", b""))
    with ResultStore(out, identity, existing="resume") as store:
        assert 3 in store.results
        store.append(result(11))
    assert {3, 11} <= read_results(out).keys()


def test_values_that_json_lacks_are_kept_as_text(tmp_path: Path, identity: Identity) -> None:
    with ResultStore(tmp_path / "out", identity, existing="refuse") as store:
        store.append(result(3, values={"path": object, "not a number": float("nan")}))
    values = read_results(tmp_path / "out")[3].values
    assert values["path"] == "<class 'object'>"


def test_what_is_no_evaluation_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnreadableError, match=r"evaluation\.json cannot be read"):
        read_identity(tmp_path)
    (tmp_path / "evaluation.json").write_text("{}")
    with pytest.raises(ResultsUnreadableError, match="is not what an evaluation writes"):
        read_identity(tmp_path)
    (tmp_path / "results.jsonl").mkdir()
    with pytest.raises(ResultsUnreadableError, match=r"results\.jsonl cannot be read"):
        read_results(tmp_path)
