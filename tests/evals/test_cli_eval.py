"""The command line of the evaluator: options, progress, Ctrl-C, exit codes, files."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analyst._version import __version__
from analyst.evals.results import read_results
from analyst.frontends.cli_eval import (
    Subject,
    add_parser,
    configured_subject,
    evaluate_dabench,
    prompts_fingerprint,
)
from analyst.llm.scripted import ScriptedModel
from analyst.session import Session

CRATES = "How many crates were picked in all?"
KINDS = "How many kinds are there?"


def parse(*words: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["eval", *map(str, words)])


@pytest.fixture
def evaluate(suite_path: Path, tmp_path: Path, all_right: Any) -> Callable[..., int]:
    """Evaluates sessions that play scripts into the directory ``out``."""

    def evaluate(*words: str | Path, model: str = "scripted") -> int:
        options = parse("dabench", "--path", suite_path, "--output", tmp_path / "out", *words)
        assert options.run is evaluate_dabench
        subject = Subject(session_factory=all_right.factory, model=model)
        return evaluate_dabench(options, subject=lambda _: subject)

    return evaluate


def test_a_whole_evaluation_leaves_results_and_both_reports(
    evaluate: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate() == 0
    told = capsys.readouterr()
    assert told.out.split("\n")[:3] == [
        "ABQ 100.0% (3 of 3 questions), PSAQ 100.0%, UASQ 100.0%.",
        "4.0 s, 1100 tokens and 2.0 steps a question. good 3",
        f"Report: {tmp_path / 'out' / 'report.md'}",
    ]
    assert told.err.split("\n")[2] == "3/3 question 11: good in 4 s; ABQ 100.0%"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "evaluation.json",
        "report.json",
        "report.md",
        "results.jsonl",
    ]
    fields = json.loads((tmp_path / "out" / "results.jsonl").read_text().split("\n")[0])
    assert fields["answer"] == "@crates[60]"
    assert fields["usage"] == {"input": 1000, "output": 100, "cached": 600}


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--ids", "11,3"], [CRATES, KINDS]),
        (["--level", "hard"], [KINDS]),
        (["--level", "hard", "--level", "easy"], [CRATES, KINDS]),
        (["--limit", "1"], [CRATES]),
    ],
)
def test_the_filters_choose_what_is_asked(
    evaluate: Callable[..., int], all_right: Any, words: list[str], asked: list[str]
) -> None:
    assert evaluate(*words) == 0
    assert all_right.asked == asked


def test_ctrl_c_leaves_a_report_and_resume_goes_on(
    evaluate: Callable[..., int],
    all_right: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def press_ctrl_c() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    whole = all_right.scripts[KINDS]
    all_right.scripts[KINDS] = [whole[0], press_ctrl_c, *whole[1:]]
    assert evaluate() == 130
    told = capsys.readouterr()
    assert f"interrupted; go on with --output {tmp_path / 'out'} --resume." in told.err
    assert "Incomplete: 1 of 3 questions were not asked" in told.out
    assert json.loads((tmp_path / "out" / "report.json").read_text())["not_asked"] == [11]
    assert all_right.open == 0

    all_right.scripts[KINDS] = whole
    all_right.asked.clear()
    assert evaluate("--resume") == 0
    assert all_right.asked == [KINDS]
    assert "ABQ 100.0% (3 of 3 questions)" in capsys.readouterr().out


def test_resuming_what_is_complete_asks_nothing_and_reports(
    evaluate: Callable[..., int], all_right: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate() == 0
    all_right.asked.clear()
    assert evaluate("--resume") == 0
    assert all_right.asked == []
    assert capsys.readouterr().out.count("(3 of 3 questions)") == 2


def test_results_of_another_model_are_not_continued(
    evaluate: Callable[..., int], all_right: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate("--limit", "1") == 0
    assert evaluate("--resume", model="other") == 2
    assert "(model was scripted, now other)" in capsys.readouterr().err
    assert all_right.asked == [CRATES]


def test_fresh_begins_anew(evaluate: Callable[..., int], all_right: Any, tmp_path: Path) -> None:
    assert evaluate() == 0
    assert evaluate("--fresh", "--ids", "11", model="other") == 0
    assert list(read_results(tmp_path / "out")) == [11]


def test_an_endpoint_that_is_down_stops_the_suite_with_its_reason(
    evaluate: Callable[..., int],
    all_right: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for question in all_right.scripts:
        all_right.scripts[question] = [ConnectionError("Nobody answers at the endpoint.")]
    assert evaluate() == 1
    assert "3 questions in a row failed outside the agent" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "report.json").read_text())["outcomes"]["error"] == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ids", "99"], "The suite has no question of id 99; it has 3, 7, 11."),
        (["--level", "odd"], "no question of level odd; it has easy, medium, hard."),
        (["--ids", "3", "--level", "hard"], "No question fits all of"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_asked(
    evaluate: Callable[..., int],
    all_right: Any,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    told: str,
) -> None:
    assert evaluate(*words) == 2
    error = capsys.readouterr().err
    assert error.startswith("analyst eval: ")
    assert told in error
    assert error.count("\n") == 1
    assert all_right.asked == []


def test_a_mistake_leaves_no_directory(evaluate: Callable[..., int], tmp_path: Path) -> None:
    assert evaluate("--ids", "99") == 2
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_a_directory_is_said(
    evaluate: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    assert evaluate() == 2
    assert "out: File exists; name another --output." in capsys.readouterr().err


def test_resume_needs_to_know_where(suite_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = parse("dabench", "--path", suite_path, "--resume")
    assert options.run(options) == 2
    assert "--resume needs --output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--limit", "0"], "'0' is not a whole number from 1 up"),
        (["--limit", "²"], "'²' is not a whole number from 1 up"),
        (["--ids", "1,x"], "'1,x' is not a list of question numbers like 1,2,3"),
        (["--resume", "--fresh"], "not allowed with argument --resume"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("dabench", "--path", "suite", *words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_compare_prints_the_flips(
    evaluate: Callable[..., int],
    all_right: Any,
    play: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert evaluate() == 0
    (tmp_path / "out").rename(tmp_path / "before")
    all_right.scripts[KINDS] = [play.started, play.finished()]
    assert evaluate() == 0
    capsys.readouterr()
    options = parse("compare", tmp_path / "before", tmp_path / "out")
    assert options.run(options) == 0
    assert "| lost | 11 | hard | good | no_action |" in capsys.readouterr().out


def test_compare_says_what_is_no_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = parse("compare", tmp_path / "no", tmp_path / "out")
    assert options.run(options) == 2
    assert "evaluation.json cannot be read; name the --output directory" in (
        capsys.readouterr().err
    )


@pytest.fixture
def private_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANALYST_MODEL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("private_settings")
def test_what_is_evaluated_is_identified_by_model_settings_and_prompts(
    suite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-key")
    options = parse(
        "dabench", "--path", suite_path, "--model", "some-model", "--set", "max-steps=3"
    )
    subject = configured_subject(options)
    assert subject.model == subject.settings["model"] == "some-model"
    assert subject.settings["max_steps"] == 3
    assert subject.settings["protocol"] == "native"
    assert subject.versions == {"jupyter-analyst": __version__, "prompts": prompts_fingerprint()}
    assert "sk-not-a-key" not in repr(subject)


@pytest.mark.usefixtures("private_settings")
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("steps=3", "There is no setting 'steps'."),
        ("max_steps=many", "max_steps: "),
        ("api_key=sk-1", "api_key would be seen by others on a command line"),
        ("model=some-model", "there is no way to reach it"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(
    suite_path: Path, capsys: pytest.CaptureFixture[str], setting: str, told: str
) -> None:
    options = parse("dabench", "--path", suite_path, "--set", setting)
    assert options.run(options) == 2
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("private_settings")
def test_with_a_real_session_the_agents_code_reads_the_table_and_is_scored(
    suite_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Session, loop and kernel are real; only the model's replies are scripted."""
    replies = ["```python\ncrates = df['crates'].sum()\nprint(crates)\n```"]
    model = ScriptedModel([*replies, "FINAL: There were 60 crates."])

    @asynccontextmanager
    async def session_factory(workspace: Path) -> AsyncIterator[Session]:
        data = tmp_path / "data"
        async with Session(cwd=workspace, model=model, data_directory=data) as session:
            yield session

    out = tmp_path / "out"
    options = parse("dabench", "--path", suite_path, "--output", out, "--ids", "3")
    subject = Subject(session_factory=session_factory, model=model.name)
    assert evaluate_dabench(options, subject=lambda _: subject) == 0
    result = read_results(out)[3]
    assert (result.outcome, result.status, result.values) == ("good", "ok", {"crates": 60})
    assert result.run_id is not None
    assert list((tmp_path / "data").rglob(f"{result.run_id}*"))
    asked = json.dumps([list(request.messages) for request in model.requests])
    assert "How many crates were picked in all?" in asked
    assert "Count every orchard." in asked
    assert "@crates[n]" in asked
